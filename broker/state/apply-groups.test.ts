import { expect, test } from '@jest/globals'
import { StateStory, topicIdOf } from '../../testing/state-story.ts'
import { errorCode } from '../wire/errors.ts'
import { ClusterState } from './cluster-state.ts'
import type { PutGroup } from './commands.gen.ts'
import { type Command, encodeCommand, encodeEntry } from './commands.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'

/** Applies commands one entry each and tells their verdicts. */
function startState() {
  const state = new ClusterState()
  state.apply({ kind: 'session-opened', position: 1, epoch: 1, info: Buffer.alloc(0) })
  let number = 0
  const apply = (command: Command): number | undefined => {
    const payload = encodeEntry(++number * 1000, [encodeCommand(command)])
    const { outcomes } = state.apply({ kind: 'entry', position: state.position + 1, epoch: 1, number, payload })
    return outcomes[0]?.errorCode
  }
  const topicId = Buffer.alloc(16, 't').toString('base64url')
  apply({ type: 'createTopic', body: { topicId, name: 't', partitions: 2, replicationFactor: 1, configs: [] } })
  return { state, apply, group: () => state.groups.byId.get('g') }
}

const member: PutGroup['members'][number] = {
  memberId: 'm',
  groupInstanceId: null,
  clientId: 'c',
  clientHost: '/h',
  rebalanceTimeoutMs: 1,
  sessionTimeoutMs: 2,
  subscription: Buffer.from('subscription'),
  assignment: Buffer.from('assignment'),
}

function put(basedOn: number, generation: number, members: PutGroup['members']): Command {
  const body = { groupId: 'g', basedOn, protocolType: 'consumer', protocol: 'range', generation, leader: 'm', members }
  return { type: 'putGroup', body }
}

function commit(generation: number, memberId: string, partition = 0): Command {
  const topics = [{ name: 't', partitions: [{ partition, offset: 5, leaderEpoch: -1, metadata: '' }] }]
  return { type: 'commitOffsets', body: { groupId: 'g', generation, memberId, topics } }
}

function removeOffsets(
  topics: { name: string; partitions: number[] }[],
  committedBy = Number.MAX_SAFE_INTEGER,
): Command {
  return { type: 'deleteOffsets', body: { groupId: 'g', committedBy, topics } }
}

test('a group is changed only by who knows its last version', () => {
  const { state, apply, group } = startState()
  expect(apply(put(0, 1, [member]))).toBe(errorCode.NONE)
  const version = state.position
  expect(group()).toMatchObject({ version, generation: 1 })
  expect(apply(put(0, 2, []))).toBe(errorCode.NOT_COORDINATOR)
  expect(group()).toMatchObject({ version, generation: 1 })
  expect(apply(put(version, 2, []))).toBe(errorCode.NONE)
  expect(group()).toMatchObject({ generation: 2, emptySince: state.time })
  expect(apply({ type: 'deleteGroup', body: { groupId: 'g', basedOn: version } })).toBe(errorCode.NON_EMPTY_GROUP)
})

test('commits are judged by the durable generation', () => {
  const { state, apply, group } = startState()
  expect(apply(commit(1, 'm'))).toBe(errorCode.ILLEGAL_GENERATION)
  apply(put(0, 1, [member]))
  expect(apply(commit(1, 'm'))).toBe(errorCode.NONE)
  expect(apply(commit(1, 'stranger'))).toBe(errorCode.UNKNOWN_MEMBER_ID)
  expect(apply(commit(-1, ''))).toBe(errorCode.UNKNOWN_MEMBER_ID)
  apply(put(group()?.version ?? 0, 2, [member]))
  expect(apply(commit(1, 'm'))).toBe(errorCode.ILLEGAL_GENERATION)
  apply(put(state.position - 1, 3, []))
  expect(apply(commit(-1, ''))).toBe(errorCode.NONE)
})

test('what a member brought does not keep the whole entry in memory', () => {
  const { apply, group } = startState()
  const large = { ...member, memberId: 'n', subscription: Buffer.alloc(100_000) }
  apply(put(0, 1, [member, large]))
  const kept = group()?.members.get('m')
  expect(kept?.subscription.toString()).toBe('subscription')
  expect(kept?.assignment.toString()).toBe('assignment')
  expect(kept?.subscription.buffer.byteLength).toBeLessThan(100_000)
  expect(kept?.assignment.buffer.byteLength).toBeLessThan(100_000)
})

test('offsets are deleted up to a time, and a group of which nothing is left when no topic is named', () => {
  const { state, apply, group } = startState()
  apply(commit(-1, '', 0))
  const then = state.time
  apply(commit(-1, '', 1))
  expect(apply(removeOffsets([{ name: 't', partitions: [0, 1] }], then))).toBe(errorCode.NONE)
  expect([...(group()?.offsets.get('t')?.keys() ?? [])]).toEqual([1])
  expect(apply(removeOffsets([]))).toBe(errorCode.NONE)
  expect(group()).toBeDefined()
  apply(removeOffsets([{ name: 't', partitions: [1] }]))
  expect(group()?.offsets.size).toBe(0)
  apply(removeOffsets([]))
  expect(group()).toBeUndefined()
  expect(apply(removeOffsets([]))).toBe(errorCode.GROUP_ID_NOT_FOUND)
})

test('a group with members stays, whatever it has committed', () => {
  const { apply, group } = startState()
  apply(put(0, 1, [member]))
  apply(removeOffsets([]))
  expect(group()?.members.size).toBe(1)
})

test('a commit that comes late from a coordinator that another has followed is refused while that one lives', () => {
  const story = new StateStory()
  const [older, younger] = [story.open(), story.open()]
  story.createTopic(older, topicIdOf(1), 't')
  const commit = (epoch: number, offset: number) =>
    story.do(epoch, {
      type: 'commitOffsets',
      body: {
        groupId: 'g',
        generation: -1,
        memberId: '',
        topics: [{ name: 't', partitions: [{ partition: 0, offset, leaderEpoch: -1, metadata: '' }] }],
      },
    }).errorCode
  const committed = () => story.state.groups.byId.get('g')?.offsets.get('t')?.get(0)?.offset
  expect(commit(older, 100)).toBe(errorCode.NONE)
  expect(commit(younger, 150)).toBe(errorCode.NONE)
  expect(commit(older, 120)).toBe(errorCode.NOT_COORDINATOR)
  expect(committed()).toBe(150)
  const copy = decodeSnapshot(encodeSnapshot(story.state))
  expect(copy.groups.byId.get('g')?.committer).toBe(younger)
  story.close(younger)
  expect(commit(older, 160)).toBe(errorCode.NONE)
  expect(committed()).toBe(160)
})
