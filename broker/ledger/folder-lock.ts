/**
 * One process per data folder. The lock is an operating-system file lock, taken through SQLite's exclusive mode because
 * Node has no call for it; the kernel releases it when the process ends, however it ends, so there are no stale locks.
 */
import { DatabaseSync } from 'node:sqlite'

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
}

export interface FolderLock {
  release(): void
}

/** Throws FolderInUse when another process holds the lock at `path`. */
export function lockFolder(path: string): FolderLock {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new FolderInUse(`another process holds ${path}`, { cause })
  }
  return { release: () => database.close() }
}
