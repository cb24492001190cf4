// Objects as files: the key `c/3/wal/12/000000000007` is the file at that path under a root folder.
//
// put: 1. make the file under its final name, which fails when the name is taken
//      2. write it
//      3. fdatasync the file and, at the same time, fsync the folder; then the object is durable and put resolves
// Nobody reads a key before its put resolved, because only the ledger names it, so the name may be there before the
// bytes are. Whatever fails up to step 3 removes the name and rejects the put; where even that fails, the key stays
// unusable for this process, so that nobody takes the rest for an object. A failed fsync is never repeated: the kernel
// may have dropped the pages that it could not write and report success the next time.
// A crash leaves at most files that no ledger entry names, whole or torn: the sweep of closed sessions deletes them.
// Start-up does not look at objects, so its time does not depend on the amount of data.

import { dirname, resolve } from 'node:path'
import { type Disk, type DiskFile, hasCode, nodeDisk } from './disk.ts'
import { DurableFolders } from './durable-folders.ts'
import {
  assertKey,
  assertRange,
  type ByteRange,
  ObjectExists,
  ObjectNotFound,
  type ObjectStore,
  type StoredObject,
  StoreError,
  StoreFull,
} from './object-store.ts'
import { OpenFiles } from './open-files.ts'

const openObjects = 256
const concurrentFileOperations = 16

export class FolderStore implements ObjectStore {
  readonly #disk: Disk
  readonly #root: string
  readonly #folders: DurableFolders
  readonly #objects: OpenFiles
  readonly #background = new Set<Promise<void>>()
  /** What is left of failed puts and could not be removed. */
  readonly #spoilt = new Set<string>()

  private constructor(disk: Disk, root: string) {
    this.#disk = disk
    this.#root = root
    this.#folders = new DurableFolders(disk, root)
    this.#objects = new OpenFiles(disk, openObjects)
  }

  /**
   * Opens the store in a folder, which is made where it is missing. Only one process may use the folder at a time.
   * Rejects with StoreError.
   */
  static async open(root: string, disk: Disk = nodeDisk): Promise<FolderStore> {
    const store = new FolderStore(disk, resolve(root))
    try {
      await store.#folders.makeRoot()
      return store
    } catch (error) {
      throw storeError(`opening the object folder ${root}`, error)
    }
  }

  async put(key: string, body: readonly Uint8Array[]): Promise<void> {
    assertKey(key)
    const final = this.#path(key)
    if (this.#spoilt.has(key)) throw new StoreError(`put of ${key}: an earlier one failed and left a part of it`)
    let file: DiskFile | undefined
    try {
      await this.#folders.make(dirname(final))
      const failures = this.#folders.failures
      file = await this.#disk.open(final, 'wx')
      await writeAll(file, body)
      await allOf([file.datasync(), this.#folders.sync(dirname(final))])
      if (this.#folders.failures !== failures) throw new Error('an fsync failed meanwhile')
    } catch (error) {
      // Only a name that this put made may be removed: a taken key belongs to a durable object.
      if (file === undefined && hasCode(error, 'EEXIST')) throw new ObjectExists(key)
      if (file !== undefined) await this.#takeBack(key, file)
      if (hasCode(error, 'ENOENT')) this.#folders.forget(dirname(final))
      throw storeError(`put of ${key}`, error)
    }
    this.#later(file.close().catch(() => {}))
  }

  async get(key: string, range?: ByteRange): Promise<Buffer> {
    return this.#read(key, 'get', async (file, size) => {
      const { position, length } = range ?? { position: 0, length: size }
      assertRange(key, { position, length }, size)
      const bytes = Buffer.allocUnsafeSlow(length)
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, position + done)
        if (bytesRead === 0) throw new Error(`the file ends before its ${size} bytes`)
        done += bytesRead
      }
      return bytes
    })
  }

  async size(key: string): Promise<number> {
    return this.#read(key, 'size', async (_, size) => size)
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')))
    try {
      if (folder !== '') assertKey(folder)
    } catch {
      return
    }
    try {
      yield* this.#walk(folder, prefix)
    } catch (error) {
      throw storeError(`list of ${prefix}`, error)
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) assertKey(key)
    try {
      await eachOf(keys, async key => {
        await ifThere(this.#disk.unlink(this.#path(key)))
        this.#objects.forget(this.#path(key))
      })
      // Also where nothing was found: an earlier try may have removed the name and failed here.
      const folders = [...new Set(keys.map(key => dirname(this.#path(key))))]
      await eachOf(folders, folder => ifThere(this.#folders.sync(folder)))
    } catch (error) {
      throw storeError(`delete of ${keys.length} objects`, error)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#background)
    await this.#objects.close()
    await this.#folders.close()
  }

  #path(key: string): string {
    return `${this.#root}/${key}`
  }

  async #read<T>(key: string, verb: string, work: (file: DiskFile, size: number) => Promise<T>): Promise<T> {
    assertKey(key)
    try {
      return await this.#objects.use(this.#path(key), async ({ handle, size, isFile }) => {
        if (!isFile) throw new ObjectNotFound(key)
        return work(handle, size)
      })
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw new ObjectNotFound(key)
      if (error instanceof ObjectNotFound || error instanceof RangeError) throw error
      throw storeError(`${verb} of ${key}`, error)
    }
  }

  async *#walk(folder: string, prefix: string): AsyncGenerator<StoredObject> {
    const path = folder === '' ? this.#root : this.#path(folder)
    const found = (await ifThere(this.#disk.readdir(path))) ?? []
    // A folder sorts as its name with a slash, which is how it appears in keys: `wal-2/1` comes before `wal/1`.
    const entries = found
      .filter(entry => !entry.name.startsWith('.'))
      .map(entry => ({ folder: entry.isDirectory(), key: folder === '' ? entry.name : `${folder}/${entry.name}` }))
      .map(entry => ({ ...entry, order: entry.folder ? `${entry.key}/` : entry.key }))
      .filter(({ folder, order }) => order.startsWith(prefix) || (folder && prefix.startsWith(order)))
      .sort((a, b) => (a.order < b.order ? -1 : 1))

    for (let i = 0; i < entries.length; i += concurrentFileOperations) {
      const some = entries.slice(i, i + concurrentFileOperations)
      const stats = await allOf(
        some.map(entry => (entry.folder ? undefined : ifThere(this.#disk.stat(this.#path(entry.key))))),
      )
      for (const [j, entry] of some.entries()) {
        const stat = stats[j]
        if (entry.folder) yield* this.#walk(entry.key, prefix)
        else if (stat !== undefined) yield { key: entry.key, size: stat.size }
      }
    }
  }

  async #takeBack(key: string, file: DiskFile): Promise<void> {
    await file.close().catch(() => {})
    await ifThere(this.#disk.unlink(this.#path(key))).catch(() => this.#spoilt.add(key))
  }

  #later(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => this.#background.delete(tracked))
    this.#background.add(tracked)
  }
}

const writeAll = async (file: DiskFile, body: readonly Uint8Array[]): Promise<void> => {
  let rest = body.filter(piece => piece.length > 0)
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest)
    if (bytesWritten === 0) throw new Error('the disk took no bytes')
    let whole = 0
    while (whole < rest.length && bytesWritten >= (rest[whole]?.length ?? 0)) bytesWritten -= rest[whole++]?.length ?? 0
    const cut = rest[whole]
    rest = rest.slice(whole)
    if (cut !== undefined) rest[0] = cut.subarray(bytesWritten)
  }
}

/** Waits for all of them, also when one fails, so that nothing is still under way afterwards. */
const allOf = async <T>(work: readonly (T | Promise<T>)[]): Promise<T[]> => {
  const results = await Promise.allSettled(work)
  return results.map(result => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

const eachOf = async <T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> => {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await allOf(Array.from({ length: Math.min(concurrentFileOperations, items.length) }, worker))
}

const ifThere = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined
    throw error
  }
}

const storeError = (what: string, cause: unknown): StoreError => {
  if (cause instanceof StoreError) return cause
  return hasCode(cause, 'ENOSPC', 'EDQUOT')
    ? new StoreFull(`${what}: no space left (${cause})`, { cause })
    : new StoreError(`${what} failed (${cause})`, { cause })
}
