// The folder store on a disk that fails or crashes at every step in turn. The disk is a model of what POSIX promises and
// no more: a crash keeps what was fsynced and, of the rest, any part; a failed fsync loses what it should have written,
// and the next one succeeds without it.

import { describe, expect, test } from '@jest/globals'
import type { Disk, DiskFile } from './disk.ts'
import { FolderStore } from './folder.ts'
import { ObjectNotFound, StoreError, StoreFull } from './object-store.ts'

class ModelFile {
  data = Buffer.alloc(0)
  durable = Buffer.alloc(0)
  dirty = false
  full = false
}

class ModelFolder {
  readonly names = new Map<string, ModelFile | ModelFolder>()
  readonly durable = new Map<string, ModelFile | ModelFolder>()
  readonly dirty = new Set<string>()

  set(name: string, node: ModelFile | ModelFolder | undefined): void {
    if (node === undefined) this.names.delete(name)
    else this.names.set(name, node)
    this.dirty.add(name)
  }

  sync(): void {
    for (const name of this.dirty) {
      const node = this.names.get(name)
      if (node === undefined) this.durable.delete(name)
      else this.durable.set(name, node)
    }
    this.dirty.clear()
  }
}

type Fault = 'EIO' | 'ENOSPC' | 'crash'

const fail = (code: string): never => {
  throw Object.assign(new Error(`${code}, as scheduled`), { code })
}

class ModelDisk implements Disk {
  root = new ModelFolder()
  steps: string[] = []
  /** Decides for each step, numbered from 1, whether and how it fails. */
  fault: (step: number, name: string) => Fault | undefined = () => undefined
  crashed = false
  openHandles = 0

  async open(path: string, flags: 'r' | 'wx'): Promise<DiskFile> {
    await this.#step(`open ${flags}`)
    const [folder, name] = this.#parent(path)
    const found = path === '/' ? this.root : folder.names.get(name)
    if (flags === 'wx' && found !== undefined) fail('EEXIST')
    const node = found ?? (flags === 'wx' ? new ModelFile() : fail('ENOENT'))
    if (flags === 'wx') folder.set(name, node)
    this.openHandles++
    return {
      writev: async buffers => {
        const file = node instanceof ModelFile ? node : fail('EISDIR')
        if (file.full) fail('ENOSPC')
        // A full disk first takes less than it was given, and fails the next time.
        const full = await this.#step('writev', fault => {
          if (fault === 'EIO') fail(fault)
          file.full = true
        })
        return { bytesWritten: append(file, buffers, full || buffers.length > 1 ? 0.7 : 1) }
      },
      read: async (buffer, offset, length, position) => {
        await this.#step('read')
        const file = node instanceof ModelFile ? node : fail('EISDIR')
        return { bytesRead: file.data.copy(buffer, offset, position, position + length) }
      },
      stat: async () => {
        await this.#step('fstat')
        return { size: node instanceof ModelFile ? node.data.length : 0, isFile: () => node instanceof ModelFile }
      },
      datasync: async () => {
        const file = node instanceof ModelFile ? node : fail('EISDIR')
        await this.#step('fdatasync', fault => {
          file.dirty = false
          fail(fault)
        })
        if (file.dirty) file.durable = file.data
        file.dirty = false
      },
      sync: async () => {
        const synced = node instanceof ModelFolder ? node : fail('ENOTDIR')
        await this.#step('fsync', fault => {
          synced.dirty.clear()
          fail(fault)
        })
        synced.sync()
      },
      close: async () => {
        this.openHandles--
        await this.#step('close')
      },
    }
  }

  async unlink(path: string): Promise<void> {
    await this.#step('unlink')
    const [folder, name] = this.#parent(path)
    if (!folder.names.has(name)) fail('ENOENT')
    folder.set(name, undefined)
  }

  async mkdir(path: string): Promise<void> {
    await this.#step('mkdir')
    const [folder, name] = this.#parent(path)
    if (folder.names.has(name)) fail('EEXIST')
    folder.set(name, new ModelFolder())
  }

  async rmdir(path: string): Promise<void> {
    await this.#step('rmdir')
    const [folder, name] = this.#parent(path)
    folder.set(name, undefined)
  }

  async readdir(path: string): Promise<{ name: string; isDirectory(): boolean }[]> {
    const [folder, name] = this.#parent(`${path}/x`)
    expect(name).toBe('x')
    return [...folder.names].map(([name, node]) => ({ name, isDirectory: () => node instanceof ModelFolder }))
  }

  async stat(path: string): Promise<{ size: number }> {
    const [folder, name] = this.#parent(path)
    const node = folder.names.get(name) ?? fail('ENOENT')
    return { size: node instanceof ModelFile ? node.data.length : 0 }
  }

  /** What a machine may find on the disk after it lost power now. */
  afterCrash(random: () => number): ModelDisk {
    const disk = new ModelDisk()
    const survive = (node: ModelFile | ModelFolder): ModelFile | ModelFolder => {
      if (node instanceof ModelFile) {
        const file = new ModelFile()
        const written = Math.floor(random() * (node.data.length + 1))
        const torn = Buffer.concat([node.data.subarray(0, written), Buffer.alloc(node.data.length - written)])
        file.data = file.durable = node.durable === node.data || random() < 0.3 ? node.durable : torn
        return file
      }
      const folder = new ModelFolder()
      for (const name of new Set([...node.names.keys(), ...node.durable.keys()])) {
        const kept = random() < 0.5 ? node.names.get(name) : node.durable.get(name)
        if (kept !== undefined) folder.set(name, survive(kept))
      }
      folder.sync()
      return folder
    }
    const root = survive(this.root)
    if (root instanceof ModelFolder) disk.root = root
    return disk
  }

  /** Resolves when nothing has happened for a while. */
  async quiet(): Promise<void> {
    for (let seen = -1, turns = 0; turns < 5; turns = seen === this.steps.length ? turns + 1 : 0) {
      seen = this.steps.length
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  async #step(name: string, onFault: (fault: string) => void = fail): Promise<boolean> {
    await new Promise(resolve => setImmediate(resolve))
    this.steps.push(name)
    const fault = this.fault(this.steps.length, name)
    if (fault === 'crash') this.crashed = true
    if (this.crashed) return new Promise(() => {})
    if (fault !== undefined) onFault(fault)
    return fault !== undefined
  }

  #parent(path: string): [folder: ModelFolder, name: string] {
    const parts = path.split('/').slice(1)
    let folder = this.root
    for (const part of parts.slice(0, -1)) {
      const next = folder.names.get(part) ?? fail('ENOENT')
      folder = next instanceof ModelFolder ? next : fail('ENOTDIR')
    }
    return [folder, parts.at(-1) ?? '']
  }
}

const append = (file: ModelFile, buffers: readonly Uint8Array[], part: number): number => {
  const all = Buffer.concat(buffers)
  const taken = Math.max(1, Math.floor(all.length * part))
  file.data = Buffer.concat([file.data, all.subarray(0, taken)])
  file.dirty = true
  return taken
}

const seeded = (seed: number) => (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0
  return (seed >>> 8) / 2 ** 24
}

const at = (step: number, fault: Fault) => (now: number) => (now === step ? fault : undefined)

const bodyOf = (key: string): Buffer[] => [Buffer.alloc(40, key), Buffer.alloc(25, key.length)]

/** Puts at once, two of them in one folder; what each came to is noted when it is known. */
const startPuts = (store: FolderStore, keys = ['c/1/wal/1', 'c/1/wal/2', 'c/2/wal/1']) => {
  const outcomes = new Map<string, unknown>()
  const note = (key: string): Promise<unknown> =>
    store.put(key, bodyOf(key)).then(
      () => outcomes.set(key, 'stored'),
      error => outcomes.set(key, error),
    )
  return { outcomes, ended: Promise.all(keys.map(note)) }
}

const stepsOfAFaultlessRun = async (): Promise<{ open: number; all: number }> => {
  const disk = new ModelDisk()
  const store = await FolderStore.open('/store', disk)
  const open = disk.steps.length
  const { outcomes, ended } = startPuts(store)
  await ended
  await store.close()
  expect([...outcomes.values()]).toEqual(['stored', 'stored', 'stored'])
  for (const step of ['open wx', 'writev', 'mkdir', 'fdatasync', 'fsync', 'close']) expect(disk.steps).toContain(step)
  return { open, all: disk.steps.length }
}

/** Restarts on what several crashes might leave of the disk: what was stored must be there, and more can be. */
const expectStoredAfterCrashes = async (
  disk: ModelDisk,
  outcomes: Map<string, unknown>,
  seeds: number,
): Promise<void> => {
  for (let seed = 0; seed < seeds; seed++) {
    const found = disk.afterCrash(seeded(disk.steps.length * 1000 + seed))
    const store = await FolderStore.open('/store', found)
    for (const [key, outcome] of outcomes)
      if (outcome === 'stored') expect((await store.get(key)).equals(Buffer.concat(bodyOf(key)))).toBe(true)
    await store.put('c/1/wal/later', [Buffer.from('later')])
    expect((await store.get('c/1/wal/later')).toString()).toBe('later')
    await store.close()
  }
}

describe('folder store on a failing disk', () => {
  test('acknowledges nothing that a crash can take away, whenever it comes', async () => {
    const { open, all } = await stepsOfAFaultlessRun()
    let acknowledged = 0
    for (let step = open + 1; step <= all + 1; step++) {
      const disk = new ModelDisk()
      const store = await FolderStore.open('/store', disk)
      disk.fault = at(step, 'crash')
      const { outcomes } = startPuts(store)
      await disk.quiet()
      acknowledged += outcomes.size
      await expectStoredAfterCrashes(disk, outcomes, 12)
    }
    expect(acknowledged).toBeGreaterThan(3)
  })

  for (const code of ['EIO', 'ENOSPC'] as const) {
    test(`answers ${code} at any step with an error, leaves no half object and goes on afterwards`, async () => {
      const { open, all } = await stepsOfAFaultlessRun()
      let refused = 0
      for (let step = open + 1; step <= all; step++) {
        const disk = new ModelDisk()
        const store = await FolderStore.open('/store', disk)
        disk.fault = at(step, code)
        const { outcomes, ended } = startPuts(store)
        await ended
        await disk.quiet()

        disk.fault = () => undefined
        const failing = disk.steps[step - 1]
        const listed: string[] = []
        for await (const { key } of store.list('')) listed.push(key)
        for (const [key, outcome] of outcomes) {
          expect([failing, key, listed.includes(key)]).toEqual([failing, key, outcome === 'stored'])
          if (outcome === 'stored') continue
          refused++
          expect(outcome).toBeInstanceOf(StoreError)
          expect(outcome instanceof StoreFull).toBe(String(outcome).includes('ENOSPC'))
          await expect(store.get(key)).rejects.toThrow(ObjectNotFound)
        }

        const next = startPuts(store, ['c/2/wal/next'])
        await next.ended
        expect([failing, ...next.outcomes]).toEqual([failing, ['c/2/wal/next', 'stored']])
        await store.close()
        expect([failing, disk.openHandles]).toEqual([failing, 0])
        await expectStoredAfterCrashes(disk, new Map([...outcomes, ...next.outcomes]), 6)
      }
      expect(refused).toBeGreaterThan(10)
    })
  }

  test('does not take for an object what a failed put could not remove', async () => {
    const disk = new ModelDisk()
    const store = await FolderStore.open('/store', disk)
    disk.fault = (_, name) => (name === 'fdatasync' || name === 'unlink' ? 'EIO' : undefined)
    await expect(store.put('c/1', bodyOf('c/1'))).rejects.toThrow(StoreError)
    disk.fault = () => undefined
    // A taken key would say that an earlier try of the same put may have succeeded.
    await expect(store.put('c/1', bodyOf('c/1'))).rejects.toThrow(StoreError)
    await store.put('c/2', bodyOf('c/2'))
    await store.close()
    expect(disk.openHandles).toBe(0)
  })

  test('refuses every put whose name a failed fsync of the folder may have lost', async () => {
    for (let failing = 1; failing <= 4; failing++) {
      const disk = new ModelDisk()
      const store = await FolderStore.open('/store', disk)
      await store.put('d/0', bodyOf('d/0'))
      await disk.quiet()
      let fsyncs = 0
      disk.fault = (_, name) => (name === 'fsync' && ++fsyncs === failing ? 'EIO' : undefined)
      const rounds = [startPuts(store, ['d/1', 'd/2'])]
      for (let i = 0; i < 6; i++) {
        await new Promise(resolve => setImmediate(resolve))
        rounds.push(startPuts(store, [`d/1${i}`]))
      }
      await Promise.all(rounds.map(round => round.ended))
      const outcomes = new Map(rounds.flatMap(round => [...round.outcomes]))
      expect([...outcomes.values()].filter(outcome => outcome !== 'stored').length).toBeGreaterThan(0)
      await store.close()
      await expectStoredAfterCrashes(disk, outcomes, 40)
    }
  })

  test('refuses to open where the folder cannot be made durable', async () => {
    const faultless = new ModelDisk()
    await (await FolderStore.open('/a/store', faultless)).close()
    for (const [i, name] of faultless.steps.entries()) {
      if (name === 'close') continue
      const disk = new ModelDisk()
      disk.fault = at(i + 1, 'EIO')
      await expect(FolderStore.open('/a/store', disk)).rejects.toThrow(StoreError)
    }
  })

  test('rejects a delete that is not durable, and does all of it again when it is tried again', async () => {
    const disk = new ModelDisk()
    const store = await FolderStore.open('/store', disk)
    await store.put('c/1', bodyOf('c/1'))
    await disk.quiet()
    disk.fault = (_, name) => (name === 'fsync' ? 'EIO' : undefined)
    await expect(store.delete(['c/1'])).rejects.toThrow(StoreError)
    disk.fault = () => undefined
    const synced = disk.steps.length
    await store.delete(['c/1'])
    expect(disk.steps.slice(synced)).toContain('fsync')
    await expect(store.get('c/1')).rejects.toThrow(ObjectNotFound)
    await store.close()
  })
})
