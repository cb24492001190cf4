import { describe, expect, test } from '@jest/globals'
import { MemoryStore } from '../broker/objects/memory.ts'
import { testObjectStore } from '../broker/objects/object-store.contract.ts'
import { ObjectNotFound, StoreError } from '../broker/objects/object-store.ts'
import { FaultyStore, type StoreFaults } from './faulty-store.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A small generator (mulberry32), good enough for schedules. */
const seeded = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const make = (faults: Partial<StoreFaults>, seed = 1) => {
  const inner = new MemoryStore()
  const clock = new VirtualClock(0)
  return { inner, clock, store: new FaultyStore(inner, clock, seeded(seed), faults) }
}

testObjectStore('faulty, without faults', async () => ({ store: make({}).store }))

describe('faulty store', () => {
  test('takes the time it is told to take', async () => {
    const { store, clock } = make({ delay: [20, 20] })
    await clock.until(store.put('a', [Buffer.from('x')]))
    expect(clock.now()).toBe(20)
    store.faults = { ...store.faults, slow: 1, slowDelay: [500, 900] }
    await clock.until(store.get('a'))
    expect(clock.now()).toBeGreaterThanOrEqual(520)
    expect(clock.now()).toBeLessThanOrEqual(920)
  })

  test('fails before anything is stored', async () => {
    const { store, inner } = make({ failBefore: 1 })
    await expect(store.put('a', [Buffer.from('x')])).rejects.toThrow(StoreError)
    await expect(inner.get('a')).rejects.toThrow(ObjectNotFound)
  })

  test('fails after the object is stored or deleted', async () => {
    const { store, inner } = make({ failAfter: 1 })
    await expect(store.put('a', [Buffer.from('x')])).rejects.toThrow(StoreError)
    expect((await store.get('a')).toString()).toBe('x')
    await expect(store.delete(['a'])).rejects.toThrow(StoreError)
    await expect(inner.get('a')).rejects.toThrow(ObjectNotFound)
  })

  test('does the same again from the same seed, and something else from another', async () => {
    const run = async (seed: number): Promise<string> => {
      const { store, clock } = make(
        { delay: [1, 50], slow: 0.2, slowDelay: [100, 400], failBefore: 0.2, failAfter: 0.2 },
        seed,
      )
      const seen: string[] = []
      const putting = Array.from({ length: 30 }, (_, i) =>
        store.put(`k${i}`, [Buffer.from('x')]).then(
          () => seen.push(`${clock.now()} ${i} stored`),
          error => seen.push(`${clock.now()} ${i} ${error}`),
        ),
      )
      await clock.until(Promise.all(putting))
      return seen.join('\n')
    }
    expect(await run(7)).toBe(await run(7))
    expect(await run(7)).not.toBe(await run(8))
    for (const outcome of ['stored', 'before it was done', 'after it was done']) expect(await run(7)).toContain(outcome)
  })
})
