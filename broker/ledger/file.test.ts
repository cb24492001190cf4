import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { FileLedger } from './file.ts'
import { FolderInUse } from './folder-lock.ts'
import { collect, ledgerContract } from './ledger.contract.ts'
import { LedgerFailed, NotAppended } from './ledger.ts'
import { diskFiles, type LogFile, type LogFiles } from './log-file.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-ledger-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const entry = (number: number): Buffer => Buffer.from(`entry ${number}`)

async function logFile(): Promise<string> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.log')).sort()
  return join(folder, names.at(-1) ?? '')
}

async function writeEntries(count: number, files?: LogFiles): Promise<void> {
  const ledger = await FileLedger.open({ folder, ...(files === undefined ? {} : { files }) })
  const epoch = await ledger.openSession('a', Buffer.from('info'))
  for (let number = 1; number <= count; number++) await ledger.append(epoch, number, entry(number))
  await ledger.close()
}

async function entriesAfterReopening(): Promise<string[]> {
  const ledger = await FileLedger.open({ folder })
  const events = await collect(ledger)
  await ledger.close()
  return events.flatMap(event => (event.kind === 'entry' ? [event.payload.toString()] : []))
}

const upTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `entry ${index + 1}`)

describe('the contract', () => {
  ledgerContract(async () => {
    const own = await mkdtemp(join(tmpdir(), 'kafscale-ledger-'))
    let ledger = await FileLedger.open({ folder: own })
    const first = ledger
    return {
      ledger: first,
      reopen: async () => {
        await ledger.close()
        ledger = await FileLedger.open({ folder: own })
        return ledger
      },
      close: async () => {
        await ledger.close()
        await rm(own, { recursive: true, force: true })
      },
    }
  })
})

describe('what a crash leaves', () => {
  test('a tail cut at any byte loses nothing but the record that was cut', async () => {
    await writeEntries(3)
    const path = await logFile()
    const whole = await readFile(path)
    const withoutLast = whole.length - (33 + 12 + entry(3).length)
    for (let length = withoutLast; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length))
      expect(await entriesAfterReopening()).toEqual(upTo(2))
    }
  })

  test('garbage behind the last whole record is cut off', async () => {
    await writeEntries(3)
    const path = await logFile()
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from('KLR1 not a record')]))
    expect(await entriesAfterReopening()).toEqual(upTo(3))
    await writeEntries(1)
    expect((await entriesAfterReopening()).length).toBe(4)
  })

  test('the torn first record of a new file, behind a checkpoint, is cut off like any other', async () => {
    const ledger = await FileLedger.open({ folder })
    const epoch = await ledger.openSession('a', Buffer.alloc(0))
    for (let number = 1; number <= 3; number++) await ledger.append(epoch, number, entry(number))
    await ledger.moveCheckpoint(null, { position: 4, snapshot: 's' })
    await ledger.append(epoch, 4, entry(4))
    await ledger.close()
    const path = await logFile()
    const whole = await readFile(path)
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(path, whole.subarray(0, length))
      const again = await FileLedger.open({ folder })
      expect(await again.barrier()).toBeGreaterThanOrEqual(4)
      await again.close()
      await writeFile(path, whole)
    }
  })

  test('damage before entries that were acknowledged refuses to start', async () => {
    await writeEntries(5)
    const path = await logFile()
    const whole = await readFile(path)
    const at = whole.indexOf('entry 2')
    whole[at] = 0
    await writeFile(path, whole)
    await expect(FileLedger.open({ folder })).rejects.toThrow(
      /damaged at byte \d+, before entries that were acknowledged/,
    )
  })

  test('a missing file in the middle refuses to start', async () => {
    const ledger = await FileLedger.open({ folder })
    const epoch = await ledger.openSession('a', Buffer.alloc(0))
    for (let number = 1; number <= 3; number++) await ledger.append(epoch, number, entry(number))
    await ledger.moveCheckpoint(null, { position: 1, snapshot: 's' })
    await ledger.append(epoch, 4, entry(4))
    await ledger.close()
    const names = (await readdir(folder)).filter(name => name.endsWith('.log')).sort()
    await rm(join(folder, names[0] ?? ''))
    await expect(FileLedger.open({ folder })).rejects.toThrow(LedgerFailed)
  })

  test('the sessions of an earlier life are closed', async () => {
    await writeEntries(1)
    const ledger = await FileLedger.open({ folder })
    const kinds = (await collect(ledger)).map(({ kind }) => kind)
    expect(kinds).toEqual(['session-opened', 'entry', 'session-closed'])
    await ledger.close()
  })
})

/** Files of which the test decides what the next write and sync do. */
function faultyFiles(faults: {
  write?: Error | undefined
  sync?: Error | undefined
  truncate?: Error | undefined
}): LogFiles {
  return {
    ...diskFiles,
    open: async path => {
      const file = await diskFiles.open(path)
      const faulty: LogFile = {
        ...file,
        write: async (bytes, position) => {
          if (faults.write === undefined) return file.write(bytes, position)
          await file.write(bytes.subarray(0, bytes.length >> 1), position)
          throw faults.write
        },
        sync: async () => {
          if (faults.sync !== undefined) throw faults.sync
          await file.sync()
        },
        truncate: async length => {
          if (faults.truncate !== undefined) throw faults.truncate
          await file.truncate(length)
        },
      }
      return faulty
    },
  }
}

const noSpace = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
const ioError = Object.assign(new Error('input/output error'), { code: 'EIO' })

describe('a failing disk', () => {
  test('a full disk refuses the entry, and the next one is taken when there is space again', async () => {
    const faults: Parameters<typeof faultyFiles>[0] = {}
    const ledger = await FileLedger.open({ folder, files: faultyFiles(faults) })
    const epoch = await ledger.openSession('a', Buffer.alloc(0))
    await ledger.append(epoch, 1, entry(1))
    faults.write = noSpace
    const refusal = await ledger.append(epoch, 2, entry(2)).catch((cause: unknown) => cause)
    expect(refusal).toBeInstanceOf(NotAppended)
    expect(refusal).toMatchObject({ full: true })
    faults.write = undefined
    expect(await ledger.append(epoch, 2, Buffer.from('entry 2'))).toBe('appended')
    await ledger.close()
    expect(await entriesAfterReopening()).toEqual(upTo(2))
  })

  test('a checkpoint that could not be written drops no file that the one on disk still needs', async () => {
    let full = false
    const files: LogFiles = {
      ...diskFiles,
      replace: async (path, bytes) => {
        if (full) throw noSpace
        await diskFiles.replace(path, bytes)
      },
    }
    const ledger = await FileLedger.open({ folder, files })
    const epoch = await ledger.openSession('a', Buffer.alloc(0))
    const large = Buffer.alloc(6 * 1024 * 1024, 'x')
    await ledger.append(epoch, 1, large)
    await ledger.moveCheckpoint(null, { position: 2, snapshot: 'on disk' })
    full = true
    for (let number = 2; number <= 9; number++) {
      await ledger.append(epoch, number, large)
      const from = await ledger.checkpoint()
      await expect(ledger.moveCheckpoint(from, { position: number + 1, snapshot: 'lost' })).rejects.toThrow('no space')
      expect(await ledger.checkpoint()).toEqual({ position: 2, snapshot: 'on disk' })
    }
    await ledger.close()
    const again = await FileLedger.open({ folder })
    expect((await collect(again, 2)).filter(({ kind }) => kind === 'entry')).toHaveLength(8)
    await again.close()
  })

  test('after a failed sync nothing is acknowledged any more', async () => {
    const faults: Parameters<typeof faultyFiles>[0] = {}
    const failures: Error[] = []
    const ledger = await FileLedger.open({
      folder,
      files: faultyFiles(faults),
      onFailed: cause => failures.push(cause),
    })
    const epoch = await ledger.openSession('a', Buffer.alloc(0))
    const broken: Error[] = []
    await ledger.follow(0, { onEvent: () => {}, onBroken: cause => broken.push(cause) })
    faults.sync = ioError
    await expect(ledger.append(epoch, 1, entry(1))).rejects.toThrow(LedgerFailed)
    faults.sync = undefined
    await expect(ledger.append(epoch, 1, entry(1))).rejects.toThrow(LedgerFailed)
    await expect(ledger.barrier()).rejects.toThrow(LedgerFailed)
    expect([failures.length, broken.length]).toEqual([1, 1])
    await ledger.close()
  })

  test('a failed write that cannot be taken back ends the ledger', async () => {
    const faults: Parameters<typeof faultyFiles>[0] = {}
    const ledger = await FileLedger.open({ folder, files: faultyFiles(faults) })
    const epoch = await ledger.openSession('a', Buffer.alloc(0))
    faults.write = ioError
    faults.truncate = ioError
    await expect(ledger.append(epoch, 1, entry(1))).rejects.toThrow(LedgerFailed)
    await ledger.close()
    expect(await entriesAfterReopening()).toEqual([])
  })
})

describe('one process per folder', () => {
  const holder = `
    import { FileLedger } from '${join(import.meta.dirname, 'file.ts')}'
    await FileLedger.open({ folder: process.argv[1] })
    console.log('open')
    setInterval(() => {}, 1000)
  `

  test('a second process is refused while the first lives, however the first ends', async () => {
    const { NODE_OPTIONS: _, ...env } = process.env
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', holder, folder], { env })
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', code => reject(new Error(`the holder ended with ${code}`)))
    })
    await expect(FileLedger.open({ folder })).rejects.toThrow(FolderInUse)
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    const ledger = await FileLedger.open({ folder })
    await ledger.close()
  })
})
