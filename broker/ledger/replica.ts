/**
 * One broker's copy of the cluster state, kept up with the ledger, and its only way to change it.
 *
 * `submit` puts a command into this broker's next entry and resolves with what became of it once the entry has come back
 * through the ledger and was applied. One append is in flight at a time; whatever is submitted meanwhile shares the next
 * entry, in order of submission.
 *
 * States: running -> lost. Lost means: the session is gone, or the ledger failed, or events are missing. Every command
 * in progress and every later one is refused with a retriable error, `onLost` is called once, and the owner starts anew.
 * A command refused that way may still have been applied (its acknowledgement was on the way): producers find out by
 * their sequence numbers.
 */
import { type Clock, sleep } from '../clock.ts'
import { Audits } from '../state/audits.ts'
import { ClusterState } from '../state/cluster-state.ts'
import type { Progress } from '../state/commands.gen.ts'
import { type Command, type EncodedCommand, encodeCommand, encodeEntry, FIRST_LEVEL } from '../state/commands.ts'
import type { Applied, Outcome } from '../state/outcome.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import { claimBrokerId } from './broker-id.ts'
import {
  type Checkpoint,
  type Epoch,
  type Following,
  type Ledger,
  type LedgerEvent,
  NotAppended,
  type Position,
} from './ledger.ts'

/** etcd refuses requests above 1.5 MiB; one third of that leaves room for whatever else the transaction carries. */
const ENTRY_BYTES = 512 * 1024

/** Longer than the session of a broker that was killed lives on: its next life takes the id over then. */
const SESSION_PATIENCE_MS = 30_000

/** The ledger follows anew after seconds of silence; an entry that it took and does not tell of was lost on the way. ms */
const RETURN_PATIENCE_MS = 60_000

interface InFlight {
  readonly submissions: readonly Submission[]
  /** Monotonic ms of its append. */
  readonly began: number
}

interface Submission {
  readonly command: EncodedCommand
  readonly isStale: () => boolean
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (cause: Error) => void
}

export interface ReplicaOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  /** The id to live under; undefined for the lowest that is free. */
  readonly brokerId: number | undefined
  /** What the session says of the broker: an encoded BrokerInfo. */
  readonly describe: (brokerId: number) => Buffer
  /** The highest feature level that this software can apply; above it the replica is lost. */
  readonly knownLevel?: number
  /** Called with the state before anything is written: throws when this broker must not join. */
  readonly admit?: (state: ClusterState) => Promise<void>
  /** The state as of the ledger's checkpoint, read from its snapshot object. */
  readonly loadSnapshot: (key: string) => Promise<ClusterState>
  readonly onLost: (cause: Error) => void
  /** Milliseconds from the start of an append to its acknowledgement, and the bytes of its entry. */
  readonly onAppend?: (ms: number, bytes: number) => void
  readonly onAppendFailed?: () => void
}

export class Replica {
  readonly #options: ReplicaOptions
  readonly #listeners = new Set<(applied: Applied) => void>()
  readonly #inFlight = new Map<number, InFlight>()
  readonly #positionWaiters: { readonly position: Position; readonly resolve: () => void }[] = []
  #state = new ClusterState()
  #epoch: Epoch = 0
  #brokerId = -1
  #joined = false
  readonly #audits = new Audits()
  #entries = 0
  #queue: Submission[] = []
  #pumping = false
  #following: Following | undefined
  #lost: Error | undefined
  #barrierRunning: Promise<void> | undefined
  #barrierNext: Promise<void> | undefined

  private constructor(options: ReplicaOptions) {
    this.#options = options
  }

  /**
   * Loads the checkpoint, catches up with the ledger and opens a session. Rejects with BrokerIdTaken, with what `admit`
   * threw, or with why the ledger cannot be followed.
   */
  static async start(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options)
    try {
      await replica.#catchUp()
      await options.admit?.(replica.#state)
      await replica.#join()
    } catch (cause) {
      replica.#lost ??= cause instanceof Error ? cause : new Error(String(cause))
      replica.#following?.stop()
      if (replica.#epoch > 0) await options.ledger.closeSession(replica.#epoch).catch(() => {})
      throw cause
    }
    return replica
  }

  get state(): ClusterState {
    return this.#state
  }

  /** Epoch of this broker's session: part of the key of every object that it writes. */
  get epoch(): Epoch {
    return this.#epoch
  }

  get brokerId(): number {
    return this.#brokerId
  }

  /** True once the state was given up: nothing may follow from it any more. */
  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** True while others may have taken this broker's place without its knowledge: what it knows may be old. */
  get isCutOff(): boolean {
    return this.#lost !== undefined || this.#options.ledger.isCutOff
  }

  /**
   * Rejects with a retriable KafkaError when the command could not be written, or was stale when its turn came: a caller
   * whose commands build on each other says so when an earlier one was refused.
   */
  submit(command: Command, isStale: () => boolean = () => false): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(unavailable(this.#lost))
        return
      }
      this.#queue.push({ command: encodeCommand(command), isStale, resolve, reject })
      if (!this.#pumping) void this.#pump()
    })
  }

  /** Called after every event that was applied and after the outcomes of its commands were handed out. */
  onApplied(listener: (applied: Applied) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves once the event at `position` is applied. */
  applied(position: Position): Promise<void> {
    if (this.#state.position >= position || this.#lost !== undefined) return Promise.resolve()
    return new Promise(resolve => this.#positionWaiters.push({ position, resolve }))
  }

  /**
   * A linearizable read: resolves when everything acknowledged by any broker before the call is applied here. Callers
   * share one read of the ledger, but never one that began before their call.
   */
  barrier(): Promise<void> {
    if (this.#barrierRunning === undefined) return this.#startBarrier()
    this.#barrierNext ??= this.#barrierRunning.then(
      () => this.#startBarrier(),
      () => this.#startBarrier(),
    )
    return this.#barrierNext
  }

  /** How far this broker is, for the others. */
  get progress(): Progress {
    return { position: this.#state.position, audits: this.#audits.recent }
  }

  /** Gives up this copy of the state, which is wrong. */
  distrust(cause: Error): void {
    this.#lose(cause)
  }

  /**
   * Of a replica that is lost: ends its session if that is still open. The ledger would keep it alive, so that others took
   * it for a broker and its id stayed taken.
   */
  async leave(): Promise<void> {
    await this.#options.ledger.closeSession(this.#epoch).catch(() => {})
  }

  /** Ends the session. Commands still waiting are refused. */
  async stop(): Promise<void> {
    const { ledger } = this.#options
    const stopped = this.#lost === undefined
    this.#lost ??= new Error('the broker is stopping')
    this.#following?.stop()
    this.#refuseAll(this.#lost)
    if (stopped) await ledger.closeSession(this.#epoch)
    else await this.leave()
  }

  async #catchUp(): Promise<void> {
    const { ledger } = this.#options
    this.#state = await this.#latestSnapshot()
    this.#following = await ledger.follow(this.#state.position, {
      onEvent: event => this.#onEvent(event),
      onBroken: cause => this.#lose(cause),
    })
    if (this.#lost !== undefined) throw this.#lost
  }

  async #latestSnapshot(): Promise<ClusterState> {
    const { ledger, loadSnapshot, knownLevel } = this.#options
    for (let checkpoint = await ledger.checkpoint(); ; ) {
      if (checkpoint === null) return new ClusterState(knownLevel)
      try {
        return await loadSnapshot(checkpoint.snapshot)
      } catch (cause) {
        // Another broker may have written a newer one and deleted this one meanwhile.
        const newer: Checkpoint | null = await ledger.checkpoint()
        if (newer === null || newer.position === checkpoint.position) throw cause
        checkpoint = newer
      }
    }
  }

  async #join(): Promise<void> {
    const { ledger, clock, brokerId, describe } = this.#options
    const claimed = await claimBrokerId({ ledger, clock, brokerId, describe, patienceMs: SESSION_PATIENCE_MS })
    this.#epoch = claimed.epoch
    this.#brokerId = claimed.brokerId
    await this.applied(this.#epoch)
    if (this.#lost !== undefined) throw this.#lost
    // Its end may have come together with its beginning, before this replica knew which session is its own.
    if (!this.#state.sessions.has(this.#epoch)) throw new Error(`session ${this.#epoch} ended as soon as it began`)
    this.#joined = true
  }

  async #startBarrier(): Promise<void> {
    this.#barrierNext = undefined
    const running = this.#options.ledger.barrier().then(position => this.applied(position))
    this.#barrierRunning = running
    try {
      await running
    } catch (cause) {
      throw unavailable(cause)
    } finally {
      if (this.#barrierRunning === running) this.#barrierRunning = undefined
    }
    if (this.#lost !== undefined) throw unavailable(this.#lost)
  }

  async #pump(): Promise<void> {
    this.#pumping = true
    while (this.#queue.length > 0 && this.#lost === undefined) await this.#appendNext()
    this.#pumping = false
  }

  async #appendNext(): Promise<void> {
    const { ledger, clock, onAppend } = this.#options
    const [oldest] = this.#inFlight.values()
    if (oldest !== undefined && clock.monotonic() - oldest.began > RETURN_PATIENCE_MS) {
      this.#lose(new Error('the ledger took an entry and does not tell of it'))
      return
    }
    const submissions = this.#takeEntry()
    if (submissions.length === 0) return
    const number = ++this.#entries
    const payload = encodeEntry(
      clock.now(),
      submissions.map(({ command }) => command),
      Math.max(FIRST_LEVEL, this.#state.featureLevel),
    )
    const began = clock.monotonic()
    this.#inFlight.set(number, { submissions, began })
    try {
      const verdict = await ledger.append(this.#epoch, number, payload)
      onAppend?.(clock.monotonic() - began, payload.length)
      if (verdict === 'session-gone') this.#lose(new Error(`session ${this.#epoch} has ended`))
    } catch (cause) {
      this.#options.onAppendFailed?.()
      this.#inFlight.delete(number)
      for (const { reject } of submissions) reject(unavailable(cause))
      if (!(cause instanceof NotAppended)) {
        this.#lose(cause instanceof Error ? cause : new Error(String(cause)))
        return
      }
      this.#entries--
      // Those who submitted it hear of that before the next entry is made: what they submitted after it may be stale now.
      await sleep(clock, 0)
    }
  }

  #takeEntry(): Submission[] {
    const stale = this.#queue.filter(({ isStale }) => isStale())
    if (stale.length > 0) this.#queue = this.#queue.filter(submission => !stale.includes(submission))
    for (const { reject } of stale) reject(unavailable('what it builds on was refused'))
    let bytes = 0
    let count = 0
    for (const { command } of this.#queue) {
      bytes += command.body.length
      if (count > 0 && bytes > ENTRY_BYTES) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  #onEvent(event: LedgerEvent): void {
    if (this.#lost !== undefined) return
    let applied: Applied
    try {
      this.#audits.beforeEvent(this.#state, event.position)
      applied = this.#state.apply(event)
    } catch (cause) {
      this.#lose(cause instanceof Error ? cause : new Error(String(cause)))
      return
    }
    // Own outcomes first: the writer puts its bytes into the cache before anybody is told that they can be read.
    if (event.kind === 'entry' && event.epoch === this.#epoch) this.#settle(event.number, applied.outcomes)
    for (const listener of this.#listeners) listener(applied)
    this.#wakePositionWaiters()
    if (event.kind === 'session-closed' && event.epoch === this.#epoch) this.#lose(new Error('the session was ended'))
  }

  #settle(number: number, outcomes: readonly Outcome[]): void {
    const submissions = this.#inFlight.get(number)?.submissions ?? []
    this.#inFlight.delete(number)
    for (const [index, { resolve }] of submissions.entries()) {
      const outcome = outcomes[index]
      if (outcome !== undefined) resolve(outcome)
    }
  }

  #wakePositionWaiters(): void {
    for (let index = this.#positionWaiters.length - 1; index >= 0; index--) {
      const waiter = this.#positionWaiters[index]
      if (waiter === undefined || waiter.position > this.#state.position) continue
      this.#positionWaiters.splice(index, 1)
      waiter.resolve()
    }
  }

  #lose(cause: Error): void {
    if (this.#lost !== undefined) return
    this.#lost = cause
    this.#following?.stop()
    this.#refuseAll(cause)
    if (this.#joined) this.#options.onLost(cause)
  }

  #refuseAll(cause: Error): void {
    const refused = [...this.#inFlight.values()].flatMap(({ submissions }) => submissions).concat(this.#queue)
    this.#inFlight.clear()
    this.#queue = []
    for (const { reject } of refused) reject(unavailable(cause))
    for (const { resolve } of this.#positionWaiters.splice(0)) resolve()
  }
}

/** What a client may retry elsewhere or later. */
function unavailable(cause: unknown): KafkaError {
  return new KafkaError(errorCode.KAFKA_STORAGE_ERROR, 'the metadata ledger did not take the change', { cause })
}
