/**
 * The wait of a group that was empty for more members, so that a fleet that starts together is assigned to once (KIP-134).
 * As long as somebody new came during a wait there is another, up to the rebalance timeout in all.
 */
import type { Clock } from '../clock.ts'
import { Deadline } from './deadline.ts'

export class JoinDelay {
  readonly #delayMs: number
  readonly #deadline: Deadline
  readonly #onOver: () => void
  #leftMs: number
  #somebodyJoined = false

  /** Begins to wait. */
  constructor(clock: Clock, delayMs: number, rebalanceTimeoutMs: number, onOver: () => void) {
    this.#delayMs = delayMs
    this.#onOver = onOver
    this.#leftMs = rebalanceTimeoutMs
    this.#deadline = new Deadline(clock, () => this.#passed())
    this.#wait(delayMs)
  }

  memberJoined(): void {
    this.#somebodyJoined = true
  }

  cancel(): void {
    this.#deadline.clear()
  }

  #wait(ms: number): void {
    this.#somebodyJoined = false
    this.#leftMs = Math.max(this.#leftMs - ms, 0)
    this.#deadline.set(ms)
  }

  #passed(): void {
    if (this.#somebodyJoined && this.#leftMs > 0) this.#wait(Math.min(this.#delayMs, this.#leftMs))
    else this.#onOver()
  }
}
