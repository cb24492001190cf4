// When to try again, and how often in all. Full jitter: a pause is anything between nothing and the exponential bound, so
// that many brokers which failed together do not return together. The budget keeps retries to a share of the requests, so
// that a store in trouble gets hardly more requests than a healthy one.

import type { Clock } from '../../clock.ts'

export interface Backoff {
  /** Bound of the first pause, milliseconds; it doubles with each further one. */
  readonly baseMs: number
  readonly capMs: number
}

/** Milliseconds before try `failures` + 1. `random`: 0 to below 1. */
export const pauseMs = ({ baseMs, capMs }: Backoff, failures: number, random: number): number =>
  random * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 30))

/** How much of the budget is kept for a burst, counted in requests over and above the ordinary ones. */
const burst = 20

/**
 * Requests earn a share of an extra one each, and time earns some too, so that a store with little traffic also recovers.
 * Starts full.
 */
export class ExtraRequests {
  readonly #clock: Clock
  readonly #share: number
  readonly #perSecond: number
  #tokens = burst
  #countedAt: number

  constructor(clock: Clock, share: number, perSecond: number) {
    this.#clock = clock
    this.#share = share
    this.#perSecond = perSecond
    this.#countedAt = clock.monotonic()
  }

  /** An ordinary request is sent. */
  earn(): void {
    this.#tokens = Math.min(burst, this.#tokens + this.#share)
  }

  /** Whether an extra request may be sent now; it is then counted. */
  take(): boolean {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#countedAt) / 1000) * this.#perSecond)
    this.#countedAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
