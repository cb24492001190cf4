// Whether brokers that were added for lag made it fall. Two steps that brought nothing freeze lag as a reason to grow, for
// longer each time: adding what does not help would go on for ever.

import type { ScaleEvent } from './limits.ts'

/** A new broker needs so long to start and to take its share. */
const SETTLE_MS = 180_000
const FIRST_FREEZE_MS = 900_000
const LONGEST_FREEZE_MS = 14_400_000
/** Less than this share of the lag is noise. */
const GAIN = 0.1

/** `reason` of scale events that lag asked for: the lag then, in seconds, goes with it. */
export const lagReason = (seconds: number): string => `lag ${Math.round(seconds)}s`

const lagOf = ({ reason }: ScaleEvent): number | undefined => {
  const found = /^lag (\d+)s$/.exec(reason)
  return found === null ? undefined : Number(found[1])
}

export interface Verdict {
  /** Lag may ask for more brokers. */
  readonly lagCounts: boolean
  readonly frozenUntil: number
  readonly freezes: number
}

interface Before {
  readonly events: readonly ScaleEvent[]
  readonly frozenUntil: number
  readonly freezes: number
}

export function judge(now: number, paying: number, { events, frozenUntil, freezes }: Before): Verdict {
  if (frozenUntil > now) return { lagCounts: false, frozenUntil, freezes }
  // What was judged by an earlier freeze is not judged again.
  const steps = events.filter(event => event.to > event.from && lagOf(event) !== undefined && event.time > frozenUntil)
  const [first, second] = steps.slice(-2)
  const last = second ?? first
  if (last !== undefined && now - last.time < SETTLE_MS) return { lagCounts: false, frozenUntil: 0, freezes }
  if (first === undefined || second === undefined) return { lagCounts: true, frozenUntil: 0, freezes }
  const firstGained = gained(lagOf(first), lagOf(second))
  const secondGained = gained(lagOf(second), paying)
  if (firstGained || secondGained) return { lagCounts: true, frozenUntil: 0, freezes: 0 }
  const freeze = Math.min(FIRST_FREEZE_MS * 2 ** freezes, LONGEST_FREEZE_MS)
  return { lagCounts: false, frozenUntil: now + freeze, freezes: freezes + 1 }
}

const gained = (before = 0, after = 0): boolean => after <= before * (1 - GAIN)
