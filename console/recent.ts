/**
 * An answer of the cluster that several pages and browsers share for a short while: browsers look again every few seconds,
 * and a large cluster takes a while to answer. Who asks meanwhile waits for the same answer.
 *
 * Promises: an answer is never older than `LONGEST_MS`; what takes long is asked for seldom, so that the brokers spend at
 * most a tenth of their time on it; a failure is told to those who waited for it and is not kept.
 */
import type { Clock } from '../broker/clock.ts'

export interface Answered<Value> {
  readonly value: Value
  /** When it was asked for, ms of the clock's monotonic time. */
  readonly at: number
}

const SHORTEST_MS = 2000
const LONGEST_MS = 30_000
const SHARE = 10

export class Recent<Value> {
  readonly #clock: Clock
  readonly #ask: () => Promise<Value>
  #answer: Promise<Answered<Value>> | undefined
  /** Until when the answer counts; endless while it is waited for. */
  #until = 0

  constructor(clock: Clock, ask: () => Promise<Value>) {
    this.#clock = clock
    this.#ask = ask
  }

  /** Rejects as the question does. */
  get(): Promise<Answered<Value>> {
    const at = this.#clock.monotonic()
    if (this.#answer !== undefined && at < this.#until) return this.#answer
    const answer = this.#answerAt(at)
    this.#answer = answer
    this.#until = Number.POSITIVE_INFINITY
    return answer
  }

  async #answerAt(at: number): Promise<Answered<Value>> {
    try {
      const value = await this.#ask()
      const took = this.#clock.monotonic() - at
      this.#until = at + Math.min(Math.max(SHORTEST_MS, SHARE * took), LONGEST_MS)
      return { value, at }
    } catch (cause) {
      this.#until = 0
      throw cause
    }
  }
}
