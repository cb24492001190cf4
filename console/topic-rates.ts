/** Records per second of topics, from where their partitions ended at two looks of the same person. */
import type { TopicFacts } from './cluster/topics.ts'

interface Seen {
  readonly at: number
  readonly end: number
  readonly rate: number | undefined
}

/** Two looks that are closer together say little. */
const LEAST_MS = 1500

export class TopicRates {
  /** By id: a topic that was created anew begins anew. */
  readonly #seen = new Map<string, Seen>()

  /** `now` is when the topics were looked at, ms of a monotonic clock. Undefined for topics that never were before. */
  of(topics: readonly TopicFacts[], now: number): (topic: string) => number | undefined {
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
