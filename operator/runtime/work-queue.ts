// Keys that have work to do. A key is in it at most once, and is never worked on twice at the same time.
//
//   idle       the queue does not know the key  -> waiting, by addAfter or retry; ready, by add
//   waiting    its time has not come            -> ready, by its time or by add; an earlier time wins
//   ready      in line: edits before resyncs    -> busy, by take
//   busy       a worker has it                  -> idle, by done; ready, by done if it was added meanwhile
//
// Failures in a row lengthen the wait of `retry` until `forget`.

import type { Clock, Timer } from '../../broker/clock.ts'
import { type Backoff, backoffDelay, type Random } from './backoff.ts'

/** Somebody changed something, or it is just time to look again. */
export type Priority = 'edit' | 'resync'

export interface QueueWatcher {
  added(): void
  retried(): void
  /** After how many seconds in line a worker took it. */
  taken(seconds: number): void
  /** After how many seconds of work it was given back. */
  finished(seconds: number): void
}

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly random: Random
  readonly backoff?: Backoff
  readonly watcher?: QueueWatcher
}

export const QUEUE_BACKOFF: Backoff = { baseMs: 5, capMs: 300_000 }

interface Waiting {
  readonly due: number
  readonly priority: Priority
  readonly timer: Timer
}

export class WorkQueue {
  readonly #clock: Clock
  readonly #random: Random
  readonly #backoff: Backoff
  readonly #watcher: QueueWatcher | undefined
  readonly #waiting = new Map<string, Waiting>()
  /** When each key became ready, in line by priority. */
  readonly #ready: Readonly<Record<Priority, Map<string, number>>> = { edit: new Map(), resync: new Map() }
  /** When each key was taken. */
  readonly #busy = new Map<string, number>()
  /** Added while busy. */
  readonly #again = new Map<string, Priority>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((key: string | undefined) => void)[] = []
  #isShutDown = false

  constructor({ clock, random, backoff, watcher }: WorkQueueOptions) {
    this.#clock = clock
    this.#random = random
    this.#backoff = backoff ?? QUEUE_BACKOFF
    this.#watcher = watcher
  }

  /** Keys in line. */
  get depth(): number {
    return this.#ready.edit.size + this.#ready.resync.size
  }

  /** Keys that wait for their time. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Seconds that each key in work has been there. */
  get busySeconds(): readonly number[] {
    const now = this.#clock.monotonic()
    return [...this.#busy.values()].map(since => (now - since) / 1000)
  }

  add(key: string, priority: Priority = 'edit'): void {
    if (this.#isShutDown) return
    this.#cancel(key)
    if (this.#busy.has(key)) {
      if (this.#again.get(key) !== 'edit') this.#again.set(key, priority)
      return
    }
    const { edit, resync } = this.#ready
    const since = edit.get(key) ?? resync.get(key)
    if (edit.has(key) || (priority === 'resync' && since !== undefined)) return
    resync.delete(key)
    this.#ready[priority].set(key, since ?? this.#clock.monotonic())
    if (since === undefined) this.#watcher?.added()
    this.#serve()
  }

  /** Adds the key after `ms`, unless it is to come earlier anyhow. */
  addAfter(key: string, ms: number, priority: Priority = 'resync'): void {
    if (this.#isShutDown) return
    const due = this.#clock.monotonic() + ms
    const waiting = this.#waiting.get(key)
    if ((waiting !== undefined && waiting.due <= due) || this.#isInLine(key)) return
    this.#cancel(key)
    const timer = this.#clock.setTimeout(() => {
      this.#waiting.delete(key)
      this.add(key, priority)
    }, ms)
    this.#waiting.set(key, { due, priority, timer })
  }

  /** Adds the key after a wait that grows with every failure. At least `atLeastMs`. Returns the wait. */
  retry(key: string, atLeastMs = 0): number {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    this.#watcher?.retried()
    const wait = Math.max(atLeastMs, backoffDelay(failures, this.#backoff, this.#random))
    this.addAfter(key, wait, 'edit')
    return wait
  }

  /** The key is well again: the next failure is the first. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key; undefined once the queue is shut down. Give it back by `done`. */
  take(): Promise<string | undefined> {
    return new Promise(resolve => {
      this.#takers.push(resolve)
      this.#serve()
    })
  }

  done(key: string): void {
    const since = this.#busy.get(key)
    if (since === undefined) return
    this.#busy.delete(key)
    this.#watcher?.finished((this.#clock.monotonic() - since) / 1000)
    const again = this.#again.get(key)
    this.#again.delete(key)
    if (again !== undefined) this.add(key, again)
  }

  /** Drops what is in line and waits; workers get undefined. */
  shutDown(): void {
    this.#isShutDown = true
    for (const key of [...this.#waiting.keys()]) this.#cancel(key)
    this.#ready.edit.clear()
    this.#ready.resync.clear()
    this.#serve()
  }

  #isInLine(key: string): boolean {
    return this.#ready.edit.has(key) || this.#ready.resync.has(key) || this.#again.has(key)
  }

  #cancel(key: string): void {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    this.#clock.clearTimeout(waiting.timer)
    this.#waiting.delete(key)
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      if (this.#isShutDown) {
        this.#takers.shift()?.(undefined)
        continue
      }
      const line = this.#ready.edit.size > 0 ? this.#ready.edit : this.#ready.resync
      const [first] = line
      if (first === undefined) return
      const [key, since] = first
      line.delete(key)
      const now = this.#clock.monotonic()
      this.#busy.set(key, now)
      this.#watcher?.taken((now - since) / 1000)
      this.#takers.shift()?.(key)
    }
  }
}
