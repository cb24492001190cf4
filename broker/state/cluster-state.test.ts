import { beforeEach, describe, expect, test } from '@jest/globals'
import { encoded, idempotent, objectOf, StateStory, spanOf, topicIdOf } from '../../testing/state-story.ts'
import { errorCode } from '../wire/errors.ts'
import { ClusterState, LedgerGap } from './cluster-state.ts'
import type { ReplaceRun } from './commands.gen.ts'
import type { SpanOutcome } from './outcome.ts'
import type { PartitionLog } from './partition-log.ts'

const A = topicIdOf(1)
const B = topicIdOf(2)

let story: StateStory
let one: number
let two: number

beforeEach(() => {
  story = new StateStory()
  one = story.open()
  two = story.open()
  story.createTopic(one, A, 'a', 2)
  story.createTopic(one, B, 'b', 1)
})

const logOf = (topicId: string, partition = 0): PartitionLog => {
  const log = story.state.catalog.partition(topicId, partition)
  if (log === undefined) throw new Error('there is no such partition')
  return log
}
const offsets = (spans: readonly SpanOutcome[]): number[] => spans.map(({ baseOffset }) => baseOffset)
const codes = (spans: readonly SpanOutcome[]): number[] => spans.map(span => span.errorCode)
const extentsOf = (topicId: string, partition = 0) =>
  [...logOf(topicId, partition).extents].map(({ baseOffset, count, object, position, length }) => [
    baseOffset,
    count,
    object,
    position,
    length,
  ])
const dead = (): number[] => [...story.state.objects.dead.keys()]

describe('offsets', () => {
  test('are dense per partition, over several objects of one entry and over several brokers', () => {
    const objects = [
      objectOf(1, { topicId: A, spans: [spanOf(3)] }, { topicId: A, partition: 1, spans: [spanOf(2)] }),
      objectOf(2, { topicId: A, spans: [spanOf(4), spanOf(1)] }, { topicId: B, spans: [spanOf(9)] }),
    ]
    const { spans } = story.do(one, { type: 'append', body: { objects } })
    expect(offsets(spans)).toEqual([0, 0, 3, 7, 0])
    expect(offsets(story.append(two, { topicId: A, spans: [spanOf(5)] }))).toEqual([8])
    expect(offsets(story.append(one, { topicId: A, spans: [spanOf(1)] }))).toEqual([13])
    expect(extentsOf(A).map(([base, count]) => [base, count])).toEqual([
      [0, 3],
      [3, 5],
      [8, 5],
      [13, 1],
    ])
    expect(logOf(A).highWatermark).toBe(14)
  })

  test('each verdict tells the log start, and the event tells which partitions grew by how many bytes', () => {
    story.append(one, { topicId: A, spans: [spanOf(3)] })
    story.trim(one, A, 2)
    const object = objectOf(9, { topicId: A, spans: [spanOf(2), spanOf(2)] }, { topicId: B, spans: [spanOf(1)] })
    const applied = story.entry(two, { type: 'append', body: { objects: [object] } })
    expect(applied.outcomes[0]?.spans.map(({ logStartOffset }) => logStartOffset)).toEqual([2, 2, 0])
    expect([...applied.advanced]).toEqual([
      [logOf(A), 40],
      [logOf(B), 10],
    ])
  })

  test('a duplicate gets its old offset and is stored once, whichever broker it comes through', () => {
    const run = { topicId: A, spans: [idempotent(7, 0, 2)] }
    expect(offsets(story.append(one, run))).toEqual([0])
    const [again] = story.append(two, run)
    expect(again).toEqual({ errorCode: errorCode.DUPLICATE_SEQUENCE_NUMBER, baseOffset: 0, logStartOffset: 0 })
    expect(logOf(A).nextOffset).toBe(2)
    // The second object holds nothing that anybody will read.
    expect(dead()).toEqual([2])
  })

  test('a refused span takes no offsets and splits the run into two extents around its dead bytes', () => {
    story.append(one, { topicId: A, spans: [idempotent(7, 0)] })
    const spans = [spanOf(2), idempotent(7, 5), spanOf(3), spanOf(1)]
    const verdicts = story.append(one, { topicId: A, spans })
    expect(codes(verdicts)).toEqual([0, errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 0, 0])
    expect(offsets(verdicts)).toEqual([1, -1, 3, 6])
    expect(extentsOf(A).slice(1)).toEqual([
      [1, 2, 2, 0, 20],
      [3, 4, 2, 30, 40],
    ])
  })

  test('a fenced producer is told so', () => {
    story.append(one, { topicId: A, spans: [idempotent(7, 0, 1, 4)] })
    const verdicts = story.append(one, { topicId: A, spans: [idempotent(7, 1, 1, 3)] })
    expect(codes(verdicts)).toEqual([errorCode.INVALID_PRODUCER_EPOCH])
  })

  test('a producer that was idle for a day may begin again anywhere', () => {
    story.append(one, { topicId: A, spans: [idempotent(7, 0)] })
    story.clock += 86_400_000 + 120_000
    expect(codes(story.append(one, { topicId: A, spans: [idempotent(7, 40)] }))).toEqual([errorCode.NONE])
  })
})

describe('topics', () => {
  test('what is addressed to a deleted topic does not reach a new one of the same name', () => {
    story.append(one, { topicId: A, spans: [spanOf(3)] })
    story.do(one, { type: 'deleteTopic', body: { topicId: A } })
    const again = topicIdOf(99)
    story.createTopic(two, again, 'a')
    expect(codes(story.append(one, { topicId: A, spans: [spanOf(1), spanOf(1)] }))).toEqual([
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ])
    story.trim(one, A, 3)
    expect([logOf(again).nextOffset, logOf(again).logStartOffset, logOf(again).extents.size]).toEqual([0, 0, 0])
    expect(offsets(story.append(one, { topicId: again, spans: [spanOf(1)] }))).toEqual([0])
  })

  test('a partition that is not there refuses', () => {
    const verdicts = story.append(one, { topicId: A, partition: 2, spans: [spanOf(1)] })
    expect(codes(verdicts)).toEqual([errorCode.UNKNOWN_TOPIC_OR_PARTITION])
  })

  test('an id is taken once, so no topic can push out another with all its extents', () => {
    story.append(one, { topicId: A, spans: [spanOf(1)] })
    const body = { topicId: A, name: 'other', partitions: 1, replicationFactor: 1, configs: [] }
    expect(story.do(two, { type: 'createTopic', body }).errorCode).toBe(errorCode.TOPIC_ALREADY_EXISTS)
    expect([logOf(A).nextOffset, story.state.catalog.byName.has('other')]).toEqual([1, false])
  })

  test('a name is taken once, an unknown id is unknown, partitions only become more', () => {
    const body = { topicId: topicIdOf(5), name: 'a', partitions: 1, replicationFactor: 1, configs: [] }
    expect(story.do(two, { type: 'createTopic', body }).errorCode).toBe(errorCode.TOPIC_ALREADY_EXISTS)
    expect(story.do(two, { type: 'deleteTopic', body: { topicId: topicIdOf(6) } }).errorCode).toBe(
      errorCode.UNKNOWN_TOPIC_ID,
    )
    const grow = (partitions: number) => story.do(two, { type: 'growTopic', body: { topicId: A, partitions } })
    expect([grow(2).errorCode, grow(1).errorCode, grow(4).errorCode]).toEqual([
      errorCode.INVALID_PARTITIONS,
      errorCode.INVALID_PARTITIONS,
      errorCode.NONE,
    ])
    expect([logOf(A, 3).nextOffset, story.state.catalog.partitionCount]).toEqual([0, 5])
  })

  test('a deleted topic takes the offsets of all groups with it', () => {
    const commit = (name: string) =>
      story.do(one, {
        type: 'commitOffsets',
        body: {
          groupId: 'g',
          generation: -1,
          memberId: '',
          topics: [{ name, partitions: [{ partition: 0, offset: 5, leaderEpoch: 0, metadata: '' }] }],
        },
      })
    commit('a')
    commit('b')
    story.do(one, { type: 'deleteTopic', body: { topicId: A } })
    // One that was under way when the topic went.
    commit('a')
    expect([...(story.state.groups.byId.get('g')?.offsets.keys() ?? [])]).toEqual(['b'])
  })
})

describe('trims', () => {
  test('drop whole extents, keep one that is cut in the middle, never go back or beyond the end', () => {
    for (let n = 0; n < 3; n++) story.append(one, { topicId: A, spans: [spanOf(10)] })
    story.trim(one, A, 15)
    expect([logOf(A).logStartOffset, extentsOf(A).map(([base]) => base)]).toEqual([15, [10, 20]])
    story.trim(two, A, 3)
    expect(logOf(A).logStartOffset).toBe(15)
    story.trim(two, A, 1000)
    expect([logOf(A).logStartOffset, logOf(A).nextOffset, logOf(A).extents.size]).toEqual([30, 30, 0])
    expect(offsets(story.append(one, { topicId: A, spans: [spanOf(1)] }))).toEqual([30])
  })

  test('tell which partitions they concern', () => {
    story.append(one, { topicId: A, spans: [spanOf(1)] })
    const partitions = [{ topicId: A, partition: 0, logStartOffset: 1 }]
    expect([...story.entry(one, { type: 'trim', body: { partitions } }).trimmed]).toEqual([logOf(A)])
  })
})

describe('objects', () => {
  test('die exactly when the last extent that names them goes, and are forgotten on command', () => {
    story.append(one, { topicId: A, spans: [spanOf(2)] }, { topicId: B, spans: [spanOf(2)] })
    story.append(one, { topicId: A, spans: [spanOf(1)] })
    expect(story.state.objects.live.get(1)).toMatchObject({ extents: 2, liveBytes: 40, size: 56 })
    story.trim(one, A, 2)
    expect([dead(), story.state.objects.live.get(1)]).toMatchObject([[], { extents: 1, liveBytes: 20 }])
    story.do(one, { type: 'deleteTopic', body: { topicId: B } })
    expect(dead()).toEqual([1])
    expect(story.state.objects.dead.get(1)?.position).toBe(story.state.position)
    expect([...story.state.objects.live.keys()]).toEqual([2])
    story.do(two, { type: 'forgetObjects', body: { handles: [1, 2], sessions: [] } })
    expect([dead(), [...story.state.objects.live.keys()]]).toEqual([[], [2]])
  })

  test('whose runs are all refused are dead from the start', () => {
    story.append(one, { topicId: topicIdOf(77), spans: [spanOf(1)] })
    expect([dead(), story.state.objects.live.size]).toEqual([[1], 0])
  })

  test('get handles that are never given again', () => {
    story.append(one, { topicId: A, spans: [spanOf(1)] })
    story.trim(one, A, 1)
    story.do(one, { type: 'forgetObjects', body: { handles: [1], sessions: [] } })
    story.append(one, { topicId: A, spans: [spanOf(1)] })
    expect([...story.state.objects.live.keys()]).toEqual([2])
  })
})

describe('replace', () => {
  /** Three extents of ten records in A/0: objects 1, 2, 3. */
  const three = (): void => {
    for (let n = 0; n < 3; n++) story.append(one, { topicId: A, spans: [spanOf(10)] })
  }
  const old = (n: number) => ({ baseOffset: n * 10, object: n + 1, position: 0 })
  const extent = (baseOffset: number, count: number) => ({
    baseOffset,
    count,
    position: 0,
    length: 50,
    maxTimestamp: 5,
  })
  const replace = (...runs: Omit<ReplaceRun, 'topicId' | 'partition'>[]) =>
    story.do(two, {
      type: 'replace',
      body: { number: 1, size: 999, runs: runs.map(run => ({ topicId: A, partition: 0, ...run })) },
    })

  test('puts new extents in the place of those it names, and the old objects die', () => {
    three()
    replace({ old: [old(0), old(1)], extents: [extent(0, 20)] })
    expect(extentsOf(A)).toEqual([
      [0, 20, 4, 0, 50],
      [20, 10, 3, 0, 100],
    ])
    expect(dead()).toEqual([1, 2])
    expect(story.state.objects.live.get(4)).toMatchObject({ kind: 'segment', epoch: two, number: 1, size: 999 })
    expect([logOf(A).nextOffset, logOf(A).logStartOffset]).toEqual([30, 0])
  })

  test.each<[string, () => void, Omit<ReplaceRun, 'topicId' | 'partition'>]>([
    ['was trimmed', () => story.trim(one, A, 10), { old: [old(0), old(1)], extents: [extent(0, 20)] }],
    ['ends elsewhere', () => {}, { old: [old(0), old(1)], extents: [extent(0, 19)] }],
    ['has a gap', () => {}, { old: [old(0), old(1)], extents: [extent(0, 9), extent(10, 10)] }],
    ['begins elsewhere', () => {}, { old: [old(1)], extents: [extent(9, 11)] }],
    ['is in another object', () => {}, { old: [{ ...old(0), object: 2 }], extents: [extent(0, 10)] }],
    ['is at another position', () => {}, { old: [{ ...old(0), position: 1 }], extents: [extent(0, 10)] }],
    ['leaves one out', () => {}, { old: [old(0), old(2)], extents: [extent(0, 30)] }],
    ['is beyond the end', () => {}, { old: [old(2), old(3)], extents: [extent(20, 20)] }],
    ['names nothing', () => {}, { old: [], extents: [extent(0, 10)] }],
    ['has nothing instead', () => {}, { old: [old(0)], extents: [] }],
  ])('what %s stays as it is, and the new object is dead', (_, before, run) => {
    three()
    before()
    const was = extentsOf(A)
    replace(run)
    expect(extentsOf(A)).toEqual(was)
    expect(dead()).toContain(4)
    expect(story.state.objects.live.has(4)).toBe(false)
  })

  test('a second one of the same extents is ignored, and a trim inside of an extent does not spoil one', () => {
    three()
    story.trim(one, A, 5)
    replace({ old: [old(0), old(1)], extents: [extent(0, 20)] })
    replace({ old: [old(0), old(1)], extents: [extent(0, 20)] })
    expect(extentsOf(A).map(([, , object]) => object)).toEqual([4, 3])
    expect(dead()).toEqual([1, 2, 5])
  })

  test('takes the runs that still stand and leaves out the others', () => {
    three()
    story.append(one, { topicId: A, partition: 1, spans: [spanOf(10)] })
    story.trim(one, A, 10)
    const fine = { topicId: A, partition: 1, old: [{ ...old(0), object: 4 }], extents: [extent(0, 10)] }
    const stale = { topicId: A, partition: 0, old: [old(0)], extents: [extent(0, 10)] }
    const gone = { topicId: topicIdOf(55), partition: 0, old: [old(0)], extents: [extent(0, 10)] }
    story.do(two, { type: 'replace', body: { number: 1, size: 1, runs: [stale, gone, fine] } })
    expect(extentsOf(A, 1).map(([, , object]) => object)).toEqual([5])
    expect(story.state.objects.live.get(5)?.extents).toBe(1)
  })
})

describe('the stream of events', () => {
  const entry = (position: number, epoch: number, number: number) => ({
    kind: 'entry' as const,
    position,
    epoch,
    number,
    payload: encoded(5, {
      type: 'append',
      body: { objects: [objectOf(number, { topicId: A, spans: [spanOf(1)] })] },
    }),
  })

  test('an event at or before the position, or an entry number seen before, changes nothing', () => {
    const position = story.next
    story.apply(entry(position, two, 1))
    expect(logOf(A).nextOffset).toBe(1)
    const { digest } = story.state
    story.apply(entry(position, two, 2))
    expect([story.state.digest, story.state.position, logOf(A).nextOffset]).toEqual([digest, position, 1])
    expect(story.apply(entry(position + 1, two, 1)).outcomes).toEqual([])
    expect(logOf(A).nextOffset).toBe(1)
  })

  test('a gap in the numbers of a session, or an entry of one that is not open, throws LedgerGap', () => {
    expect(() => story.apply(entry(story.next, two, 2))).toThrow(LedgerGap)
    expect(() => story.apply(entry(story.next, 999, 1))).toThrow(LedgerGap)
    story.close(one)
    expect(() => story.apply(entry(story.next, one, 3))).toThrow(LedgerGap)
  })

  test('time is the highest clock reading of all entries and never goes back', () => {
    const { time } = story.state
    story.clock = time + 500
    story.append(one, { topicId: A, spans: [spanOf(1)] })
    story.clock = time - 500
    story.append(two, { topicId: A, spans: [spanOf(1)] })
    expect(story.state.time).toBe(time + 500)
  })

  test('equal histories give equal digests; another verdict, order or position gives another', () => {
    const digestOf = (play: (story: StateStory, epoch: number) => void): number => {
      const own = new StateStory()
      const epoch = own.open()
      own.createTopic(epoch, A, 'a')
      play(own, epoch)
      return own.state.digest
    }
    const plain = (own: StateStory, epoch: number): void => {
      own.append(epoch, { topicId: A, spans: [spanOf(2)] })
      own.append(epoch, { topicId: A, spans: [spanOf(3)] })
    }
    const others = [
      digestOf(plain),
      digestOf((own, epoch) => {
        own.append(epoch, { topicId: A, spans: [spanOf(3)] })
        own.append(epoch, { topicId: A, spans: [spanOf(2)] })
      }),
      digestOf((own, epoch) => own.append(epoch, { topicId: A, spans: [spanOf(2)] })),
      digestOf((own, epoch) => {
        own.append(epoch, { topicId: B, spans: [spanOf(2)] })
        own.append(epoch, { topicId: A, spans: [spanOf(3)] })
      }),
    ]
    expect(digestOf(plain)).toBe(others[0])
    expect(new Set(others).size).toBe(others.length)
    expect(others.every(digest => Number.isInteger(digest) && digest >= 0 && digest < 2 ** 32)).toBe(true)
  })

  test('closed sessions are remembered until they are said to have left nothing', () => {
    story.close(two)
    story.clock += 30 * 86_400_000
    story.createTopic(one, topicIdOf(30), 'x')
    expect([...story.state.closedSessions.keys()]).toEqual([two])
    story.do(one, { type: 'forgetObjects', body: { handles: [], sessions: [two] } })
    expect(story.state.closedSessions.size).toBe(0)
  })
})

test('producer ids are given once each, and never for less than one', () => {
  const allocate = (epoch: number, count: number) => story.do(epoch, { type: 'allocateProducerIds', body: { count } })
  expect([
    allocate(one, 10).firstProducerId,
    allocate(two, 5).firstProducerId,
    allocate(one, 1).firstProducerId,
  ]).toEqual([0, 10, 15])
  expect(allocate(one, 0).errorCode).toBe(errorCode.INVALID_REQUEST)
})

test('the cluster is named once', () => {
  for (const clusterId of ['first', 'second']) story.do(one, { type: 'initCluster', body: { clusterId, prefix: 'p' } })
  expect(story.state.clusterId).toBe('first')
})

test('a fresh state is empty', () => {
  const state = new ClusterState()
  expect([state.position, state.time, state.digest, state.catalog.byId.size]).toEqual([0, 0, 0, 0])
})

test('an event names the topics that it deleted', () => {
  const topicId = topicIdOf(77)
  story.createTopic(one, topicId, 'short-lived')
  const named: string[][] = []
  const apply = story.state.apply.bind(story.state)
  story.state.apply = event => {
    const applied = apply(event)
    named.push([...applied.deletedTopics])
    return applied
  }
  story.do(one, { type: 'deleteTopic', body: { topicId } })
  story.do(one, { type: 'deleteTopic', body: { topicId } })
  expect(named).toEqual([['short-lived'], []])
})
