// When the brokers of a cluster are asked for the figures of its topics, and what the last two looks found. All topics of a
// cluster are looked at together, at most once in `everyMs`, whatever else makes them be reconciled.

import type { Clock } from '../../broker/clock.ts'
import { type Address, type PositionReader, readFigures } from './figure-reader.ts'
import type { Figures, Sighting } from './figures.ts'
import type { LiveTopic } from './plan.ts'

export interface FigureLooksOptions {
  readonly clock: Clock
  readonly readPositions: PositionReader
  /** Between two looks at a cluster, ms. */
  readonly everyMs?: number | undefined
}

interface Memory {
  readonly count: number
  /** Monotonic time of the last look. */
  readonly at: number
  readonly now: ReadonlyMap<string, Figures>
  readonly before: ReadonlyMap<string, Figures>
}

const EVERY_MS = 60_000
const TIMEOUT_MS = 5000
/** The first look is exact, and one in so many: what moves slowly is not off for longer. */
const EXACT_EVERY = 10

export class FigureLooks {
  readonly #options: FigureLooksOptions
  readonly #memories = new Map<string, Memory>()

  constructor(options: FigureLooksOptions) {
    this.#options = options
  }

  /** Looks, if it is time. Resolves with the time until the next look, ms. */
  async look(key: string, address: Address, topics: readonly LiveTopic[]): Promise<number> {
    const { clock, readPositions, everyMs = EVERY_MS } = this.#options
    const memory = this.#memories.get(key)
    const left = memory === undefined ? 0 : memory.at + everyMs - clock.monotonic()
    if (left > 0) return left
    const now = await readFigures({ address, clock, timeoutMs: TIMEOUT_MS, readPositions }, topics)
    const count = memory === undefined ? 0 : memory.count + 1
    this.#memories.set(key, { count, at: clock.monotonic(), now, before: memory?.now ?? new Map() })
    return everyMs
  }

  /** What was seen of the topic of this id; undefined when it was not looked at yet. */
  of(key: string, id: string): Sighting | undefined {
    const memory = this.#memories.get(key)
    const now = memory?.now.get(id)
    if (memory === undefined || now === undefined) return undefined
    return { now, before: memory.before.get(id), isExact: memory.count % EXACT_EVERY === 0 }
  }

  /** The cluster has no topics any more. */
  forget(key: string): void {
    this.#memories.delete(key)
  }
}
