// Keeps the most recently used files open. Opening and closing costs three times as much as reading 16 KiB, and an
// object never changes, so its size is learnt once. A handle is closed when it is neither kept nor in use.

import type { Disk, DiskFile } from './disk.ts'

export interface OpenFile {
  readonly handle: DiskFile
  readonly size: number
  readonly isFile: boolean
}

interface Entry {
  readonly opening: Promise<OpenFile>
  users: number
  kept: boolean
}

export class OpenFiles {
  readonly #disk: Disk
  readonly #limit: number
  /** In order of last use. */
  readonly #entries = new Map<string, Entry>()
  readonly #closing = new Set<Promise<void>>()

  /** Keeps `limit` files open beyond those in use. */
  constructor(disk: Disk, limit: number) {
    this.#disk = disk
    this.#limit = limit
  }

  /** Runs `work` with the open file; rejects as open(2) or `work` does. */
  async use<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(path) ?? { opening: this.#open(path), users: 0, kept: true }
    this.#entries.delete(path)
    this.#entries.set(path, entry)
    entry.users++
    if (this.#entries.size > this.#limit) this.forget(this.#entries.keys().next().value ?? '')
    try {
      return await work(await entry.opening)
    } catch (error) {
      // A handle that failed once is not trusted again.
      if (this.#entries.get(path) === entry) this.forget(path)
      throw error
    } finally {
      entry.users--
      this.#release(entry)
    }
  }

  /** The next use of the path opens it anew. */
  forget(path: string): void {
    const entry = this.#entries.get(path)
    if (entry === undefined) return
    this.#entries.delete(path)
    entry.kept = false
    this.#release(entry)
  }

  async close(): Promise<void> {
    for (const path of [...this.#entries.keys()]) this.forget(path)
    await Promise.all(this.#closing)
  }

  async #open(path: string): Promise<OpenFile> {
    const handle = await this.#disk.open(path, 'r')
    try {
      const stat = await handle.stat()
      return { handle, size: stat.size, isFile: stat.isFile() }
    } catch (error) {
      await handle.close().catch(() => {})
      throw error
    }
  }

  #release(entry: Entry): void {
    if (entry.kept || entry.users > 0) return
    // Nothing depends on how closing a file that was only read ends.
    const closing: Promise<void> = entry.opening
      .then(file => file.handle.close())
      .catch(() => {})
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}
