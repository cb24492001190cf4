import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { FolderStore } from './folder.ts'
import { testObjectStore } from './object-store.contract.ts'
import { ObjectNotFound, StoreError } from './object-store.ts'

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'kafscale-objects-'))

testObjectStore('folder', async () => {
  const root = await newFolder()
  return { store: await FolderStore.open(root), close: () => rm(root, { recursive: true }) }
})

describe('folder store', () => {
  let root: string

  beforeEach(async () => {
    root = await newFolder()
  })

  afterEach(() => rm(root, { recursive: true, force: true }))

  test('keeps objects over a restart, at the paths their keys name', async () => {
    const first = await FolderStore.open(join(root, 'a', 'b'))
    await first.put('c/3/wal/12/000000000007', [Buffer.from('x'), Buffer.from('yz')])
    await first.close()
    expect(await readdir(join(root, 'a/b/c/3/wal/12'))).toEqual(['000000000007'])
    const second = await FolderStore.open(join(root, 'a', 'b'))
    expect((await second.get('c/3/wal/12/000000000007')).toString()).toBe('xyz')
    await second.close()
  })

  test('goes on after its folders were removed under it', async () => {
    const store = await FolderStore.open(root)
    await store.put('a/1', [Buffer.from('x')])
    await rm(join(root, 'a'), { recursive: true })
    await expect(store.put('a/2', [Buffer.from('x')])).rejects.toThrow(StoreError)
    await store.put('a/3', [Buffer.from('x')])
    expect((await store.get('a/3')).toString()).toBe('x')
    await store.close()
  })

  test('serves more objects than it keeps open', async () => {
    const store = await FolderStore.open(root)
    const keys = Array.from({ length: 600 }, (_, i) => `k/${i}`)
    for (let i = 0; i < keys.length; i += 50) {
      await Promise.all(keys.slice(i, i + 50).map(key => store.put(key, [Buffer.from(key)])))
    }
    const openBefore = (await readdir('/proc/self/fd').catch(() => [])).length
    const read = await Promise.all([...keys, ...keys].map(key => store.get(key)))
    expect(read.map(String)).toEqual([...keys, ...keys])
    expect((await readdir('/proc/self/fd').catch(() => [])).length).toBeLessThan(openBefore + 300)
    await store.close()
    expect((await readdir('/proc/self/fd').catch(() => [])).length).toBeLessThanOrEqual(openBefore)
  })

  test('does not serve a deleted object from an open file', async () => {
    const store = await FolderStore.open(root)
    await store.put('a', [Buffer.from('x')])
    await store.get('a')
    await store.delete(['a'])
    await expect(store.get('a')).rejects.toThrow(ObjectNotFound)
    await store.close()
  })

  test('says which folder it cannot open', async () => {
    await writeFile(join(root, 'file'), '')
    await expect(FolderStore.open(join(root, 'file', 'below'))).rejects.toThrow(/file\/below/)
  })
})
