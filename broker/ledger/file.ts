/**
 * The ledger of a single machine: files in a folder, one process at a time.
 *
 * Layout: `lock`; `checkpoint` (JSON, replaced as a whole); `<first position, 16 digits>.log` (file-record.ts). Appends that
 * wait together share one write and one sync (group commit). An event is delivered, and its append acknowledged, after
 * the sync only.
 *
 * States: open -> failed (a sync failed: the kernel may have dropped the pages, so nothing can be said of what is on
 * disk; every later call rejects with LedgerFailed and the broker must restart) or closed. A write that fails, for
 * example on a full disk, is taken back and leaves the ledger open: its appends reject with NotAppended.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { encodeRecord, type FileRecord, scanRecords } from './file-record.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import {
  type Checkpoint,
  type Epoch,
  EventsGone,
  type Following,
  type Ledger,
  type LedgerEvent,
  LedgerFailed,
  type LedgerFollower,
  NameTaken,
  NotAppended,
  type Position,
} from './ledger.ts'
import { diskFiles, type LogFile, type LogFiles } from './log-file.ts'

const ROLL_BYTES = 16 * 1024 * 1024
const CHECKPOINT = 'checkpoint'

const checkpointFile = z.object({
  version: z.literal(1),
  position: z.int().nonnegative(),
  snapshot: z.string(),
  sessions: z.array(z.int().positive()),
})

interface Waiting {
  readonly make: (position: Position) => LedgerEvent
  readonly done: (event: LedgerEvent) => void
  readonly failed: (cause: Error) => void
}

interface LogSegment {
  readonly name: string
  /** The first position that it holds or will hold. */
  readonly first: Position
}

export interface FileLedgerOptions {
  readonly folder: string
  readonly files?: LogFiles
  /** Called once when the ledger can no longer be trusted. */
  readonly onFailed?: (cause: LedgerFailed) => void
}

export class FileLedger implements Ledger {
  readonly #folder: string
  readonly #files: LogFiles
  readonly #onFailed: (cause: LedgerFailed) => void
  readonly #lock: FolderLock
  readonly #followers = new Set<LedgerFollower>()
  readonly #sessions = new Map<Epoch, { lastNumber: number }>()
  /** Names of the sessions that this process opened, those included that are being opened. */
  readonly #names = new Map<string, Epoch | undefined>()
  readonly #progress = new Map<Epoch, Buffer>()
  /** Sessions whose end is being written: an entry that came after it must not be written behind it. */
  readonly #closing = new Set<Epoch>()
  #segments: LogSegment[] = []
  #file: LogFile | undefined
  #length = 0
  #position: Position = 0
  #checkpoint: Checkpoint | null = null
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #rollWanted = false
  #failure: LedgerFailed | undefined

  /** Locks the folder, reads what is there, cuts off a torn tail, and ends the sessions of earlier lives. */
  static async open(options: FileLedgerOptions): Promise<FileLedger> {
    const files = options.files ?? diskFiles
    await files.ensureFolder(options.folder)
    const ledger = new FileLedger(options, files, lockFolder(join(options.folder, 'lock')))
    try {
      await ledger.#recover()
    } catch (cause) {
      await ledger.close()
      throw cause
    }
    return ledger
  }

  private constructor(options: FileLedgerOptions, files: LogFiles, lock: FolderLock) {
    this.#folder = options.folder
    this.#files = files
    this.#lock = lock
    this.#onFailed = options.onFailed ?? (() => {})
  }

  async checkpoint(): Promise<Checkpoint | null> {
    return this.#checkpoint
  }

  async follow(from: Position, follower: LedgerFollower): Promise<Following> {
    let seen = from
    while (seen < this.#position) {
      for (const event of await this.#eventsAfter(seen, this.#position)) {
        follower.onEvent(event)
        seen = event.position
      }
    }
    this.#followers.add(follower)
    return { stop: () => void this.#followers.delete(follower) }
  }

  async openSession(name: string, info: Buffer): Promise<Epoch> {
    if (this.#names.has(name)) throw new NameTaken(name)
    this.#names.set(name, undefined)
    try {
      const event = await this.#write(position => ({ kind: 'session-opened', position, epoch: position, info }))
      this.#names.set(name, event.epoch)
      return event.epoch
    } catch (cause) {
      this.#names.delete(name)
      throw cause
    }
  }

  async closeSession(epoch: Epoch): Promise<void> {
    if (!this.#sessions.has(epoch)) return
    this.#closing.add(epoch)
    try {
      await this.#write(position => ({ kind: 'session-closed', position, epoch }))
    } finally {
      this.#closing.delete(epoch)
    }
  }

  async append(epoch: Epoch, number: number, payload: Buffer): Promise<'appended' | 'session-gone'> {
    const session = this.#sessions.get(epoch)
    if (session === undefined || this.#closing.has(epoch)) return 'session-gone'
    if (number <= session.lastNumber) return 'appended'
    await this.#write(position => ({ kind: 'entry', position, epoch, number, payload }))
    return 'appended'
  }

  async barrier(): Promise<Position> {
    this.#refuseIfFailed()
    return this.#position
  }

  async moveCheckpoint(from: Checkpoint | null, to: Checkpoint): Promise<boolean> {
    this.#refuseIfFailed()
    if (from?.position !== this.#checkpoint?.position) return false
    const content = checkpointFile.parse({ version: 1, ...to, sessions: [...this.#sessions.keys()] })
    await this.#files.replace(join(this.#folder, CHECKPOINT), Buffer.from(`${JSON.stringify(content)}\n`))
    // Only now: files may be dropped by the checkpoint that is on disk, and by no other.
    this.#checkpoint = to
    this.#rollWanted = true
    await this.#dropSegments()
    return true
  }

  async publishProgress(epoch: Epoch, progress: Buffer): Promise<void> {
    if (this.#sessions.has(epoch)) this.#progress.set(epoch, progress)
  }

  async progress(): Promise<ReadonlyMap<Epoch, Buffer>> {
    return this.#progress
  }

  /** The ledger is in this process. */
  readonly isCutOff = false

  async close(): Promise<void> {
    await this.#writing
    this.#failure ??= new LedgerFailed('the ledger is closed')
    this.#followers.clear()
    await this.#file?.close()
    this.#file = undefined
    this.#lock.release()
  }

  async #recover(): Promise<void> {
    const names = await this.#files.list(this.#folder)
    if (names.includes(CHECKPOINT)) await this.#readCheckpoint()
    this.#position = this.#checkpoint?.position ?? 0
    this.#segments = names
      .filter(name => /^\d{16}\.log$/.test(name))
      .map(name => ({ name, first: Number.parseInt(name, 10) }))
    for (const [index, segment] of this.#segments.entries()) {
      await this.#recoverSegment(segment, this.#segments[index + 1])
    }
    for (const epoch of [...this.#sessions.keys()]) await this.closeSession(epoch)
  }

  async #readCheckpoint(): Promise<void> {
    const path = join(this.#folder, CHECKPOINT)
    try {
      const content = checkpointFile.parse(JSON.parse((await this.#files.read(path)).toString('utf8')))
      this.#checkpoint = { position: content.position, snapshot: content.snapshot }
      for (const epoch of content.sessions) this.#sessions.set(epoch, { lastNumber: Number.POSITIVE_INFINITY })
    } catch (cause) {
      throw new LedgerFailed(`${path} cannot be read as a checkpoint`, { cause })
    }
  }

  async #recoverSegment(segment: LogSegment, next: LogSegment | undefined): Promise<void> {
    const path = join(this.#folder, segment.name)
    const bytes = await this.#files.read(path)
    const scan = scanRecords(
      bytes,
      segment.first,
      next === undefined ? (this.#checkpoint?.position ?? 0) : next.first - 1,
    )
    if (scan.damage === 'corrupt') {
      throw new LedgerFailed(`${path} is damaged at byte ${scan.good}, before entries that were acknowledged`)
    }
    this.#position = this.#checkContinuous(path, segment.first, scan.records)
    for (const { event } of scan.records) this.#noteSession(event)
    if (next !== undefined) return
    this.#file = await this.#files.open(path)
    this.#length = scan.good
    if (scan.damage === 'torn-tail') {
      await this.#file.truncate(scan.good)
      await this.#file.sync()
    }
  }

  #checkContinuous(path: string, first: Position, records: readonly FileRecord[]): Position {
    let expected = first
    if (first > this.#position + 1)
      throw new LedgerFailed(`${path} begins at ${first}, but ${this.#position + 1} is missing`)
    for (const { event } of records) {
      if (event.position !== expected) {
        throw new LedgerFailed(`${path} has position ${event.position} where ${expected} belongs`)
      }
      expected++
    }
    return Math.max(this.#position, expected - 1)
  }

  #noteSession(event: LedgerEvent): void {
    if (event.kind === 'session-opened') this.#sessions.set(event.epoch, { lastNumber: 0 })
    else if (event.kind === 'session-closed') this.#forgetSession(event.epoch)
    else {
      const session = this.#sessions.get(event.epoch)
      if (session !== undefined) session.lastNumber = Math.max(session.lastNumber, event.number)
    }
  }

  #forgetSession(epoch: Epoch): void {
    this.#sessions.delete(epoch)
    this.#progress.delete(epoch)
    for (const [name, owner] of this.#names) if (owner === epoch) this.#names.delete(name)
  }

  #write(make: (position: Position) => LedgerEvent): Promise<LedgerEvent> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#waiting.push({ make, done: resolve, failed: reject })
      this.#writing ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      await this.#writeBatch(batch).catch((cause: Error) => {
        for (const waiting of batch) waiting.failed(cause)
      })
    }
    this.#writing = undefined
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const file = await this.#currentFile()
    const events = batch.map((waiting, index) => waiting.make(this.#position + 1 + index))
    const bytes = Buffer.concat(events.map(event => encodeRecord(event, this.#position)))
    await this.#put(file, bytes)
    this.#length += bytes.length
    for (const [index, event] of events.entries()) {
      this.#position = event.position
      this.#noteSession(event)
      for (const follower of this.#followers) follower.onEvent(event)
      batch[index]?.done(event)
    }
  }

  async #put(file: LogFile, bytes: Buffer): Promise<void> {
    try {
      await file.write(bytes, this.#length)
    } catch (cause) {
      await this.#takeBack(file, cause)
      throw notAppended('the ledger could not be written', cause)
    }
    try {
      await file.sync()
    } catch (cause) {
      throw this.#fail(new LedgerFailed('a sync of the ledger failed, so what is on disk is not known', { cause }))
    }
  }

  /** Removes what a failed write may have left, so that the next record follows the last whole one. */
  async #takeBack(file: LogFile, cause: unknown): Promise<void> {
    try {
      await file.truncate(this.#length)
    } catch {
      throw this.#fail(new LedgerFailed('a failed write of the ledger could not be taken back', { cause }))
    }
  }

  async #currentFile(): Promise<LogFile> {
    if (this.#file !== undefined && this.#length > 0 && (this.#rollWanted || this.#length >= ROLL_BYTES)) {
      await this.#file.close()
      this.#file = undefined
    }
    this.#rollWanted = false
    if (this.#file !== undefined) return this.#file
    const first = this.#position + 1
    const name = `${String(first).padStart(16, '0')}.log`
    try {
      this.#file = await this.#files.open(join(this.#folder, name))
    } catch (cause) {
      throw notAppended('a new ledger file could not be created', cause)
    }
    this.#length = 0
    this.#segments.push({ name, first })
    await this.#dropSegments()
    return this.#file
  }

  /** Removes the files whose events all lie before the checkpoint; the newest one stays. */
  async #dropSegments(): Promise<void> {
    const kept = this.#checkpoint?.position ?? 0
    while (this.#segments.length > 1 && (this.#segments[1]?.first ?? Number.POSITIVE_INFINITY) <= kept + 1) {
      const oldest = this.#segments.shift()
      if (oldest !== undefined) await this.#files.remove(join(this.#folder, oldest.name))
    }
  }

  async #eventsAfter(from: Position, to: Position): Promise<LedgerEvent[]> {
    const oldest = this.#segments[0]?.first ?? this.#position + 1
    if (from + 1 < oldest) throw new EventsGone(`events after ${from} are no longer kept`)
    const events: LedgerEvent[] = []
    for (const [index, segment] of this.#segments.entries()) {
      if ((this.#segments[index + 1]?.first ?? Number.POSITIVE_INFINITY) <= from + 1) continue
      const { records } = scanRecords(await this.#files.read(join(this.#folder, segment.name)), segment.first)
      for (const { event } of records) if (event.position > from && event.position <= to) events.push(event)
    }
    return events
  }

  #refuseIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #fail(failure: LedgerFailed): LedgerFailed {
    if (this.#failure === undefined) {
      this.#failure = failure
      this.#onFailed(failure)
      for (const follower of this.#followers) follower.onBroken(failure)
      this.#followers.clear()
    }
    return this.#failure
  }
}

function notAppended(what: string, cause: unknown): NotAppended {
  const full = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
  return new NotAppended(full ? 'no space left for the ledger' : what, { full, cause })
}
