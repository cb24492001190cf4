import { describe, expect, test } from '@jest/globals'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { BlockCache } from './block-cache.ts'

const key = (object: number, position = 0) => ({ object, position })
const block = (bytes: number) => [Buffer.alloc(bytes)]

describe('block cache', () => {
  test('holds no more than its bytes, whatever is put into it', () => {
    const random = new SeededRandom(1)
    const cache = new BlockCache(50_000)
    for (let n = 0; n < 2000; n++) {
      cache.put(key(random.int(1, 60), random.int(0, 2)), block(random.pick([0, 10, 4000, 60_000])))
      if (random.chance(0.5)) cache.get(key(random.int(1, 60)))
      expect(cache.bytes).toBeLessThanOrEqual(50_000)
    }
    let held = 0
    for (let object = 1; object <= 60; object++) {
      for (const position of [0, 1, 2]) {
        const found = cache.get(key(object, position))
        if (found !== undefined) held += 300 + found.reduce((sum, { length }) => sum + length, 0)
      }
    }
    expect(held).toBe(cache.bytes)
  })

  test('forgets what was not used for the longest time', () => {
    const cache = new BlockCache(4000)
    for (const object of [1, 2, 3]) cache.put(key(object), block(1000))
    cache.get(key(1))
    cache.put(key(4), block(1000))
    expect([1, 2, 3, 4].filter(object => cache.get(key(object)) !== undefined)).toEqual([1, 3, 4])
  })

  test('keeps extents of one object apart', () => {
    const cache = new BlockCache(10_000)
    cache.put(key(1, 23), block(1))
    cache.put(key(12, 3), block(2))
    expect([cache.get(key(1, 23))?.[0]?.length, cache.get(key(12, 3))?.[0]?.length]).toEqual([1, 2])
    expect(cache.get(key(1))).toBeUndefined()
  })

  test('a block that is being loaded is loaded once, and is there afterwards', async () => {
    const cache = new BlockCache(10_000)
    const load = Promise.withResolvers<Buffer[]>()
    const first = cache.load(key(1), load.promise)
    expect(cache.loading(key(1))).toBe(first)
    expect(cache.get(key(1))).toBeUndefined()
    load.resolve(block(7))
    expect((await first)[0]?.length).toBe(7)
    expect([cache.loading(key(1)), cache.get(key(1))?.[0]?.length]).toEqual([undefined, 7])
    expect([cache.hits, cache.misses]).toEqual([1, 1])
  })

  test('a load that failed is not remembered', async () => {
    const cache = new BlockCache(10_000)
    await expect(cache.load(key(1), Promise.reject(new Error('gone')))).rejects.toThrow('gone')
    expect([cache.loading(key(1)), cache.get(key(1)), cache.bytes]).toEqual([undefined, undefined, 0])
  })

  test('a block larger than the cache reaches its reader without staying', async () => {
    const cache = new BlockCache(1000)
    expect((await cache.load(key(1), Promise.resolve(block(5000))))[0]?.length).toBe(5000)
    expect([cache.get(key(1)), cache.bytes]).toEqual([undefined, 0])
  })
})
