// For how long the brokers of each cluster have not answered. What is known of topics that were well stays so for a while: a
// broker that restarts, or is late once, is not worth a write for every topic.

import type { Clock } from '../../broker/clock.ts'

const PATIENCE_MS = 60_000

export class Absences {
  readonly #clock: Clock
  readonly #patienceMs: number
  /** Monotonic time of the first question without an answer, by cluster. */
  readonly #since = new Map<string, number>()

  /** `patienceMs`: for how long an absence is not told. */
  constructor(clock: Clock, patienceMs = PATIENCE_MS) {
    this.#clock = clock
    this.#patienceMs = patienceMs
  }

  /** They did not answer. Whether that is to be told by now. */
  note(key: string): boolean {
    const now = this.#clock.monotonic()
    const since = this.#since.get(key) ?? now
    this.#since.set(key, since)
    return now - since >= this.#patienceMs
  }

  /** They answered, or nobody asks any more. */
  end(key: string): void {
    this.#since.delete(key)
  }
}
