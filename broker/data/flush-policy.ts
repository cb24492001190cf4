/**
 * When to turn what has come in into an object: group commit under a PUT budget.
 *
 * A window is flushed at once when it is full or its oldest request has waited the longest time allowed; otherwise when
 * an upload slot is free and the budget has a token. Idle traffic then pays for one PUT of latency, heavy traffic turns
 * into big cheap objects by itself, and what PUTs may cost has a ceiling.
 */

export interface FlushLimits {
  /** A window of this many bytes is full. */
  readonly windowBytes: number
  /** The longest that a request may wait for company, ms. */
  readonly maxWaitMs: number
  /** Uploads at the same time. */
  readonly uploadSlots: number
  /** PUTs per second; Infinity where a PUT costs nothing. */
  readonly putsPerSecond: number
  /** Bytes that may be on their way at the same time; a batch beyond them is refused. */
  readonly memoryBytes: number
}

/** What was overdrawn is paid for, but the traffic of an hour ago shall not slow down that of now. */
const LONGEST_DEBT_SECONDS = 10

/** A token bucket: `rate` tokens a second, at most one second's worth saved up. */
export class TokenBucket {
  readonly #rate: number
  #tokens: number
  #filledAt: number

  constructor(ratePerSecond: number, now: number) {
    this.#rate = ratePerSecond
    this.#tokens = ratePerSecond
    this.#filledAt = now
  }

  /** Takes a token if there is a whole one. `now` in ms, never going back. */
  take(now: number): boolean {
    if (this.#rate === Number.POSITIVE_INFINITY) return true
    this.#fill(now)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** Takes a token even when there is none: what must go out now is paid for by what comes later. */
  overdraw(now: number): void {
    if (this.#rate === Number.POSITIVE_INFINITY) return
    this.#fill(now)
    this.#tokens = Math.max(this.#tokens - 1, -LONGEST_DEBT_SECONDS * this.#rate)
  }

  /** Milliseconds until a whole token is there. */
  wait(now: number): number {
    if (this.#rate === Number.POSITIVE_INFINITY) return 0
    this.#fill(now)
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / this.#rate) * 1000
  }

  #fill(now: number): void {
    this.#tokens = Math.min(Math.max(this.#rate, 1), this.#tokens + ((now - this.#filledAt) / 1000) * this.#rate)
    this.#filledAt = now
  }
}
