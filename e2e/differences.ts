// Where our broker's answers differ from Apache Kafka's on purpose, each with its reason. The comparison fails for a
// difference that is not here, and for an entry here that no difference needs any more.

import type { Difference } from './comparison.ts'

export interface KnownDifference {
  step: RegExp
  kind: Difference['kind'] | 'any'
  path: RegExp
  reason: string
}

export const KNOWN_DIFFERENCES: KnownDifference[] = []

/** Differences that no entry explains, and entries that explain none. */
export function judged(
  found: Difference[],
  known: KnownDifference[],
): { unexplained: Difference[]; unused: KnownDifference[] } {
  const explains = (entry: KnownDifference, { step, kind, path }: Difference) =>
    (entry.kind === 'any' || entry.kind === kind) && entry.step.test(step) && entry.path.test(path)
  return {
    unexplained: found.filter(difference => !known.some(entry => explains(entry, difference))),
    unused: known.filter(entry => !found.some(difference => explains(entry, difference))),
  }
}
