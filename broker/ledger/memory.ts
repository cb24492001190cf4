/**
 * A ledger in memory, shared by any number of brokers of one process: for tests and simulation.
 *
 * `MemoryLedger` is the shared log; `connect` gives one broker's view of it. All delays and failures come from the
 * `faults` it is given, so that a simulation decides them by seed: how long an append or a delivery takes, whether an
 * append fails before anything was written, whether a session is lost.
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
  connect(clock: Clock, faults: LedgerFaults = noFaults, onSession: (epoch: Epoch) => void = () => {}): Ledger {
    return new MemoryConnection(this, clock, faults, onSession)
  }

  /** Takes a session away from its owner, as an expired lease does. */
  expireSession(epoch: Epoch): void {
    if (this.#sessions.delete(epoch)) this.#add(position => ({ kind: 'session-closed', position, epoch }))
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

class MemoryConnection implements Ledger {
  readonly #log: MemoryLedger
  readonly #clock: Clock
  readonly #faults: LedgerFaults
  readonly #onSession: (epoch: Epoch) => void
  readonly #following = new Set<Following>()

  constructor(log: MemoryLedger, clock: Clock, faults: LedgerFaults, onSession: (epoch: Epoch) => void) {
    this.#log = log
    this.#clock = clock
    this.#faults = faults
    this.#onSession = onSession
  }

  async checkpoint(): Promise<Checkpoint | null> {
    return this.#log.checkpoint()
  }

  async follow(from: Position, follower: LedgerFollower): Promise<Following> {
    const queue: { readonly event: LedgerEvent; readonly due: number }[] = []
    let delivering = false
    let stopped = false
    const deliver = (): void => {
      delivering = false
      while (!stopped && queue[0] !== undefined && queue[0].due <= this.#clock.monotonic()) {
        const next = queue.shift()
        if (next !== undefined) follower.onEvent(next.event)
      }
      schedule()
    }
    const schedule = (): void => {
      const next = queue[0]
      if (delivering || stopped || next === undefined) return
      delivering = true
      this.#clock.setTimeout(deliver, Math.max(0, next.due - this.#clock.monotonic()))
    }
    for (const event of this.#log.eventsAfter(from)) follower.onEvent(event)
    const unlisten = this.#log.listen(event => {
      queue.push({ event, due: this.#clock.monotonic() + this.#faults.deliveryDelay() })
      schedule()
    })
    const following: Following = {
      stop: () => {
        stopped = true
        unlisten()
        this.#following.delete(following)
      },
    }
    this.#following.add(following)
    return following
  }

  async openSession(name: string, info: Buffer): Promise<Epoch> {
    const epoch = this.#log.openSession(name, info)
    this.#onSession(epoch)
    return epoch
  }

  async closeSession(epoch: Epoch): Promise<void> {
    this.#log.expireSession(epoch)
  }

  async append(epoch: Epoch, number: number, payload: Buffer): Promise<'appended' | 'session-gone'> {
    await this.#pause(this.#faults.appendDelay())
    if (this.#faults.refusesAppend()) throw new NotAppended('the ledger refused the entry', { full: true })
    const verdict = this.#log.append(epoch, number, payload)
    await this.#pause(this.#faults.acknowledgeDelay())
    return verdict
  }

  async barrier(): Promise<Position> {
    const { position } = this.#log
    await this.#pause(this.#faults.acknowledgeDelay())
    return position
  }

  async moveCheckpoint(from: Checkpoint | null, to: Checkpoint): Promise<boolean> {
    return this.#log.moveCheckpoint(from, to)
  }

  async publishProgress(epoch: Epoch, progress: Buffer): Promise<void> {
    this.#log.publishProgress(epoch, progress)
  }

  async progress(): Promise<ReadonlyMap<Epoch, Buffer>> {
    return this.#log.progress()
  }

  readonly isCutOff = false

  async close(): Promise<void> {
    for (const following of [...this.#following]) following.stop()
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0) return
    await new Promise<void>(resolve => {
      this.#clock.setTimeout(resolve, ms)
    })
  }
}
