// When the brokers of a cluster are asked for the figures of its topics, and what the last two looks found. All topics of a
// cluster are looked at together, at most once in `everyMs`, whatever else makes them be reconciled: a pass that somebody's
// annotation caused finds what the pass before it found, and writes nothing.
//
// A topic that was never seen, or whose first look was not answered wholly, does not wait for that: it is looked at by itself,
// so that its figures come with its first status, or soon after, and not in the middle of its rest.

import type { Clock } from '../../broker/clock.ts'
import { type Address, type PositionReader, readFigures } from './figure-reader.ts'
import { type Figures, isWhole, type Sighting } from './figures.ts'
import type { LiveTopic } from './plan.ts'

export interface FigureLooksOptions {
  readonly clock: Clock
  readonly readPositions: PositionReader
  /** Between two looks at a cluster, ms. */
  readonly everyMs?: number | undefined
}

interface Memory {
  /** Looks at all topics. */
  readonly count: number
  /** Monotonic time of the last look at all topics, and of the last look at any. */
  readonly allAt: number
  readonly anyAt: number
  /** By id. */
  readonly now: ReadonlyMap<string, Figures>
  readonly before: ReadonlyMap<string, Figures>
}

const EVERY_MS = 60_000
/** Between two looks at topics that are new, ms: they come by the thousand. */
const NEW_EVERY_MS = 2000
const TIMEOUT_MS = 5000
/** The first look is exact, and one in so many: what moves slowly is not off for longer. */
const EXACT_EVERY = 10

export class FigureLooks {
  readonly #options: FigureLooksOptions
  readonly #memories = new Map<string, Memory>()

  constructor(options: FigureLooksOptions) {
    this.#options = options
  }

  /** Looks, if it is time. Resolves with the time until the next look, ms. Rejects as the signal aborts, and forgets that look. */
  async look(key: string, address: Address, topics: readonly LiveTopic[], signal: AbortSignal): Promise<number> {
    const memory = this.#memories.get(key)
    const now = this.#options.clock.monotonic()
    if (memory === undefined || this.#allDue(memory) <= now) {
      const found = await this.#read(address, topics, signal)
      const at = this.#options.clock.monotonic()
      const count = memory === undefined ? 0 : memory.count + 1
      this.#memories.set(key, { count, allAt: at, anyAt: at, now: found, before: memory?.now ?? new Map() })
    } else {
      const strangers = topics.filter(({ id }) => isStrange(memory, id))
      if (strangers.length > 0 && this.#newDue(memory) <= now) {
        const found = await this.#read(address, strangers, signal)
        this.#memories.set(key, merged(memory, found, this.#options.clock.monotonic()))
      }
    }
    return this.#left(key, topics)
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

  get #everyMs(): number {
    return this.#options.everyMs ?? EVERY_MS
  }

  #allDue({ allAt }: Memory): number {
    return allAt + this.#everyMs
  }

  #newDue({ anyAt }: Memory): number {
    return anyAt + Math.min(NEW_EVERY_MS, this.#everyMs)
  }

  async #read(
    address: Address,
    topics: readonly LiveTopic[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Figures>> {
    const { clock, readPositions } = this.#options
    const found = await readFigures({ address, clock, timeoutMs: TIMEOUT_MS, readPositions, signal }, topics)
    signal.throwIfAborted()
    return found
  }

  #left(key: string, topics: readonly LiveTopic[]): number {
    const memory = this.#memories.get(key)
    if (memory === undefined) return this.#everyMs
    const hasNew = topics.some(({ id }) => isStrange(memory, id))
    const due = hasNew ? Math.min(this.#newDue(memory), this.#allDue(memory)) : this.#allDue(memory)
    return Math.max(due - this.#options.clock.monotonic(), 1)
  }
}

/** Never seen, or seen once and not wholly. */
function isStrange({ now, before }: Memory, id: string): boolean {
  const seen = now.get(id)
  return seen === undefined || (!isWhole(seen) && !before.has(id))
}

/** With what a look at a few of its topics found. */
function merged(memory: Memory, found: ReadonlyMap<string, Figures>, at: number): Memory {
  const before = new Map(memory.before)
  for (const id of found.keys()) {
    const last = memory.now.get(id)
    if (last !== undefined) before.set(id, last)
  }
  return { ...memory, anyAt: at, now: new Map([...memory.now, ...found]), before }
}
