import { beforeEach, describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { errorCode } from '../wire/errors.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import { type FetchContext, type FetchedPartition, type FetchRequestSession, FetchSessions } from './fetch-sessions.ts'

const FULL = 0
const NONE = -1

let clock: VirtualClock
let sessions: FetchSessions
let ids: number

beforeEach(() => {
  clock = new VirtualClock()
  ids = 0
  sessions = new FetchSessions(clock, () => ++ids)
})

const wanted = (partition: number, fetchOffset = 0, topic = 't'): FetchedPartition => ({
  topic,
  topicId: ZERO_UUID,
  partition,
  fetchOffset,
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  maxBytes: 1000,
})
const request = (sessionId: number, sessionEpoch: number, more: Partial<FetchRequestSession> = {}) =>
  sessions.begin({ sessionId, sessionEpoch, usesTopicIds: false, partitions: [], forgotten: [], ...more })
const answer = (bytes = 0, highWatermark = 10, code: number = errorCode.NONE) => ({
  errorCode: code,
  bytes,
  highWatermark,
  logStartOffset: 0,
  lastStableOffset: highWatermark,
})
/** Opens a session on partitions 0 to 2, each told of high watermark 10. */
const open = (): number => {
  const context = request(0, FULL, { partitions: [0, 1, 2].map(partition => wanted(partition)) })
  for (const partition of context.partitions) expect(context.tell(partition, answer())).toBe(true)
  return context.sessionId
}
const partitionsOf = ({ partitions }: FetchContext): number[] => partitions.map(({ partition }) => partition)
const code = (run: () => unknown): number | undefined => {
  try {
    run()
    return undefined
  } catch (cause) {
    return typeof cause === 'object' && cause !== null && 'code' in cause ? Number(cause.code) : undefined
  }
}

describe('opening', () => {
  test('a full fetch with epoch 0 opens a session, one with epoch -1 does not', () => {
    expect([open(), sessions.size]).toEqual([1, 1])
    expect([request(0, NONE, { partitions: [wanted(0)] }).sessionId, sessions.size]).toEqual([0, 1])
  })

  test('a full fetch of nothing opens none', () => {
    expect([request(0, FULL).sessionId, sessions.size]).toEqual([0, 0])
  })

  test('a full fetch closes the session that it names', () => {
    const id = open()
    const next = request(id, FULL, { partitions: [wanted(0)] })
    expect([next.sessionId, sessions.size]).toEqual([2, 1])
    request(next.sessionId, NONE, { partitions: [wanted(0)] })
    expect(sessions.size).toBe(0)
  })

  test('an id that is taken is not given again', () => {
    open()
    ids = 0
    expect(open()).toBe(2)
  })
})

describe('an incremental fetch', () => {
  test('is about the partitions of the session, and only what is new is told', () => {
    const id = open()
    const context = request(id, 1)
    expect([context.sessionId, partitionsOf(context)]).toEqual([id, [0, 1, 2]])
    const [first, second, third] = context.partitions
    if (first === undefined || second === undefined || third === undefined) throw new Error('partitions are missing')
    expect(context.tell(first, answer())).toBe(false)
    expect(context.tell(second, answer(500))).toBe(true)
    expect(context.tell(third, answer(0, 11))).toBe(true)
    const next = request(id, 2)
    // Who got records is served last the next time.
    expect(partitionsOf(next)).toEqual([0, 2, 1])
    for (const partition of next.partitions) {
      expect(next.tell(partition, answer(0, partition.partition === 2 ? 11 : 10))).toBe(false)
    }
  })

  test('tells of a log start or a last stable offset that moved', () => {
    const id = open()
    const context = request(id, 1)
    const [first, second] = context.partitions
    if (first === undefined || second === undefined) throw new Error('partitions are missing')
    expect(context.tell(first, { ...answer(), logStartOffset: 3 })).toBe(true)
    expect(context.tell(second, { ...answer(), lastStableOffset: 4 })).toBe(true)
  })

  test('changes what is wanted, adds partitions and forgets some', () => {
    const id = open()
    const context = request(id, 1, {
      partitions: [wanted(1, 77), wanted(5, 3)],
      forgotten: [{ topic: 't', topicId: ZERO_UUID, partition: 0 }],
    })
    expect(context.partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset])).toEqual([
      [1, 77],
      [2, 0],
      [5, 3],
    ])
    // What was never told is told, even when there is nothing in it.
    expect(context.tell(wanted(5), { ...answer(0, 0), lastStableOffset: 0 })).toBe(true)
    expect(partitionsOf(request(id, 2))).toEqual([1, 2, 5])
  })

  test('partitions of the same number in two topics are two', () => {
    const id = open()
    expect(request(id, 1, { partitions: [wanted(0, 0, 'other')] }).partitions).toHaveLength(4)
  })

  test('an error is told each time, and that it is over as well', () => {
    const id = open()
    const tell = (epoch: number, failure: number): boolean => {
      const context = request(id, epoch)
      return context.tell(wanted(0), answer(0, failure === errorCode.NONE ? 10 : -1, failure))
    }
    expect(tell(1, errorCode.KAFKA_STORAGE_ERROR)).toBe(true)
    expect(tell(2, errorCode.KAFKA_STORAGE_ERROR)).toBe(true)
    expect(tell(3, errorCode.NONE)).toBe(true)
    expect(tell(4, errorCode.NONE)).toBe(false)
  })

  test('must carry the epoch after the last one', () => {
    const id = open()
    expect(code(() => request(id, 2))).toBe(errorCode.INVALID_FETCH_SESSION_EPOCH)
    request(id, 1)
    expect(code(() => request(id, 1))).toBe(errorCode.INVALID_FETCH_SESSION_EPOCH)
    request(id, 2)
  })

  test('of a session that is not there is refused', () => {
    expect(code(() => request(99, 1))).toBe(errorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(code(() => request(0, 1))).toBe(errorCode.FETCH_SESSION_ID_NOT_FOUND)
  })

  test('must name topics as the session does', () => {
    const id = open()
    expect(code(() => request(id, 1, { usesTopicIds: true }))).toBe(errorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  })

  test('a negative epoch other than -1 is none that an answer implied', () => {
    const id = open()
    expect(code(() => request(id, -2))).toBe(errorCode.INVALID_FETCH_SESSION_EPOCH)
    expect(sessions.size).toBe(1)
  })
})

describe('a full cache', () => {
  beforeEach(() => {
    for (let n = 0; n < 1000; n++) open()
  })

  test('makes no new session while all are in use: the client gets full answers', () => {
    const context = request(0, FULL, { partitions: [wanted(0)] })
    expect([context.sessionId, sessions.size]).toEqual([0, 1000])
    expect(context.tell(wanted(0), answer())).toBe(true)
  })

  test('pushes out the one that has been idle the longest, after two minutes', async () => {
    await clock.advance(119_000)
    request(1, 1)
    await clock.advance(2000)
    expect(open()).toBe(1001)
    expect(code(() => request(2, 1))).toBe(errorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(request(1, 2).sessionId).toBe(1)
  })
})
