/**
 * A ledger in memory, shared by any number of brokers of one process: for tests and simulation.
 *
 * `MemoryLedger` is the shared log; `connect` gives one broker's view of it. All delays and failures come from the
 * `faults` it is given, so that a simulation decides them by seed: how long an append or a delivery takes, whether an
 * append fails before anything was written, whether a session is lost.
 *
 * A connection that is `cut` behaves as one to etcd does: nothing is answered and nothing delivered until it is healed,
 * after a while it counts as cut off, and when a checkpoint has passed its followers meanwhile, events are gone.
 */
import type { Clock } from '../clock.ts'
import {
  type Checkpoint,
  type Epoch,
  EventsGone,
  type Following,
  type Ledger,
  type LedgerEvent,
  type LedgerFollower,
  NameTaken,
  NotAppended,
  type Position,
} from './ledger.ts'

export interface LedgerFaults {
  /** Milliseconds before an append reaches the log. */
  appendDelay(): number
  /** Milliseconds between an append reaching the log and its acknowledgement. */
  acknowledgeDelay(): number
  /** Milliseconds before an event reaches a follower; order is kept whatever this says. */
  deliveryDelay(): number
  /** True: this append fails and nothing is written. */
  refusesAppend(): boolean
}

export const noFaults: LedgerFaults = {
  appendDelay: () => 0,
  acknowledgeDelay: () => 0,
  deliveryDelay: () => 0,
  refusesAppend: () => false,
}

/** A connection counts as cut off so long after the last sign of life; below the time that its sessions live on. ms */
const CUT_OFF_MS = 5000
/** A follower that lags so much behind is begun anew, as a watch of etcd is after a silence. ms */
const SILENCE_MS = 8000

interface Session {
  readonly name: string
  readonly numbers: Set<number>
  progress: Buffer | undefined
}

export class MemoryLedger {
  readonly #events: LedgerEvent[] = []
  readonly #sessions = new Map<Epoch, Session>()
  readonly #listeners = new Set<(event: LedgerEvent) => void>()
  #checkpoint: Checkpoint | null = null
  #position: Position = 0

  get position(): Position {
    return this.#position
  }

  /** `onSession` hears of the sessions that are opened by this connection. */
  connect(
    clock: Clock,
    faults: LedgerFaults = noFaults,
    onSession: (epoch: Epoch) => void = () => {},
  ): MemoryConnection {
    return new MemoryConnection(this, clock, faults, onSession)
  }

  /** Takes a session away from its owner, as an expired lease does. */
  expireSession(epoch: Epoch): void {
    if (this.#sessions.delete(epoch)) this.#add(position => ({ kind: 'session-closed', position, epoch }))
  }

  hasSession(epoch: Epoch): boolean {
    return this.#sessions.has(epoch)
  }

  openSession(name: string, info: Buffer): Epoch {
    for (const session of this.#sessions.values()) if (session.name === name) throw new NameTaken(name)
    const event = this.#add(position => ({ kind: 'session-opened', position, epoch: position, info }))
    this.#sessions.set(event.position, { name, numbers: new Set(), progress: undefined })
    return event.position
  }

  append(epoch: Epoch, number: number, payload: Buffer): 'appended' | 'session-gone' {
    const session = this.#sessions.get(epoch)
    if (session === undefined) return 'session-gone'
    if (session.numbers.has(number)) return 'appended'
    session.numbers.add(number)
    this.#add(position => ({ kind: 'entry', position, epoch, number, payload }))
    return 'appended'
  }

  checkpoint(): Checkpoint | null {
    return this.#checkpoint
  }

  moveCheckpoint(from: Checkpoint | null, to: Checkpoint): boolean {
    if (from?.position !== this.#checkpoint?.position) return false
    this.#checkpoint = to
    while ((this.#events[0]?.position ?? Number.POSITIVE_INFINITY) <= to.position) this.#events.shift()
    return true
  }

  publishProgress(epoch: Epoch, progress: Buffer): void {
    const session = this.#sessions.get(epoch)
    if (session !== undefined) session.progress = progress
  }

  progress(): ReadonlyMap<Epoch, Buffer> {
    const published = new Map<Epoch, Buffer>()
    for (const [epoch, { progress }] of this.#sessions) if (progress !== undefined) published.set(epoch, progress)
    return published
  }

  eventsAfter(from: Position): readonly LedgerEvent[] {
    if (from < (this.#checkpoint?.position ?? 0)) throw new EventsGone(`events after ${from} are no longer kept`)
    return this.#events.filter(event => event.position > from)
  }

  listen(listener: (event: LedgerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #add(make: (position: Position) => LedgerEvent): LedgerEvent {
    const event = make(++this.#position)
    this.#events.push(event)
    for (const listener of this.#listeners) listener(event)
    return event
  }
}

interface QueuedEvent {
  readonly event: LedgerEvent
  /** Of the connection's clock, ms. */
  readonly due: number
}

export class MemoryConnection implements Ledger {
  readonly #log: MemoryLedger
  readonly #clock: Clock
  readonly #faults: LedgerFaults
  readonly #onSession: (epoch: Epoch) => void
  readonly #following = new Set<MemoryFollowing>()
  /** Opened here, and not known to have ended. */
  readonly #sessions = new Set<Epoch>()
  #cutSince: number | undefined
  readonly #held: (() => void)[] = []

  constructor(log: MemoryLedger, clock: Clock, faults: LedgerFaults, onSession: (epoch: Epoch) => void) {
    this.#log = log
    this.#clock = clock
    this.#faults = faults
    this.#onSession = onSession
  }

  /** From now on nothing is answered and nothing delivered. Sessions go on: whoever cuts for long expires them. */
  cut(): void {
    this.#cutSince ??= this.#clock.monotonic()
  }

  heal(): void {
    if (this.#cutSince === undefined) return
    this.#cutSince = undefined
    // By the clock of the process: one that was killed meanwhile does not go on.
    for (const resolve of this.#held.splice(0)) this.#clock.setTimeout(resolve, 0)
    for (const following of this.#following) following.resume()
  }

  get isCut(): boolean {
    return this.#cutSince !== undefined
  }

  get isCutOff(): boolean {
    if (this.#sessions.size === 0) return false
    if (this.#cutSince !== undefined && this.#clock.monotonic() - this.#cutSince > CUT_OFF_MS) return true
    for (const epoch of this.#sessions) if (!this.#log.hasSession(epoch)) return true
    return false
  }

  async checkpoint(): Promise<Checkpoint | null> {
    await this.#answered()
    return this.#log.checkpoint()
  }

  async follow(from: Position, follower: LedgerFollower): Promise<Following> {
    await this.#answered()
    const following = new MemoryFollowing({
      log: this.#log,
      clock: this.#clock,
      delay: () => this.#faults.deliveryDelay(),
      isCut: () => this.isCut,
      follower: {
        onEvent: event => {
          if (event.kind === 'session-closed') this.#sessions.delete(event.epoch)
          follower.onEvent(event)
        },
        onBroken: cause => follower.onBroken(cause),
      },
      onStop: () => this.#following.delete(following),
    })
    following.start(from)
    this.#following.add(following)
    return following
  }

  async openSession(name: string, info: Buffer): Promise<Epoch> {
    await this.#answered()
    const epoch = this.#log.openSession(name, info)
    this.#sessions.add(epoch)
    this.#onSession(epoch)
    return epoch
  }

  async closeSession(epoch: Epoch): Promise<void> {
    await this.#answered()
    this.#sessions.delete(epoch)
    this.#log.expireSession(epoch)
  }

  async append(epoch: Epoch, number: number, payload: Buffer): Promise<'appended' | 'session-gone'> {
    await this.#pause(this.#faults.appendDelay())
    await this.#answered()
    if (this.#faults.refusesAppend()) throw new NotAppended('the ledger refused the entry', { full: true })
    const verdict = this.#log.append(epoch, number, payload)
    if (verdict === 'session-gone') this.#sessions.delete(epoch)
    await this.#pause(this.#faults.acknowledgeDelay())
    await this.#answered()
    return verdict
  }

  async barrier(): Promise<Position> {
    await this.#answered()
    const { position } = this.#log
    await this.#pause(this.#faults.acknowledgeDelay())
    return position
  }

  async moveCheckpoint(from: Checkpoint | null, to: Checkpoint): Promise<boolean> {
    await this.#answered()
    return this.#log.moveCheckpoint(from, to)
  }

  async publishProgress(epoch: Epoch, progress: Buffer): Promise<void> {
    await this.#answered()
    this.#log.publishProgress(epoch, progress)
  }

  async progress(): Promise<ReadonlyMap<Epoch, Buffer>> {
    await this.#answered()
    return this.#log.progress()
  }

  async close(): Promise<void> {
    for (const following of [...this.#following]) following.stop()
  }

  /** Resolves when the connection is not cut. */
  async #answered(): Promise<void> {
    while (this.#cutSince !== undefined) await new Promise<void>(resolve => this.#held.push(resolve))
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0) return
    await new Promise<void>(resolve => {
      this.#clock.setTimeout(resolve, ms)
    })
  }
}

interface MemoryFollowingParts {
  readonly log: MemoryLedger
  readonly clock: Clock
  readonly delay: () => number
  readonly isCut: () => boolean
  readonly follower: LedgerFollower
  readonly onStop: () => void
}

class MemoryFollowing implements Following {
  readonly #parts: MemoryFollowingParts
  readonly #queue: QueuedEvent[] = []
  #isDelivering = false
  #stopped = false
  #unlisten: () => void = () => {}

  constructor(parts: MemoryFollowingParts) {
    this.#parts = parts
  }

  start(from: Position): void {
    const { log, clock, delay, follower } = this.#parts
    for (const event of log.eventsAfter(from)) follower.onEvent(event)
    this.#unlisten = log.listen(event => {
      this.#queue.push({ event, due: clock.monotonic() + delay() })
      this.#schedule()
    })
  }

  /** After a cut: what was held back comes, unless it is no longer kept. */
  resume(): void {
    if (this.#mayBeGone()) this.#break()
    else this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#unlisten()
    this.#parts.onStop()
  }

  #schedule(): void {
    const { clock, isCut } = this.#parts
    const [next] = this.#queue
    if (this.#isDelivering || this.#stopped || next === undefined || isCut()) return
    this.#isDelivering = true
    clock.setTimeout(() => this.#deliver(), Math.max(0, next.due - clock.monotonic()))
  }

  #deliver(): void {
    const { follower, isCut } = this.#parts
    this.#isDelivering = false
    if (!isCut() && this.#lag() > SILENCE_MS && this.#mayBeGone()) this.#break()
    while (!this.#stopped && !isCut() && this.#lag() >= 0) {
      const next = this.#queue.shift()
      if (next !== undefined) follower.onEvent(next.event)
    }
    this.#schedule()
  }

  /** Milliseconds by which the next event is late; below 0 when it is not due. */
  #lag(): number {
    const [next] = this.#queue
    return next === undefined ? -1 : this.#parts.clock.monotonic() - next.due
  }

  #mayBeGone(): boolean {
    const position = this.#queue[0]?.event.position ?? Number.POSITIVE_INFINITY
    return position <= (this.#parts.log.checkpoint()?.position ?? 0)
  }

  #break(): void {
    if (this.#stopped) return
    this.stop()
    this.#parts.follower.onBroken(new EventsGone('a checkpoint has passed what was not delivered'))
  }
}
