/** Runs many seeds and says which ones failed, and how to see one of them again. */
import { type Summary, simulate } from './simulate.ts'

export interface SeedsReport {
  readonly histories: number
  readonly acknowledged: number
  readonly reads: number
  readonly kills: number
  /** One line per failed seed. */
  readonly failures: readonly string[]
}

const MOST_FAILURES = 5

export async function simulateSeeds(seeds: Iterable<number>): Promise<SeedsReport> {
  const failures: string[] = []
  const summaries: Summary[] = []
  for (const seed of seeds) {
    try {
      summaries.push(await simulate(seed))
    } catch (cause) {
      failures.push(`make simulate SEEDS=1 FROM=${seed}: ${String(cause)}`)
      if (failures.length >= MOST_FAILURES) break
    }
  }
  const sum = (of: (summary: Summary) => number): number => summaries.reduce((total, one) => total + of(one), 0)
  return {
    histories: summaries.length,
    acknowledged: sum(({ acknowledged }) => acknowledged),
    reads: sum(({ reads }) => reads),
    kills: sum(({ kills }) => kills),
    failures,
  }
}

/** `count` seeds from `first` on, `step` apart. */
export function seedsFrom(first: number, count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, index) => first + index * step)
}
