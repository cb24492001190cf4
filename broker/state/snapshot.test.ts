import { describe, expect, test } from '@jest/globals'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { objectOf, StateStory, spanOf, topicIdOf } from '../../testing/state-story.ts'
import { WireError } from '../wire/wire-error.ts'
import type { ClusterState, StateEvent } from './cluster-state.ts'
import { type Command, encodeCommand, encodeEntry } from './commands.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'

/** A command of a random kind about a few topics, groups and producers, some of which exist. */
function randomCommand(random: SeededRandom, state: ClusterState, number: number): Command {
  const name = `topic-${random.int(1, 4)}`
  const topicId = state.catalog.byName.get(name)?.id ?? topicIdOf(number)
  const groupId = `group-${random.int(1, 3)}`
  const partition = random.int(0, 3)
  switch (random.int(0, 17)) {
    case 15: {
      const one = { user: `user-${random.int(1, 3)}`, mechanism: random.int(1, 2) }
      const bytes = { salt: Buffer.from([number]), storedKey: Buffer.from('s'), serverKey: Buffer.from('k') }
      const upserts = [{ ...one, iterations: 4096 + number, ...bytes }]
      return {
        type: 'alterScram',
        body: random.chance(0.3) ? { removals: [one], upserts: [] } : { removals: [], upserts },
      }
    }
    case 16: {
      const resource = { resourceType: 2, patternType: random.pick([3, 4]), resourceName: name }
      const acl = { ...resource, principal: 'User:a', host: '*', operation: random.int(3, 6), permission: 3 }
      const body = random.chance(0.3) ? { additions: [], removals: [acl] } : { additions: [acl], removals: [] }
      return { type: 'alterAcls', body }
    }
    case 17: {
      const entity = [
        { type: 'user', name: random.pick([null, 'a']) },
        { type: 'client-id', name: 'c' },
      ].slice(random.int(0, 1))
      const changes = [{ key: `rate-${random.int(1, 2)}`, value: random.int(1, 9) / 4, remove: random.chance(0.3) }]
      return { type: 'alterQuotas', body: { entries: [{ entity, changes }] } }
    }
    case 0:
      return {
        type: 'createTopic',
        body: {
          topicId,
          name,
          partitions: random.int(1, 3),
          replicationFactor: 1,
          configs: [{ name: 'a', value: 'b' }],
        },
      }
    case 1:
      return random.chance(0.2)
        ? { type: 'deleteTopic', body: { topicId } }
        : { type: 'growTopic', body: { topicId, partitions: random.int(1, 4) } }
    case 2: {
      const changes = [{ name: `key-${random.int(0, 2)}`, value: random.chance(0.4) ? null : String(random.int(0, 9)) }]
      return { type: 'alterConfigs', body: { resourceType: random.pick([2, 4]), resourceName: name, changes } }
    }
    case 3:
      return { type: 'trim', body: { partitions: [{ topicId, partition, logStartOffset: random.int(0, 40) }] } }
    case 4: {
      const [group, members] = [state.groups.byId.get(groupId), random.int(0, 2)]
      return {
        type: 'putGroup',
        body: {
          groupId,
          basedOn: group?.version ?? 0,
          protocolType: 'consumer',
          protocol: 'range',
          generation: (group?.generation ?? 0) + 1,
          leader: 'm0',
          members: Array.from({ length: members }, (_, index) => ({
            memberId: `m${index}`,
            groupInstanceId: random.chance(0.5) ? `static-${index}` : null,
            clientId: 'c',
            clientHost: 'h',
            rebalanceTimeoutMs: 1,
            sessionTimeoutMs: 2,
            subscription: Buffer.from([index, 1]),
            assignment: Buffer.alloc(index),
          })),
        },
      }
    }
    case 5: {
      const { generation = -1, members = new Map<string, unknown>() } = state.groups.byId.get(groupId) ?? {}
      const [memberId = ''] = members.keys()
      const offset = { partition, offset: random.int(0, 99), leaderEpoch: 0, metadata: random.pick(['', 'mäta']) }
      const topics = [{ name, partitions: [offset] }]
      return {
        type: 'commitOffsets',
        body: { groupId, generation: memberId === '' ? -1 : generation, memberId, topics },
      }
    }
    case 6:
      return {
        type: 'deleteOffsets',
        body: { groupId, committedBy: state.time, topics: [{ name, partitions: [partition] }] },
      }
    case 7:
      return { type: 'allocateProducerIds', body: { count: random.int(1, 5) } }
    case 8: {
      const extents = [...(state.catalog.partition(topicId, partition)?.extents ?? [])].slice(0, 3)
      const count = extents.reduce((sum, extent) => sum + extent.count, 0)
      const [first] = extents
      const whole = { baseOffset: first?.baseOffset ?? 0, count, position: 0, length: count * 10, maxTimestamp: 8 }
      return {
        type: 'replace',
        body: { number, size: count * 10 + 50, runs: [{ topicId, partition, old: extents, extents: [whole] }] },
      }
    }
    case 9:
      return {
        type: 'forgetObjects',
        body: { handles: [...state.objects.dead.keys()].slice(0, random.int(0, 2)), sessions: [] },
      }
    default: {
      const producer = random.int(0, 3)
      const known = state.catalog.partition(topicId, partition)?.producers.histories.get(producer)
      const last = known?.batches.at(-1)?.lastSequence ?? -1
      const spans = [
        spanOf(random.int(1, 4), { maxTimestamp: random.int(-1, 5000) }),
        spanOf(2, { producerId: producer, producerEpoch: 0, baseSequence: last + random.pick([1, 1, 1, 2, -1]) }),
        spanOf(1),
      ]
      return { type: 'append', body: { objects: [objectOf(number, { topicId, partition, spans })] } }
    }
  }
}

/** Some hundred random events of a few brokers. */
function randomHistory(seed: number): StateStory {
  const random = new SeededRandom(seed)
  const story = new StateStory()
  const open = [story.open()]
  for (let step = 0; step < 500; step++) {
    story.clock += random.pick([0, 1, 1000, 3_600_000])
    const epoch = random.pick(open)
    if (random.chance(0.03)) open.push(story.open())
    else if (random.chance(0.02) && open.length > 1) {
      open.splice(open.indexOf(epoch), 1)
      story.close(epoch)
    } else story.entry(epoch, randomCommand(random, story.state, step), randomCommand(random, story.state, step + 1000))
  }
  return story
}

/** What comes after the history, decided by the state that the original is in. */
function continuation(story: StateStory, seed: number): StateEvent[] {
  const random = new SeededRandom(seed)
  const { state } = story
  return Array.from({ length: 100 }, (_, index) => {
    const session = random.pick([...state.sessions.values()])
    const position = state.position + 1
    const command = encodeCommand(randomCommand(random, state, 5000 + index))
    const payload = encodeEntry(story.clock + index * 60_000, [command])
    const event = { kind: 'entry' as const, position, epoch: session.epoch, number: session.lastNumber + 1, payload }
    state.apply(event)
    return event
  })
}

describe('snapshot', () => {
  test.each([1, 2, 3, 4, 5])('a state that went through one is the same and goes on the same (seed %i)', seed => {
    const story = randomHistory(seed)
    const bytes = encodeSnapshot(story.state)
    const restored = decodeSnapshot(bytes)
    expect(encodeSnapshot(restored).equals(bytes)).toBe(true)
    for (const [handle, object] of story.state.objects.live) expect(restored.objects.live.get(handle)).toEqual(object)
    for (const event of continuation(story, seed)) restored.apply(event)
    expect(restored.digest).toBe(story.state.digest)
    expect(encodeSnapshot(restored).equals(encodeSnapshot(story.state))).toBe(true)
  })

  test('the random histories have a bit of everything in them', () => {
    const { state } = randomHistory(1)
    const logs = [...state.catalog.byId.values()].flatMap(({ partitions }) => partitions)
    const facts = {
      topics: state.catalog.byId.size,
      extents: logs.reduce((sum, { extents }) => sum + extents.size, 0),
      trimmed: logs.filter(({ logStartOffset }) => logStartOffset > 0).length,
      producers: logs.reduce((sum, { producers }) => sum + producers.histories.size, 0),
      segments: [...state.objects.live.values()].filter(({ kind }) => kind === 'segment').length,
      dead: state.objects.dead.size,
      groups: state.groups.byId.size,
      configs: state.catalog.configs.size,
      closed: state.closedSessions.size,
    }
    for (const [name, count] of Object.entries(facts)) expect([name, count > 0]).toEqual([name, true])
  })

  test('two states of the same history have the same bytes', () => {
    const { state, events } = randomHistory(7)
    const other = new StateStory()
    for (const event of events) other.apply(event)
    expect(encodeSnapshot(other.state).equals(encodeSnapshot(state))).toBe(true)
  })

  test('damaged, cut or foreign bytes are refused', () => {
    const bytes = encodeSnapshot(randomHistory(3).state)
    for (const at of [0, 8, bytes.length >> 1, bytes.length - 1]) {
      const damaged = Buffer.from(bytes)
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at)
      expect(() => decodeSnapshot(damaged)).toThrow(WireError)
    }
    for (const length of [0, 3, 11, bytes.length - 1]) {
      expect(() => decodeSnapshot(bytes.subarray(0, length))).toThrow(WireError)
    }
  })

  test('keeps nothing alive of the bytes that it was read from', () => {
    const story = randomHistory(2)
    const bytes = encodeSnapshot(story.state)
    const restored = decodeSnapshot(bytes)
    bytes.fill(0)
    expect(encodeSnapshot(restored).equals(encodeSnapshot(story.state))).toBe(true)
  })
})
