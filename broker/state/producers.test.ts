import { describe, expect, test } from '@jest/globals'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { Producers, sequenceAfter } from './producers.ts'

const LAST = 2147483647
const ID = 7

const batch = (baseSequence: number, records = 1, producerEpoch = 0) => ({
  producerId: ID,
  producerEpoch,
  baseSequence,
  records,
})

/** Producers that took these (sequence, records), each at the offset of its sequence times ten. */
const having = (...batches: [sequence: number, records: number, epoch?: number][]): Producers => {
  const producers = new Producers()
  for (const [sequence, records, epoch] of batches) {
    producers.remember(batch(sequence, records, epoch), sequence * 10, 1000, 500)
  }
  return producers
}

describe('verdict on a batch of an idempotent producer', () => {
  test('a producer of whom nothing is known may begin anywhere, in any epoch', () => {
    for (const first of [batch(0), batch(41, 3), batch(LAST, 2), batch(5, 1, 9)]) {
      expect(new Producers().judge(first)).toEqual({ kind: 'accepted' })
    }
  })

  test('the next sequence is accepted; a gap, a step back and an overlap are out of order', () => {
    const producers = having([0, 3], [3, 2])
    expect(producers.judge(batch(5, 4)).kind).toBe('accepted')
    for (const wrong of [batch(6), batch(4), batch(3, 3), batch(0, 2), batch(0, 4)]) {
      expect(producers.judge(wrong).kind).toBe('out-of-order')
    }
  })

  test('each of the last five batches is a duplicate with its old offset, the sixth is out of order', () => {
    const producers = having([0, 1], [1, 1], [2, 1], [3, 1], [4, 1], [5, 1])
    for (const sequence of [1, 2, 3, 4, 5]) {
      expect(producers.judge(batch(sequence))).toEqual({ kind: 'duplicate', baseOffset: sequence * 10 })
    }
    expect(producers.judge(batch(0)).kind).toBe('out-of-order')
  })

  test('sequences go on at 0 after 2147483647, between batches and inside of one', () => {
    expect(having([LAST - 1, 2]).judge(batch(0)).kind).toBe('accepted')
    expect(having([LAST, 1]).judge(batch(1)).kind).toBe('out-of-order')
    const inside = having([LAST - 1, 5])
    expect(inside.judge(batch(3)).kind).toBe('accepted')
    expect(inside.judge(batch(4)).kind).toBe('out-of-order')
    expect(inside.judge(batch(LAST - 1, 5))).toEqual({ kind: 'duplicate', baseOffset: (LAST - 1) * 10 })
  })

  test('an older epoch is fenced, even for a batch that is remembered', () => {
    const producers = having([0, 1, 3], [0, 1, 4])
    expect(producers.judge(batch(0, 1, 3)).kind).toBe('fenced')
    expect(producers.judge(batch(1, 1, 3)).kind).toBe('fenced')
  })

  test('a newer epoch begins at sequence 0 and forgets the batches of the one before', () => {
    const producers = having([0, 1], [1, 1])
    expect(producers.judge(batch(2, 1, 1)).kind).toBe('out-of-order')
    expect(producers.judge(batch(0, 1, 1)).kind).toBe('accepted')
    producers.remember(batch(0, 1, 1), 99, 1000, 500)
    expect(producers.judge(batch(1, 1, 1)).kind).toBe('accepted')
    expect(producers.judge(batch(0, 1, 1))).toEqual({ kind: 'duplicate', baseOffset: 99 })
  })

  test('producers do not disturb each other', () => {
    const producers = having([0, 1])
    expect(producers.judge({ ...batch(17), producerId: 8 }).kind).toBe('accepted')
  })

  test('an idle producer is forgotten, one that wrote since is not', () => {
    const producers = new Producers()
    producers.remember(batch(0), 0, 1000, 0)
    producers.remember({ ...batch(0), producerId: 8 }, 1, 2000, 0)
    producers.forgetIdleSince(1001)
    expect([...producers.histories.keys()]).toEqual([8])
  })
})

test.each([1, 2, 3])('a producer that repeats any of its last five is never stored twice (seed %i)', seed => {
  const random = new SeededRandom(seed)
  const producers = new Producers()
  const sent: { sequence: number; records: number; offset: number }[] = []
  let sequence = random.pick([0, LAST - 20])
  let offset = 0
  for (let step = 0; step < 400; step++) {
    const old = random.chance(0.4) ? sent.at(-random.int(1, Math.min(5, sent.length))) : undefined
    if (old !== undefined) {
      const verdict = producers.judge(batch(old.sequence, old.records))
      expect(verdict).toEqual({ kind: 'duplicate', baseOffset: old.offset })
      continue
    }
    const records = random.int(1, 6)
    expect(producers.judge(batch(sequence, records)).kind).toBe('accepted')
    producers.remember(batch(sequence, records), offset, step, 0)
    sent.push({ sequence, records, offset })
    sequence = sequenceAfter(sequence, records)
    offset += records
  }
  expect(Math.max(...[...producers.histories.values()].map(({ batches }) => batches.length))).toBe(5)
})
