// The file operations that the folder store uses, as an interface: a test can make any of them fail, or the machine
// crash between two of them. Errors are Node's, with its `code`.

import { type FileHandle, mkdir, open, readdir, rmdir, stat, unlink } from 'node:fs/promises'

export interface DiskFile {
  /** Appends; may write less than all, as writev(2). */
  writev(buffers: readonly Uint8Array[]): Promise<{ bytesWritten: number }>
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
  stat(): Promise<{ size: number; isFile(): boolean }>
  /** fdatasync(2): contents and size are durable. */
  datasync(): Promise<void>
  /** fsync(2); of a folder: its names are durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** `r` opens a file or a folder for reading, `wx` makes a new file. */
  open(path: string, flags: 'r' | 'wx'): Promise<DiskFile>
  unlink(path: string): Promise<void>
  /** Makes one folder, whose parent exists. */
  mkdir(path: string): Promise<void>
  /** Removes an empty folder. */
  rmdir(path: string): Promise<void>
  readdir(path: string): Promise<{ name: string; isDirectory(): boolean }[]>
  stat(path: string): Promise<{ size: number }>
}

export const nodeDisk: Disk = {
  open: (path, flags): Promise<FileHandle> => open(path, flags),
  unlink,
  mkdir: async path => {
    await mkdir(path)
  },
  rmdir: path => rmdir(path),
  readdir: path => readdir(path, { withFileTypes: true }),
  stat: path => stat(path),
}

/** Whether an error carries one of these codes (`ENOENT`, ...). */
export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  typeof error.code === 'string' &&
  codes.includes(error.code)
