import { describe, expect, test } from '@jest/globals'
import { callHandler } from '../../testing/call-handler.ts'
import { consumer, createTopic, startCluster } from '../../testing/group-cluster.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newOffsetCommitRequest,
  newOffsetDeleteRequest,
  newOffsetFetchRequest,
  newOffsetFetchRequestGroup,
  newOffsetFetchRequestGroupTopic,
  type OffsetCommitRequest,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import { offsetCommit } from './offset-commit.ts'
import { offsetDelete } from './offset-delete.ts'
import { offsetFetch } from './offset-fetch.ts'

const { NONE, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, OFFSET_METADATA_TOO_LARGE } = errorCode
const versions = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)
const FIRST_VERSION_WITH_TOPIC_IDS = 10

/** A broker with topics `t` (four partitions) and `u` (one). */
async function startBroker(faults = noFaults) {
  const broker = await (await startCluster()).broker({ faults })
  const { clock, replica } = broker
  await clock.until(createTopic(replica, 'u', 1))
  const idOf = (name: string) => replica.state.catalog.byName.get(name)?.id ?? ZERO_UUID
  /** One offset of one partition, as the version names topics. */
  const commit = (
    version: number,
    { name = 't', topicId = idOf(name), partition = 0, offset = 5, metadata = '' as string | null } = {},
    from: Partial<OffsetCommitRequest> = {},
  ) => {
    const named = version >= FIRST_VERSION_WITH_TOPIC_IDS ? { topicId } : { name }
    const partitions = [
      {
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: version >= 6 ? 3 : -1,
        committedMetadata: metadata,
      },
    ]
    const topics = [{ name: '', topicId: ZERO_UUID, ...named, partitions }]
    const request = newOffsetCommitRequest({ groupId: 'g', topics, ...from })
    return clock.until(callHandler('OffsetCommit', offsetCommit(broker), version, request))
  }
  const codeOf = async (answer: ReturnType<typeof commit>) => (await answer)?.topics[0]?.partitions[0]?.errorCode
  /** `topics` null asks for everything. */
  const fetch = async (version: number, topics: [string, number[]][] | null, groupId = 'g') => {
    const wanted = topics?.map(([name, partitionIndexes]) =>
      newOffsetFetchRequestGroupTopic({
        ...(version >= FIRST_VERSION_WITH_TOPIC_IDS ? { topicId: idOf(name) } : { name }),
        partitionIndexes,
      }),
    )
    const request =
      version >= 8
        ? newOffsetFetchRequest({ groups: [newOffsetFetchRequestGroup({ groupId, topics: wanted ?? null })] })
        : newOffsetFetchRequest({ groupId, topics: wanted ?? null })
    const answer = await clock.until(callHandler('OffsetFetch', offsetFetch(broker), version, request))
    return version >= 8 ? answer?.groups[0] : answer
  }
  return { ...broker, idOf, commit, codeOf, fetch }
}

describe('OffsetCommit', () => {
  test.each(versions(2, 10))('version %i stores an offset', async version => {
    const { commit, codeOf, replica, idOf } = await startBroker()
    const answer = commit(version, { partition: 1, offset: 77, metadata: null })
    expect(await codeOf(answer)).toBe(NONE)
    const [topic] = (await answer)?.topics ?? []
    expect(version >= FIRST_VERSION_WITH_TOPIC_IDS ? topic?.topicId === idOf('t') : topic?.name === 't').toBe(true)
    const stored = replica.state.groups.byId.get('g')?.offsets.get('t')?.get(1)
    expect(stored).toMatchObject({ offset: 77, metadata: '', leaderEpoch: version >= 6 ? 3 : -1 })
  })

  test('refuses what does not exist, partition by partition, and stores the rest', async () => {
    const broker = await startBroker()
    const partitions = [0, 4, -1].map(partitionIndex => ({
      partitionIndex,
      committedOffset: 9,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    }))
    const topics = ['t', 'nowhere'].map(name => ({ name, topicId: ZERO_UUID, partitions }))
    const request = newOffsetCommitRequest({ groupId: 'g', topics })
    const answer = await broker.clock.until(callHandler('OffsetCommit', offsetCommit(broker), 9, request))
    const codes = answer?.topics.map(topic => topic.partitions.map(partition => partition.errorCode))
    const unknown = UNKNOWN_TOPIC_OR_PARTITION
    expect(codes).toEqual([
      [NONE, unknown, unknown],
      [unknown, unknown, unknown],
    ])
    expect([...(broker.replica.state.groups.byId.get('g')?.offsets ?? [])].map(([name]) => name)).toEqual(['t'])
  })

  test('makes no group when there is nothing to store', async () => {
    const { commit, codeOf, groups } = await startBroker()
    expect(await codeOf(commit(9, { name: 'nowhere' }))).toBe(UNKNOWN_TOPIC_OR_PARTITION)
    expect(await codeOf(commit(10, { topicId: `${'x'.repeat(21)}A` }))).toBe(UNKNOWN_TOPIC_ID)
    expect(await codeOf(commit(9, { metadata: 'x'.repeat(4097) }))).toBe(OFFSET_METADATA_TOO_LARGE)
    expect(groups.list()).toEqual([])
  })

  test('limits the metadata', async () => {
    const { commit, codeOf } = await startBroker()
    expect(await codeOf(commit(9, { metadata: 'x'.repeat(4096) }))).toBe(NONE)
    expect(await codeOf(commit(9, { metadata: 'x'.repeat(4097) }))).toBe(OFFSET_METADATA_TOO_LARGE)
  })

  test('of a generation in no group is refused in the words that the version knows', async () => {
    const { commit, codeOf } = await startBroker()
    const member = { generationIdOrMemberEpoch: 4, memberId: 'm' }
    expect(await codeOf(commit(8, {}, member))).toBe(errorCode.ILLEGAL_GENERATION)
    expect(await codeOf(commit(9, {}, member))).toBe(errorCode.GROUP_ID_NOT_FOUND)
  })

  test('takes the empty group id, as Kafka does for old clients', async () => {
    const { commit, codeOf } = await startBroker()
    expect(await codeOf(commit(2, {}, { groupId: '' }))).toBe(NONE)
  })

  test('says to try again while the ledger does not take it', async () => {
    let refuses = false
    const { commit, codeOf } = await startBroker({ ...noFaults, refusesAppend: () => refuses })
    refuses = true
    expect(await codeOf(commit(9))).toBe(errorCode.COORDINATOR_NOT_AVAILABLE)
  })
})

describe('OffsetFetch', () => {
  test.each(versions(1, 10))('version %i tells what was committed, and -1 for what was not', async version => {
    const { commit, fetch, idOf } = await startBroker()
    await commit(9, { partition: 2, offset: 11, metadata: 'note' })
    const answer = await fetch(version, [
      ['t', [0, 2]],
      ['u', [0]],
    ])
    expect(answer?.errorCode).toBe(NONE)
    const none = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: NONE }
    const leaderEpoch = version >= 5 ? 3 : -1
    const two = {
      partitionIndex: 2,
      committedOffset: 11,
      committedLeaderEpoch: leaderEpoch,
      metadata: 'note',
      errorCode: NONE,
    }
    const byId = version >= FIRST_VERSION_WITH_TOPIC_IDS
    expect(answer?.topics).toMatchObject([
      { ...(byId ? { topicId: idOf('t') } : { name: 't' }), partitions: [{ ...none, partitionIndex: 0 }, two] },
      { ...(byId ? { topicId: idOf('u') } : { name: 'u' }), partitions: [{ ...none, partitionIndex: 0 }] },
    ])
  })

  test.each(versions(2, 10))('version %i tells everything that the group has', async version => {
    const { commit, fetch, idOf } = await startBroker()
    await commit(9, { partition: 2, offset: 11 })
    await commit(9, { name: 'u', offset: 12 })
    const answer = await fetch(version, null)
    const named = (name: string) => (version >= FIRST_VERSION_WITH_TOPIC_IDS ? { topicId: idOf(name) } : { name })
    expect(answer?.topics).toMatchObject([
      { ...named('t'), partitions: [{ partitionIndex: 2, committedOffset: 11 }] },
      { ...named('u'), partitions: [{ partitionIndex: 0, committedOffset: 12 }] },
    ])
    expect(await fetch(version, null, 'nobody')).toMatchObject({ errorCode: NONE, topics: [] })
  })

  test('knows nothing of topics that do not exist: no error by name, one by id', async () => {
    const { fetch } = await startBroker()
    const none = { partitionIndex: 0, committedOffset: -1, metadata: '', errorCode: NONE }
    expect(await fetch(9, [['nowhere', [0]]])).toMatchObject({ topics: [{ name: 'nowhere', partitions: [none] }] })
    expect(await fetch(10, [['nowhere', [0]]])).toMatchObject({
      errorCode: NONE,
      topics: [{ topicId: ZERO_UUID, partitions: [{ ...none, errorCode: UNKNOWN_TOPIC_ID }] }],
    })
  })

  test('answers several groups at once', async () => {
    const broker = await startBroker()
    await broker.commit(9, { offset: 1 })
    await broker.commit(9, { offset: 2 }, { groupId: 'h' })
    const groups = ['g', 'h', 'nobody'].map(groupId => newOffsetFetchRequestGroup({ groupId, topics: null }))
    const request = newOffsetFetchRequest({ groups, requireStable: true })
    const answer = await broker.clock.until(callHandler('OffsetFetch', offsetFetch(broker), 8, request))
    const found = answer?.groups.map(({ topics }) => topics[0]?.partitions[0]?.committedOffset)
    expect(found).toEqual([1, 2, undefined])
  })

  test('sees what another coordinator has acknowledged before', async () => {
    const cluster = await startCluster()
    const writer = await cluster.broker()
    const reader = await cluster.broker({ faults: { ...noFaults, deliveryDelay: () => 300 } })
    await cluster.clock.until(consumer(writer.groups, 'tool').commit(8))
    expect(reader.replica.state.groups.byId.size).toBe(0)
    const group = newOffsetFetchRequestGroup({ groupId: 'g', topics: null })
    const handler = offsetFetch(reader)
    const answer = await cluster.clock.until(
      callHandler('OffsetFetch', handler, 8, newOffsetFetchRequest({ groups: [group] })),
    )
    expect(answer?.groups[0]?.topics).toMatchObject([{ partitions: [{ committedOffset: 8 }] }])
  })

  test('says to try again when the ledger is gone, as the version can say it', async () => {
    const { fetch, replica, clock } = await startBroker()
    await clock.until(replica.stop())
    const code = errorCode.COORDINATOR_NOT_AVAILABLE
    const partition = { partitionIndex: 1, committedOffset: -1, errorCode: code }
    expect(await fetch(1, [['t', [1]]])).toMatchObject({ topics: [{ name: 't', partitions: [partition] }] })
    for (const version of versions(2, 10)) {
      expect(await fetch(version, [['t', [1]]])).toMatchObject({ errorCode: code, topics: [] })
    }
  })
})

describe('OffsetDelete', () => {
  async function remove(
    broker: Awaited<ReturnType<typeof startBroker>>,
    names: string[],
    partitions = [0],
    groupId = 'g',
  ) {
    const topics = names.map(name => ({ name, partitions: partitions.map(partitionIndex => ({ partitionIndex })) }))
    const request = newOffsetDeleteRequest({ groupId, topics })
    const answer = await broker.clock.until(callHandler('OffsetDelete', offsetDelete(broker), 0, request))
    return { code: answer?.errorCode, codes: answer?.topics.map(topic => topic.partitions.map(one => one.errorCode)) }
  }

  test('removes offsets of a group without members and leaves the others', async () => {
    const broker = await startBroker()
    await broker.commit(9, { partition: 0 })
    await broker.commit(9, { partition: 1 })
    expect(await remove(broker, ['t', 'nowhere'], [0, 2, 9])).toEqual({
      code: NONE,
      codes: [
        [NONE, NONE, UNKNOWN_TOPIC_OR_PARTITION],
        [UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION],
      ],
    })
    expect([...(broker.replica.state.groups.byId.get('g')?.offsets.get('t')?.keys() ?? [])]).toEqual([1])
  })

  test('spares topics that members are subscribed to', async () => {
    const broker = await startBroker()
    await broker.commit(9)
    await broker.commit(9, { name: 'u' })
    const a = consumer(broker.groups, 'a')
    await broker.clock.until(a.join())
    const subscribed = errorCode.GROUP_SUBSCRIBED_TO_TOPIC
    expect(await remove(broker, ['t', 'u'])).toEqual({ code: NONE, codes: [[subscribed], [NONE]] })
    expect([...(broker.replica.state.groups.byId.get('g')?.offsets.keys() ?? [])]).toEqual(['t'])
  })

  test('is refused for groups of other kinds with members, unknown groups, and no group', async () => {
    const broker = await startBroker()
    void broker.groups.join('g', { ...consumer(broker.groups, 'a').joinAs, protocolType: 'connect' })
    expect(await remove(broker, ['t'])).toEqual({ code: errorCode.NON_EMPTY_GROUP, codes: [] })
    expect(await remove(broker, ['t'], [0], 'nobody')).toEqual({ code: errorCode.GROUP_ID_NOT_FOUND, codes: [] })
    expect(await remove(broker, ['t'], [0], '')).toEqual({ code: errorCode.INVALID_GROUP_ID, codes: [] })
  })
})
