/**
 * The write path: batches -> windows -> WAL objects -> Append commands -> offsets.
 *
 * A window goes through these states, each left only when its work is durable:
 *   open       takes batches until the flush policy says so
 *   sealed     waits for an upload slot
 *   uploading  its object is being put into the store
 *   appending  its Append command is on the way through the ledger; windows append in the order in which they opened
 *   settled    its batches have offsets (or verdicts), its bytes are in the cache, its callers are answered
 * A window whose upload or append fails rejects all its callers with a retriable error, and nobody is told of offsets that
 * are not in the ledger. Its fate is shared only by windows that already hold later batches of its idempotent producers:
 * stored before the missing ones come again, they would put the producer's records out of order.
 */
import type { Clock, Timer } from '../clock.ts'
import type { Replica } from '../ledger/replica.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { AppendObject } from '../state/commands.gen.ts'
import type { Command } from '../state/commands.ts'
import type { Outcome, SpanOutcome } from '../state/outcome.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import type { BlockCache } from './block-cache.ts'
import { Company, type FlushLimits, Pace, TokenBucket } from './flush-policy.ts'
import type { Gaps } from './gaps.ts'
import { objectKey } from './object-key.ts'
import { ownBlock } from './stamp.ts'
import { buildWalObject, type WalObject } from './wal-object.ts'
import { type IncomingBatch, Window } from './window.ts'

/** A window that names very many small batches is sealed: the ledger takes entries of half a megabyte. */
const COMMAND_BYTES = 384 * 1024

export interface IngestOptions {
  readonly clock: Clock
  readonly replica: Replica
  readonly store: ObjectStore
  readonly cache: BlockCache
  /** First part of every object key. */
  readonly prefix: string
  readonly limits: FlushLimits
  readonly gaps: Gaps
  /** Gives numbers for the objects of this session, each once. */
  readonly nextObjectNumber: () => number
}

export class Ingest {
  readonly #options: IngestOptions
  readonly #budget: TokenBucket
  readonly #pace = new Pace()
  readonly #company: Company
  readonly #sealed: Window[] = []
  /** Uploading or appending. */
  readonly #started = new Set<Window>()
  #open: Window | undefined
  #uploads = 0
  /** Of all windows that are not settled. */
  #bytes = 0
  /** Resolves when every window sealed so far has submitted its Append or failed. */
  #submitted: Promise<void> = Promise.resolve()
  readonly #working = new Set<Promise<void>>()
  #timer: Timer | undefined
  #isKickDue = false

  constructor(options: IngestOptions) {
    this.#options = options
    this.#company = new Company(options.limits.putsPerSecond)
    this.#budget = new TokenBucket(options.limits.putsPerSecond, options.clock.monotonic())
  }

  /**
   * Takes one batch; calls for the same partition keep their order. Resolves with the verdict of the ledger, after object
   * and entry are durable. Rejects with a retriable KafkaError when either could not be made so.
   */
  append(log: PartitionLog, batch: IncomingBatch): Promise<SpanOutcome> {
    // Connections hold producers back long before, but not for requests that were answered with a time-out.
    if (this.#bytes + batch.bytes.length > this.#options.limits.memoryBytes)
      return this.#refuse(log, batch, overloaded())
    if (this.#options.gaps.isBefore(log, batch)) return this.#refuse(log, batch, outOfOrder())
    this.#options.gaps.close(log, batch)
    this.#bytes += batch.bytes.length
    this.#company.came(batch.bytes.length)
    const now = this.#options.clock.monotonic()
    this.#open ??= new Window(now)
    const settled = this.#open.add(log, batch)
    if (this.#open.bytes >= this.#options.limits.windowBytes || this.#open.commandBytes >= COMMAND_BYTES) {
      this.#budget.overdraw(now)
      this.#seal(now)
    }
    this.#kickSoon()
    return settled
  }

  #refuse(log: PartitionLog, batch: IncomingBatch, cause: KafkaError): Promise<never> {
    this.#options.gaps.open(log, batch)
    return Promise.reject(cause)
  }

  /** Flushes what is there and resolves when everything taken so far is settled. */
  async drain(): Promise<void> {
    while (this.#open !== undefined || this.#working.size > 0) {
      this.#seal(this.#options.clock.monotonic())
      this.#kick()
      await Promise.all(this.#working)
    }
  }

  #seal(now: number): void {
    if (this.#open === undefined) return
    this.#pace.closed(this.#open.bytes, this.#open.turns > 1, now)
    this.#company.closed(this.#open.bytes)
    this.#sealed.push(this.#open)
    this.#open = undefined
  }

  /** When the batches that come together are all here: those of one request shall not be torn apart. */
  #kickSoon(): void {
    if (this.#isKickDue) return
    this.#isKickDue = true
    queueMicrotask(() => {
      this.#isKickDue = false
      if (this.#open !== undefined) this.#open.turns++
      this.#kick()
    })
  }

  #kick(): void {
    const { limits, clock } = this.#options
    const now = clock.monotonic()
    while (this.#uploads < limits.uploadSlots) {
      if (this.#sealed.length === 0 && !this.#mayFlush(now)) break
      const window = this.#sealed.shift()
      if (window === undefined) break
      this.#start(window)
    }
    this.#setTimer(now)
  }

  /** Seals the open window when the policy lets it go. */
  #mayFlush(now: number): boolean {
    if (this.#open === undefined) return false
    const isDue = now - this.#open.openedAt >= this.#options.limits.maxWaitMs
    if (!isDue && this.#hold(this.#open.bytes, now) > 0) return false
    if (!this.#budget.take(now)) {
      if (!isDue) return false
      this.#budget.overdraw(now)
    }
    this.#seal(now)
    return true
  }

  /** Milliseconds for which the open window is held back although there may be a token. */
  #hold(bytes: number, now: number): number {
    return Math.max(this.#pace.wait(bytes, now), this.#company.wait(bytes, now))
  }

  /** Wakes up when the open window may go although nothing else happens. */
  #setTimer(now: number): void {
    const { clock, limits } = this.#options
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#open === undefined || this.#uploads >= limits.uploadSlots) return
    const patience = this.#open.openedAt + limits.maxWaitMs - now
    const turn = Math.max(this.#budget.wait(now), this.#hold(this.#open.bytes, now))
    this.#timer = clock.setTimeout(() => this.#kick(), Math.max(0, Math.min(patience, turn)))
  }

  #start(window: Window): void {
    this.#uploads++
    this.#started.add(window)
    this.#company.started()
    const before = this.#submitted
    const uploaded = this.#upload(window).finally(() => {
      this.#uploads--
      this.#kick()
    })
    const work = this.#finish(window, uploaded, before)
    this.#working.add(work)
    void work.finally(() => {
      this.#working.delete(work)
      this.#started.delete(window)
      this.#bytes -= window.bytes
      this.#company.answered(window.bytes, this.#options.clock.monotonic())
      this.#kick()
    })
  }

  async #upload(window: Window): Promise<NumberedObject> {
    const { replica, store, prefix, nextObjectNumber } = this.#options
    if (window.isBroken) throw outOfOrder()
    const { epoch } = replica
    const number = nextObjectNumber()
    const object = buildWalObject(epoch, number, window.contents)
    await store.put(objectKey(prefix, { kind: 'wal', epoch, number }), object.buffers)
    return { ...object, number }
  }

  /** Waits for the upload and for the windows before this one, then appends and settles. Never rejects. */
  async #finish(window: Window, uploaded: Promise<NumberedObject>, before: Promise<void>): Promise<void> {
    const submitted = Promise.withResolvers<void>()
    this.#submitted = submitted.promise
    try {
      const object = await uploaded
      await before
      if (window.isBroken) throw outOfOrder()
      const append: Command = { type: 'append', body: { objects: [appendOf(object)] } }
      const outcome = this.#options.replica.submit(append, () => window.isBroken)
      submitted.resolve()
      this.#settle(window, object, await outcome)
    } catch (cause) {
      this.#fail(window, storageError(cause))
    }
    await before
    submitted.resolve()
  }

  #fail(window: Window, cause: KafkaError): void {
    const { gaps } = this.#options
    this.#started.delete(window)
    window.fail(cause, gaps)
    for (const later of [...this.#started, ...this.#sealed]) later.isBroken ||= later.follows(gaps)
    if (this.#open?.follows(gaps) !== true) return
    // Nothing may join it any more.
    this.#open.isBroken = true
    this.#seal(this.#options.clock.monotonic())
  }

  /**
   * The bytes go into the cache first: whoever hears of the new offsets can read them from memory. Later events may have
   * replaced the extents by now, so the object is known by the handle that it was given then.
   */
  #settle(window: Window, object: NumberedObject, outcome: Outcome): void {
    const [handle] = outcome.objects
    if (handle !== undefined) {
      for (const { extent, slices } of window.extents(object.runs, outcome)) {
        this.#options.cache.put({ object: handle, position: extent.position }, ownBlock(slices, extent.baseOffset))
      }
    }
    window.settle(outcome)
  }
}

interface NumberedObject extends WalObject {
  readonly number: number
}

function appendOf({ number, size, runs }: NumberedObject): AppendObject {
  return { number, size, runs }
}

function overloaded(): KafkaError {
  return new KafkaError(
    errorCode.KAFKA_STORAGE_ERROR,
    'more records are on their way to the object store than it takes',
  )
}

function outOfOrder(): KafkaError {
  return new KafkaError(
    errorCode.KAFKA_STORAGE_ERROR,
    'an earlier batch of the producer could not be stored and has to come before this one',
  )
}

function storageError(cause: unknown): KafkaError {
  if (cause instanceof KafkaError) return cause
  return new KafkaError(errorCode.KAFKA_STORAGE_ERROR, 'the object store did not take the records', { cause })
}
