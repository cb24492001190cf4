import { beforeEach, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { PartitionLog } from '../state/partition-log.ts'
import { Gaps } from './gaps.ts'

const batch = (baseSequence: number, producerId = 7, producerEpoch = 0) => ({ producerId, producerEpoch, baseSequence })
const log = new PartitionLog('id', 'topic', 0)

let clock: VirtualClock
let gaps: Gaps

beforeEach(() => {
  clock = new VirtualClock()
  gaps = new Gaps(clock)
})

test('a gap is before what follows it, not before what precedes it nor before itself', () => {
  gaps.open(log, batch(10))
  expect([5, 10, 11, 500].map(sequence => gaps.isBefore(log, batch(sequence)))).toEqual([false, false, true, true])
})

test('a gap is of one partition, one producer and one epoch', () => {
  gaps.open(log, batch(0))
  expect(gaps.isBefore(new PartitionLog('id', 'topic', 1), batch(1))).toBe(false)
  expect(gaps.isBefore(log, batch(1, 8))).toBe(false)
  expect(gaps.isBefore(log, batch(1, 7, 1))).toBe(false)
  gaps.open(log, batch(-1, -1, -1))
  expect(gaps.isBefore(log, batch(-1, -1, -1))).toBe(false)
})

test('the first missing batch counts, and it closes the gap when it comes', () => {
  gaps.open(log, batch(10))
  gaps.open(log, batch(20))
  gaps.open(log, batch(5))
  gaps.close(log, batch(10))
  expect(gaps.isBefore(log, batch(6))).toBe(true)
  gaps.close(log, batch(5))
  expect(gaps.isBefore(log, batch(6))).toBe(false)
})

test('sequences wrap around', () => {
  gaps.open(log, batch(2 ** 31 - 2))
  expect([0, 3, 2 ** 31 - 3].map(sequence => gaps.isBefore(log, batch(sequence)))).toEqual([true, true, false])
})

test('what is missing for longer than clients try is forgotten', async () => {
  gaps.open(log, batch(0))
  await clock.advance(120_001)
  expect(gaps.isBefore(log, batch(1))).toBe(false)
})

test('a producer that the state knows has no gaps: the missing batch was stored after all, or by another broker', () => {
  const known = new PartitionLog('id', 'topic', 0)
  gaps.open(known, batch(0))
  expect(gaps.isBefore(known, batch(1))).toBe(true)
  known.producers.remember({ ...batch(0), records: 1 }, 0, 0, 0)
  expect(gaps.isBefore(known, batch(1))).toBe(false)
  // Of a newer epoch nothing is known yet.
  gaps.open(known, batch(0, 7, 1))
  expect(gaps.isBefore(known, batch(1, 7, 1))).toBe(true)
})
