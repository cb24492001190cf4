// A file system of its own, small enough to be filled: a tmpfs, which only root may mount.

import { mkdir, mkdtemp, open, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../tools/parts/command.ts'
import { PartUnavailable } from '../../tools/parts/parts.ts'

const BLOCK = Buffer.alloc(64 * 1024)

export class SmallDisk {
  readonly path: string
  readonly #filler: string

  /** Throws PartUnavailable where nothing can be mounted. */
  static async mount(bytes: number): Promise<SmallDisk> {
    if (process.getuid?.() !== 0) throw new PartUnavailable('mounting a small file system needs root')
    const path = await mkdtemp(join(tmpdir(), 'kafscale-disk-'))
    const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path])
    if (code === 0) return new SmallDisk(path)
    await rmdir(path)
    throw new PartUnavailable(`mount -t tmpfs: ${stderr.trim()}`)
  }

  private constructor(path: string) {
    this.path = path
    this.#filler = join(path, 'filler')
  }

  async folder(name: string): Promise<string> {
    const folder = join(this.path, name)
    await mkdir(folder, { recursive: true })
    return folder
  }

  /** Writes until nothing more fits, not a single byte. */
  async fill(): Promise<void> {
    const file = await open(this.#filler, 'a')
    try {
      for (let size = BLOCK.length; size > 0; ) {
        const written = await file.write(BLOCK, 0, size).then(
          ({ bytesWritten }) => bytesWritten,
          () => 0,
        )
        if (written < size) size >>= 1
      }
    } finally {
      await file.close()
    }
  }

  async free(): Promise<void> {
    await rm(this.#filler, { force: true })
  }

  /** Everything on it is gone. */
  async unmount(): Promise<void> {
    const { code, stderr } = await run('umount', [this.path])
    if (code !== 0) throw new Error(`umount: ${stderr}`)
    await rmdir(this.path)
  }
}
