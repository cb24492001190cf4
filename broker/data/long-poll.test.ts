import { beforeEach, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { PartitionLog } from '../state/partition-log.ts'
import { LongPolls } from './long-poll.ts'

let clock: VirtualClock
let polls: LongPolls
let abort: AbortController
const [a, b, c] = [0, 1, 2].map(partition => new PartitionLog('id', 't', partition)) as [
  PartitionLog,
  PartitionLog,
  PartitionLog,
]

beforeEach(() => {
  clock = new VirtualClock()
  polls = new LongPolls(clock)
  abort = new AbortController()
})

/** Starts a wait; `over` becomes the time at which it ended. */
const wait = (logs: readonly PartitionLog[], missing: number, ms = 500) => {
  const waiting = { over: -1 }
  void polls.wait(logs, missing, ms, abort.signal).then(() => {
    waiting.over = clock.monotonic()
  })
  return waiting
}
const apply = async (advanced: [PartitionLog, number][], trimmed: PartitionLog[] = []): Promise<void> => {
  const nothing = { outcomes: [], deletedTopics: [], members: false }
  polls.onApplied({ ...nothing, advanced: new Map(advanced), trimmed: new Set(trimmed) })
  await clock.advance(0)
}

test('ends at once when enough came to any of its partitions, counted together', async () => {
  const waiting = wait([a, b], 100)
  await clock.advance(10)
  await apply([[a, 60]])
  await apply([[c, 1000]])
  expect(waiting.over).toBe(-1)
  await apply([
    [b, 39],
    [c, 7],
  ])
  expect(waiting.over).toBe(-1)
  await apply([[b, 1]])
  expect(waiting.over).toBe(10)
})

test('ends after its time, however many partitions it has (fault 8: they were waited for one after another)', async () => {
  const waiting = wait([a, b, c], 1, 300)
  await clock.advance(299)
  expect(waiting.over).toBe(-1)
  await clock.advance(1)
  expect(waiting.over).toBe(300)
})

test('costs one timer and nothing that runs meanwhile (fault 8: it polled)', async () => {
  for (let n = 0; n < 50; n++) wait([a, b, c], 1, 10_000)
  expect([clock.pending, polls.size]).toEqual([50, 50])
  await clock.runNext()
  expect(clock.monotonic()).toBe(10_000)
})

test('ends when its client is gone', async () => {
  const waiting = wait([a], 1)
  await clock.advance(5)
  abort.abort()
  await clock.advance(0)
  expect([waiting.over, clock.pending, polls.size]).toEqual([5, 0, 0])
})

test('does not begin for a client that is gone', async () => {
  abort.abort()
  const waiting = wait([a], 1)
  await clock.advance(0)
  expect([waiting.over, clock.pending, polls.size]).toEqual([0, 0, 0])
})

test('ends when one of its partitions is trimmed or deleted', async () => {
  const waiting = wait([a, b], 1000)
  await apply([], [c])
  expect(waiting.over).toBe(-1)
  await apply([], [b])
  expect(waiting.over).toBe(0)
})

test('one event wakes all who wait for it, and leaves nothing of them behind', async () => {
  const all = [wait([a], 1), wait([a, b], 1), wait([b], 1)]
  await apply([[a, 5]], [a])
  expect([all.map(({ over }) => over), polls.size, clock.pending]).toEqual([[0, 0, -1], 1, 1])
  await apply([[b, 5]])
  expect([polls.size, clock.pending]).toEqual([0, 0])
})
