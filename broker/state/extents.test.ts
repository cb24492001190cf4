import { describe, expect, test } from '@jest/globals'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { type Extent, ExtentLog } from './extents.ts'

/** What an ExtentLog promises, said with a plain array. */
class Twin {
  extents: Extent[] = []

  find(offset: number): number {
    const index = this.extents.findIndex(({ baseOffset, count }) => baseOffset + count > offset)
    return index === -1 ? this.extents.length : index
  }
}

const expectSame = (log: ExtentLog, twin: Twin): void => {
  expect([...log]).toEqual(twin.extents)
  expect(log.size).toBe(twin.extents.length)
  expect(log.bytes).toBe(twin.extents.reduce((sum, { length }) => sum + length, 0))
}

/** An extent that begins at `baseOffset`; now and then at the edges of what the columns can hold. */
const randomExtent = (random: SeededRandom, baseOffset: number): Extent => ({
  baseOffset,
  count: random.int(1, 9),
  object: random.chance(0.1) ? 2 ** 50 + random.int(0, 9) : random.int(1, 1000),
  position: random.chance(0.1) ? 2 ** 32 - 1 : random.int(0, 100_000),
  length: random.int(61, 5000),
  maxTimestamp: random.chance(0.2) ? -1 : 1_700_000_000_000 + random.int(0, 1e9),
})

describe('extents', () => {
  test.each([1, 2, 3, 4, 5, 6])('do what a plain array does, whatever is done to them (seed %i)', seed => {
    const random = new SeededRandom(seed)
    let log = new ExtentLog()
    const twin = new Twin()
    let end = random.chance(0.5) ? 0 : 2 ** 40
    for (let step = 0; step < 600; step++) {
      const choice = random.int(0, 99)
      if (choice < 70) {
        const extent = randomExtent(random, end)
        end += extent.count
        log.push(extent)
        twin.extents.push(extent)
      } else if (choice < 80) {
        const count = random.int(0, Math.min(twin.extents.length, random.pick([1, 5, 200])))
        const dropped: Extent[] = []
        log.dropFirst(count, extent => dropped.push(extent))
        expect(dropped).toEqual(twin.extents.splice(0, count))
      } else if (choice < 92 && twin.extents.length > 0) {
        const index = random.int(0, twin.extents.length - 1)
        const count = random.int(1, twin.extents.length - index)
        const old = twin.extents.slice(index, index + count)
        const whole: Extent = { ...randomExtent(random, old[0]?.baseOffset ?? 0), count: offsetsOf(old) }
        const replacement = random.chance(0.3) ? split(whole) : [whole]
        const dropped: Extent[] = []
        log.replace(index, count, replacement, extent => dropped.push(extent))
        twin.extents.splice(index, count, ...replacement)
        expect(dropped).toEqual(old)
      } else if (choice < 96) log = ExtentLog.decode(log.encode())
      const offset = end - random.int(-3, 60)
      expect(log.find(offset)).toBe(twin.find(offset))
      if (step % 20 === 0) expectSame(log, twin)
    }
    expectSame(log, twin)
  })

  test('finds the extent of an offset, the first one before all, and the size beyond all', () => {
    const log = new ExtentLog()
    for (const baseOffset of [10, 15, 20]) log.push({ ...EXTENT, baseOffset, count: 5 })
    expect([0, 9, 10, 14, 15, 24, 25, 99].map(offset => log.find(offset))).toEqual([0, 0, 0, 0, 1, 2, 3, 3])
    expect(new ExtentLog().find(0)).toBe(0)
  })

  test('there is none beyond either end', () => {
    const log = new ExtentLog()
    log.push(EXTENT)
    expect(() => log.at(1)).toThrow(RangeError)
    expect(() => log.at(-1)).toThrow(RangeError)
    log.dropFirst(1, () => {})
    expect(() => log.at(0)).toThrow(RangeError)
  })

  test('bytes that are no whole number of extents are refused', () => {
    const log = new ExtentLog()
    log.push(EXTENT)
    expect(() => ExtentLog.decode(log.encode().subarray(1))).toThrow(RangeError)
  })
})

const EXTENT: Extent = { baseOffset: 0, count: 1, object: 1, position: 0, length: 61, maxTimestamp: -1 }

function offsetsOf(extents: readonly Extent[]): number {
  return extents.reduce((sum, { count }) => sum + count, 0)
}

function split(extent: Extent): Extent[] {
  const first = { ...extent, count: 1 }
  return extent.count === 1
    ? [first]
    : [first, { ...extent, baseOffset: extent.baseOffset + 1, count: extent.count - 1 }]
}
