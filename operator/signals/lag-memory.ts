// What is remembered of groups from look to look, so that positions become lag: how fast each group commits and each
// partition grows, and since when a group stands still.
//
// A partition that was not seen before has no pace yet and is left out until the next look.

import type { PartitionLag } from '../scaling/observation.ts'
import type { GroupPosition } from './lag-reader.ts'
import { smoothed } from './smoothing.ts'

const HALF_LIFE_MS = 30_000

interface Remembered {
  readonly at: number
  readonly committed: number
  readonly end: number
  readonly commits: number | undefined
  readonly appends: number | undefined
  /** When the committed offset last moved, or was first seen. */
  readonly movedAt: number
}

export class LagMemory {
  #partitions = new Map<string, Remembered>()

  /** The lag at monotonic time `at`, ms; undefined at the first look of all. */
  take(positions: readonly GroupPosition[], at: number): PartitionLag[] | undefined {
    const isFirst = this.#partitions.size === 0 && positions.length > 0
    const next = new Map<string, Remembered>()
    const lag: PartitionLag[] = []
    for (const position of positions) {
      const key = JSON.stringify([position.group, position.topic, position.partition])
      const now = moved(this.#partitions.get(key), position, at)
      next.set(key, now)
      if (now.commits === undefined || now.appends === undefined) continue
      const { group, topic, partition, state } = position
      lag.push({
        group,
        topic,
        partition,
        records: Math.max(0, now.end - now.committed),
        commitsPerSecond: now.commits,
        appendsPerSecond: now.appends,
        frozenMs: at - now.movedAt,
        groupState: state,
      })
    }
    this.#partitions = next
    return isFirst ? undefined : lag
  }
}

function moved(before: Remembered | undefined, { committed, end }: GroupPosition, at: number): Remembered {
  const plain = { at, committed, end }
  if (before === undefined) return { ...plain, commits: undefined, appends: undefined, movedAt: at }
  const elapsed = at - before.at
  if (elapsed <= 0) return before
  const pace = (from: number, to: number, known: number | undefined): number =>
    smoothed(known, Math.max(0, to - from) / (elapsed / 1000), elapsed, HALF_LIFE_MS)
  return {
    ...plain,
    commits: pace(before.committed, committed, before.commits),
    appends: pace(before.end, end, before.appends),
    // A group that was set back moved too.
    movedAt: committed === before.committed ? before.movedAt : at,
  }
}
