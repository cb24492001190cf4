/**
 * When to turn what has come in into an object: group commit under a PUT budget.
 *
 * A window is flushed at once when it is full or its oldest request has waited the longest time allowed; otherwise when
 * an upload slot is free, the budget has a token and the pace allows it. Idle traffic then pays for one PUT of latency,
 * heavy traffic turns into big cheap objects by itself, and what PUTs may cost has a ceiling.
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

/** From a window of this many bytes and several requests on, traffic counts as bulk. */
const BULK_BYTES = 256 * 1024
/** A window of this many bytes costs little more per byte than a larger one. */
const ENOUGH_BYTES = 1024 * 1024
/** Bulk traffic starts no more than one smaller window in this time, ms. */
const PACE_MS = 4

/**
 * Keeps bulk traffic from being cut into small objects where a PUT is fast and free: each costs a file, its syncs and a
 * ledger entry. Who sends large requests one after the other without waiting for the answers does not wait for this one
 * either. Who waits for each answer, or sends little, is never held back.
 */
export class Pace {
  #isBulk = false
  #startedAt = Number.NEGATIVE_INFINITY

  /** A window has been closed that several requests, or just one, had filled. `now` in ms, never going back. */
  closed(bytes: number, isShared: boolean, now: number): void {
    this.#isBulk = isShared && bytes >= BULK_BYTES
    this.#startedAt = now
  }

  /** Milliseconds until the open window, which holds so many bytes, may go. */
  wait(bytes: number, now: number): number {
    if (!this.#isBulk || bytes >= ENOUGH_BYTES) return 0
    return Math.max(0, this.#startedAt + PACE_MS - now)
  }
}

/** So long a sender has time for its next requests after an answer, ms. */
const RETURN_MS = 25
/** A window of this many bytes is worth its PUT: some dollars per terabyte. */
const WORTH_BYTES = 4 * 1024 * 1024
/** Of what is there, the part that is worth no wait. */
const NEGLIGIBLE = 1 / 8

/**
 * Keeps bulk traffic together where a PUT has a price. A sender with several large requests in flight sends the next ones
 * when these are answered. Were they spread over windows that take turns at the budget's tokens, each request would wait
 * for the turn of another window before its own, for half of the throughput and more PUTs. So a bulk window waits while
 * another one is on its way, and then for what those who were answered send next, for a moment at most.
 */
export class Company {
  readonly #isWanted: boolean
  #isBulk = false
  #onTheirWay = 0
  /** Bytes that were answered and have had no successor yet. */
  #missing = 0
  #answeredAt = Number.NEGATIVE_INFINITY

  constructor(putsPerSecond: number) {
    this.#isWanted = putsPerSecond !== Number.POSITIVE_INFINITY
  }

  came(bytes: number): void {
    this.#missing = Math.max(0, this.#missing - bytes)
  }

  /** A window has been closed. */
  closed(bytes: number): void {
    this.#isBulk = bytes >= BULK_BYTES
  }

  started(): void {
    this.#onTheirWay++
  }

  /** A window's senders have been answered. `now` in ms, never going back. */
  answered(bytes: number, now: number): void {
    this.#onTheirWay--
    if (now - this.#answeredAt > RETURN_MS) this.#missing = 0
    this.#missing += bytes
    this.#answeredAt = now
  }

  /** Milliseconds until the open window, which holds so many bytes, may go; Infinity: not before the next answer. */
  wait(bytes: number, now: number): number {
    if (!this.#isWanted || !this.#isBulk || bytes >= WORTH_BYTES) return 0
    if (this.#onTheirWay > 0) return Number.POSITIVE_INFINITY
    if (this.#missing <= bytes * NEGLIGIBLE) return 0
    return Math.max(0, this.#answeredAt + RETURN_MS - now)
  }
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
