// A clock that moves only when told to, for tests and for the simulation of several brokers in one process.
// Timers fire in the order (due time, order of setting). Between two timers everything that promises made ready runs to
// its end, so a run depends on nothing but the code and its seed, as long as the code under test does no real I/O.

import type { Clock, Timer } from '../broker/clock.ts'

class VirtualTimer implements Timer {
  readonly due: number
  readonly callback: () => void
  pending = true

  constructor(due: number, callback: () => void) {
    this.due = due
    this.callback = callback
  }

  [Symbol.dispose](): void {
    this.pending = false
  }
}

export class VirtualClock implements Clock {
  readonly #epoch: number
  #elapsed = 0
  /** Sorted by due time, latest first, so that the next one is popped off the end; equal ones by order of setting. */
  readonly #timers: VirtualTimer[] = []

  /** `epoch`: the wall time at which the clock starts, in milliseconds since 1970. */
  constructor(epoch = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch
  }

  now(): number {
    return this.#epoch + Math.floor(this.#elapsed)
  }

  monotonic(): number {
    return this.#elapsed
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const timer = new VirtualTimer(this.#elapsed + (ms >= 1 ? ms : 1), callback)
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#timers[middle]?.due ?? 0) > timer.due) low = middle + 1
      else high = middle
    }
    this.#timers.splice(low, 0, timer)
    return timer
  }

  clearTimeout(timer: Timer): void {
    timer[Symbol.dispose]()
  }

  /** Timers that are set and have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.reduce((count, timer) => count + (timer.pending ? 1 : 0), 0)
  }

  /** Lets `ms` milliseconds pass and fires what falls due in them, timers set on the way included. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await settle()
    for (let next = this.#next(); next !== undefined && next.due <= end; next = this.#next()) await this.#fire(next)
    this.#elapsed = end
  }

  /** Jumps to the next timer and fires it; false when none is set. */
  async runNext(): Promise<boolean> {
    await settle()
    const next = this.#next()
    if (next === undefined) return false
    await this.#fire(next)
    return true
  }

  /** Runs timers until the promise settles, and returns its value. Throws when no timer is left that could settle it. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const watched = promise.finally(() => {
      settled = true
    })
    watched.catch(() => {})
    await settle()
    while (!settled) {
      if (!(await this.runNext()) && !settled)
        throw new Error('nothing is left to run, and the promise is still pending')
    }
    return watched
  }

  #next(): VirtualTimer | undefined {
    while (this.#timers.at(-1)?.pending === false) this.#timers.pop()
    return this.#timers.at(-1)
  }

  async #fire(timer: VirtualTimer): Promise<void> {
    this.#timers.pop()
    timer.pending = false
    this.#elapsed = timer.due
    timer.callback()
    await settle()
  }
}

/** Node empties the microtask queue, however long it grows, before it turns to the next immediate. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
