/** The few file operations that the file ledger needs, as a seam: tests make each of them fail or stop. */
import { close, fdatasync, ftruncate, open, write } from 'node:fs'
import { mkdir, open as openHandle, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

export interface LogFile {
  /** Writes all of `bytes` at `position`. */
  write(bytes: Buffer, position: number): Promise<void>
  /** Resolves when everything written is on the disk. */
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

export interface LogFiles {
  ensureFolder(path: string): Promise<void>
  /** File names in the folder, sorted. */
  list(folder: string): Promise<string[]>
  read(path: string): Promise<Buffer>
  /** Opens for writing, creating the file (and making its name durable) when it is not there. */
  open(path: string): Promise<LogFile>
  remove(path: string): Promise<void>
  /** Replaces a whole file: afterwards it holds the old bytes or the new ones, whatever happens. */
  replace(path: string, bytes: Buffer): Promise<void>
}

const openFile = promisify(open)
const closeFile = promisify(close)
const writeFile = promisify(write)
const syncFile = promisify(fdatasync)
const truncateFile = promisify(ftruncate)

export const diskFiles: LogFiles = {
  ensureFolder: async path => {
    await mkdir(path, { recursive: true })
  },
  list: async folder => (await readdir(folder)).sort(),
  read: path => readFile(path),
  open: async path => {
    // Not 'a': Linux appends whatever position is given, and a failed write must be overwritten in place.
    const descriptor = await openFile(path, 'r+').catch(cause => {
      // Any other error must not end in a call that would empty the file.
      if (!isMissing(cause)) throw cause
      return openFile(path, 'wx+')
    })
    await syncFolder(dirname(path))
    return diskFile(descriptor)
  },
  remove: path => unlink(path),
  replace: async (path, bytes) => {
    const temporary = `${path}.new`
    const file = diskFile(await openFile(temporary, 'w'))
    try {
      await file.write(bytes, 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  },
}

function diskFile(descriptor: number): LogFile {
  return {
    write: async (bytes, position) => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await writeFile(descriptor, bytes, done, bytes.length - done, position + done)
        done += bytesWritten
      }
    },
    sync: () => syncFile(descriptor),
    truncate: length => truncateFile(descriptor, length),
    close: () => closeFile(descriptor),
  }
}

function isMissing(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT'
}

async function syncFolder(path: string): Promise<void> {
  const handle = await openHandle(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
