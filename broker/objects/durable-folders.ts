// Folders whose names survive a crash: a new name is durable only after fsync(2) of the folder it is in, and a new
// folder only after fsync of its parent. Requests for the same folder share one fsync.
//
// A failed fsync is final: the kernel may have dropped what it could not write, so that the next fsync succeeds without
// it. Whoever made a name compares `failures` before making it and after the sync, and gives the name up on a difference.

import { dirname } from 'node:path'
import { type Disk, hasCode } from './disk.ts'
import { OpenFiles } from './open-files.ts'

const openFolders = 64

/** An fsync that has not begun yet serves everyone who asks before it begins. */
interface Syncing {
  running: Promise<void>
  next: Promise<void> | null
}

export class DurableFolders {
  /** Fsyncs of folders that have failed so far. */
  failures = 0
  readonly #disk: Disk
  readonly #root: string
  readonly #handles: OpenFiles
  readonly #made = new Map<string, Promise<void>>()
  readonly #syncing = new Map<string, Syncing>()

  constructor(disk: Disk, root: string) {
    this.#disk = disk
    this.#root = root
    this.#handles = new OpenFiles(disk, openFolders)
  }

  /** Makes the root where it is missing, parents included. */
  async makeRoot(): Promise<void> {
    await this.#makeWithParents(this.#root)
  }

  /** Resolves when the folder, somewhere under the root, exists durably. Done once per folder and process. */
  make(folder: string): Promise<void> {
    let made = this.#made.get(folder)
    if (made === undefined) {
      made = this.#make(folder)
      this.#made.set(folder, made)
      made.catch(() => this.#made.delete(folder))
    }
    return made
  }

  /** To be called when a folder turns out to be gone. */
  forget(folder: string): void {
    this.#made.delete(folder)
    this.#handles.forget(folder)
  }

  /** Resolves when every name that was made in or removed from the folder before the call is durably so. */
  sync(folder: string): Promise<void> {
    const syncing = this.#syncing.get(folder)
    if (syncing === undefined) {
      const begun: Syncing = { running: this.#sync(folder), next: null }
      this.#syncing.set(folder, begun)
      this.#advance(folder, begun)
      return begun.running
    }
    syncing.next ??= syncing.running.then(
      () => this.#sync(folder),
      () => this.#sync(folder),
    )
    return syncing.next
  }

  async close(): Promise<void> {
    await this.#handles.close()
  }

  async #make(folder: string): Promise<void> {
    if (folder === this.#root) return
    const parent = dirname(folder)
    await this.make(parent)
    const failures = this.failures
    const made = await this.#mkdir(folder)
    try {
      // Also when it was there already: the process that made it may have died before its fsync.
      await this.sync(parent)
      if (this.failures !== failures) throw new Error('an fsync failed meanwhile')
    } catch (error) {
      // So that the next try makes a new name.
      if (made) await this.#disk.rmdir(folder).catch(() => {})
      throw error
    }
  }

  async #makeWithParents(folder: string): Promise<void> {
    const parent = dirname(folder)
    let made: boolean
    try {
      made = await this.#mkdir(folder)
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || parent === folder) throw error
      await this.#makeWithParents(parent)
      made = await this.#mkdir(folder)
    }
    if (made) await this.sync(parent)
  }

  async #mkdir(folder: string): Promise<boolean> {
    try {
      await this.#disk.mkdir(folder)
      return true
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false
      throw error
    }
  }

  #sync(folder: string): Promise<void> {
    return this.#handles.use(folder, file =>
      file.handle.sync().catch(error => {
        this.failures++
        throw error
      }),
    )
  }

  #advance(folder: string, syncing: Syncing): void {
    const ended = (): void => {
      if (syncing.next === null) {
        this.#syncing.delete(folder)
        return
      }
      syncing.running = syncing.next
      syncing.next = null
      this.#advance(folder, syncing)
    }
    syncing.running.then(ended, ended)
  }
}
