// What every object store promises, as tests. An implementation's own test file calls `testObjectStore`.

import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ObjectExists, ObjectNotFound, type ObjectStore, type StoredObject } from './object-store.ts'

/**
 * `open` gives an empty store; `close`, if given, takes away what `open` made beside it. `racing`: whether the store behind
 * it decides between puts of one key at the same moment, or only refuses a put that comes after another.
 */
export const testObjectStore = (
  name: string,
  open: () => Promise<{ store: ObjectStore; close?: () => Promise<void> }>,
  racing: 'one wins' | 'several may win' = 'one wins',
): void => {
  describe(`object store contract: ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let store: ObjectStore

    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })

    afterEach(async () => {
      await store.close()
      await opened.close?.()
    })

    const listed = async (prefix: string): Promise<StoredObject[]> => {
      const objects: StoredObject[] = []
      for await (const object of store.list(prefix)) objects.push(object)
      return objects
    }
    const keys = async (prefix: string): Promise<string[]> => (await listed(prefix)).map(o => o.key)

    test('gives back the bytes that were put, whole and in ranges', async () => {
      const parts = [randomBytes(10), Buffer.alloc(0), randomBytes(100_000), randomBytes(1)]
      const whole = Buffer.concat(parts)
      await store.put('c/3/wal/12/000000000007', parts)
      expect(Buffer.concat(parts)).toEqual(whole)
      expect(await store.size('c/3/wal/12/000000000007')).toBe(whole.length)
      expect((await store.get('c/3/wal/12/000000000007')).equals(whole)).toBe(true)
      for (const [position, length] of [
        [0, 1],
        [5, 20],
        [whole.length - 1, 1],
        [0, whole.length],
        [whole.length, 0],
        [7, 0],
      ] as const) {
        const bytes = await store.get('c/3/wal/12/000000000007', { position, length })
        expect(bytes.equals(whole.subarray(position, position + length))).toBe(true)
      }
    })

    test('keeps an object of many small pieces and an empty one', async () => {
      const pieces = Array.from({ length: 5000 }, (_, i) => Buffer.from([i & 255, i >> 8]))
      await store.put('many', pieces)
      await store.put('empty', [])
      expect((await store.get('many')).equals(Buffer.concat(pieces))).toBe(true)
      expect([await store.size('empty'), (await store.get('empty')).length]).toEqual([0, 0])
    })

    test('is not changed by what happens to the bytes after put or get', async () => {
      const bytes = Buffer.from('abc')
      await store.put('k', [bytes])
      bytes.fill(0)
      ;(await store.get('k')).fill(1)
      ;(await store.get('k', { position: 0, length: 3 })).fill(2)
      expect((await store.get('k')).toString()).toBe('abc')
    })

    test('refuses a key that is taken and keeps the first object', async () => {
      await store.put('k', [Buffer.from('first')])
      await expect(store.put('k', [Buffer.from('second')])).rejects.toThrow(ObjectExists)
      expect((await store.get('k')).toString()).toBe('first')
    })

    test(`of several concurrent puts of one key ${racing}`, async () => {
      const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(50_000, i))
      const results = await Promise.allSettled(bodies.map(body => store.put('x/y', [body])))
      const won = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
      if (racing === 'one wins') expect(won).toHaveLength(1)
      for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ObjectExists)
      const kept = await store.get('x/y')
      expect(won.filter(i => bodies[i]?.equals(kept))).toHaveLength(1)
    })

    test('refuses ranges beyond the end', async () => {
      await store.put('k', [Buffer.alloc(10)])
      for (const [position, length] of [
        [0, 11],
        [10, 1],
        [11, 0],
        [-1, 2],
        [0, -1],
        [0, 2 ** 52],
        [0.5, 1],
        [Number.NaN, 1],
      ] as const)
        await expect(store.get('k', { position, length })).rejects.toThrow(RangeError)
    })

    test('says not found for what was never put or was deleted', async () => {
      await store.put('a/b', [Buffer.from('x')])
      for (const key of ['a/c', 'a/b/c', 'a', 'z/y/x']) {
        await expect(store.get(key)).rejects.toThrow(ObjectNotFound)
        await expect(store.get(key, { position: 0, length: 1 })).rejects.toThrow(ObjectNotFound)
        await expect(store.size(key)).rejects.toThrow(ObjectNotFound)
      }
      await store.get('a/b')
      await store.delete(['a/b'])
      await expect(store.get('a/b')).rejects.toThrow(ObjectNotFound)
      await expect(store.size('a/b')).rejects.toThrow(ObjectNotFound)
    })

    test('deletes many at once, the missing ones without an error', async () => {
      const all = Array.from({ length: 40 }, (_, i) => `d/${i % 3}/${i}`)
      for (const key of all) await store.put(key, [Buffer.from(key)])
      await store.delete([...all.slice(0, 39), 'd/none', 'nowhere/at/all'])
      await store.delete([])
      expect(await keys('d/')).toEqual(['d/0/39'])
    })

    test('lists by prefix, in key order, with sizes', async () => {
      const all = [
        'c/1/wal/1',
        'c/1/wal/10',
        'c/1/wal-2/1',
        'c/1/wal.x',
        'c/1/wal0/3',
        'c/10/wal/1',
        'c/2/seg/1',
        'cc/1',
      ]
      for (const [i, key] of all.toReversed().entries()) await store.put(key, [Buffer.alloc(i)])
      const inOrder = all.toSorted()
      expect(await keys('')).toEqual(inOrder)
      for (const prefix of [
        'c',
        'c/',
        'c/1',
        'c/1/',
        'c/1/wal',
        'c/1/wal/',
        'c/1/wal/1',
        'c/2/seg/1',
        'c/2/seg/1/',
        'd',
        'c/1/x/y/z',
      ])
        expect([prefix, await keys(prefix)]).toEqual([prefix, inOrder.filter(key => key.startsWith(prefix))])
      const sizes = (await listed('c/1')).map(o => [o.key, o.size])
      expect(sizes).toContainEqual(['c/1/wal/10', all.toReversed().indexOf('c/1/wal/10')])
    })

    test('refuses keys that are no plain paths', async () => {
      for (const key of [
        '',
        '/',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        'a/../b',
        '../a',
        './a',
        'a/.b',
        'a b',
        'a\0b',
        'ä',
        'a\\b',
        'x'.repeat(901),
        'x'.repeat(201),
      ]) {
        await expect(store.put(key, [])).rejects.toThrow(RangeError)
        await expect(store.get(key)).rejects.toThrow(RangeError)
        await expect(store.size(key)).rejects.toThrow(RangeError)
        await expect(store.delete([key])).rejects.toThrow(RangeError)
      }
      expect(await keys('')).toEqual([])
      expect(await keys('../')).toEqual([])
    })

    test('serves puts, gets and deletes at the same time', async () => {
      const one = async (i: number): Promise<void> => {
        const body = Buffer.alloc(1000 + i, i)
        await store.put(`p/${i % 4}/${i}`, [body.subarray(0, 500), body.subarray(500)])
        expect((await store.get(`p/${i % 4}/${i}`)).equals(body)).toBe(true)
        if (i % 2 === 0) await store.delete([`p/${i % 4}/${i}`])
      }
      await Promise.all(Array.from({ length: 60 }, (_, i) => one(i)))
      expect(await keys('p/')).toHaveLength(30)
    })
  })
}
