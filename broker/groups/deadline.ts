/**
 * A moment by which something should have happened, which moves often and seldom comes: a session that every heartbeat
 * prolongs. Moving it later costs no timer: the one that is set looks again when it fires.
 */
import type { Clock, Timer } from '../clock.ts'

export class Deadline {
  readonly #clock: Clock
  readonly #onPassed: () => void
  #due: number | undefined
  #timer: Timer | undefined
  #timerDue = 0

  constructor(clock: Clock, onPassed: () => void) {
    this.#clock = clock
    this.#onPassed = onPassed
  }

  get isSet(): boolean {
    return this.#due !== undefined
  }

  /** `ms` milliseconds from now, whatever was set before. */
  set(ms: number): void {
    this.#due = this.#clock.monotonic() + ms
    if (this.#timer === undefined || this.#due < this.#timerDue) this.#arm(ms)
  }

  clear(): void {
    this.#due = undefined
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(ms: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timerDue = this.#clock.monotonic() + ms
    this.#timer = this.#clock.setTimeout(() => this.#look(), ms)
  }

  #look(): void {
    this.#timer = undefined
    if (this.#due === undefined) return
    const left = this.#due - this.#clock.monotonic()
    if (left > 0) {
      this.#arm(left)
      return
    }
    this.#due = undefined
    this.#onPassed()
  }
}
