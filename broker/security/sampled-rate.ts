/**
 * A rate over the last ten seconds, in samples of one, as Apache Kafka measures it for quotas (`quota.window.num`,
 * `quota.window.size.seconds`). What is newer than ten seconds counts as if it had been spread over them, so that a quota lets
 * through a burst of ten seconds' worth at first.
 */

const SAMPLE_MS = 1000
const SAMPLES = 11
const LEAST_WINDOW_MS = (SAMPLES - 1) * SAMPLE_MS

interface Sample {
  /** Monotonic ms. */
  readonly began: number
  amount: number
}

export class SampledRate {
  #samples: Sample[] = []

  record(now: number, amount: number): void {
    const last = this.#samples.at(-1)
    if (last === undefined || now - last.began >= SAMPLE_MS) {
      this.#samples = this.#samples.filter(({ began }) => now - began < SAMPLES * SAMPLE_MS)
      this.#samples.push({ began: now, amount })
    } else last.amount += amount
  }

  /**
   * How long, in ms, nothing may come so that the rate is `limit` per second again: as much of the window as is too much of
   * the limit. 0 when the rate is below it.
   */
  excess(now: number, limit: number): number {
    const samples = this.#samples.filter(({ began }) => now - began < SAMPLES * SAMPLE_MS)
    const total = samples.reduce((sum, { amount }) => sum + amount, 0)
    const windowMs = Math.max(LEAST_WINDOW_MS, now - (samples[0]?.began ?? now))
    return Math.max(0, Math.ceil((total * 1000) / limit - windowMs))
  }

  /** Nothing was recorded for longer than it looks back. */
  isIdle(now: number): boolean {
    const last = this.#samples.at(-1)
    return last === undefined || now - last.began >= SAMPLES * SAMPLE_MS
  }
}
