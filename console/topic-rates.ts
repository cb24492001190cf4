/** Records per second of topics, from where their partitions ended at two looks of the same person. */
import type { Clock } from '../broker/clock.ts'
import type { TopicFacts } from './cluster/topics.ts'

interface Seen {
  readonly at: number
  readonly end: number
  readonly rate: number | undefined
}

/** Two looks that are closer together say little. */
const LEAST_MS = 1500

export class TopicRates {
  readonly #clock: Clock
  /** By id: a topic that was created anew begins anew. */
  readonly #seen = new Map<string, Seen>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined for topics that were never looked at before. */
  of(topics: readonly TopicFacts[]): (topic: string) => number | undefined {
    const now = this.#clock.monotonic()
    for (const { id, partitions } of topics) {
      const end = partitions.reduce((sum, partition) => sum + (partition.end ?? 0), 0)
      const before = this.#seen.get(id)
      if (before !== undefined && now - before.at < LEAST_MS) continue
      const rate = before && Math.max(0, ((end - before.end) * 1000) / (now - before.at))
      this.#seen.set(id, { at: now, end, rate })
    }
    const ids = new Map(topics.map(({ name, id }) => [name, id]))
    return topic => this.#seen.get(ids.get(topic) ?? '')?.rate
  }
}
