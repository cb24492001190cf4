// What a decision needs to know of those before it. It lies in status.scaling.history, bounded, so that a change of leader
// forgets neither limits of speed nor that lag did not fall.

import { rfc3339 } from '../types/condition.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import type { Recommendation, ScaleEvent } from './limits.ts'

export interface History {
  readonly recommendations: readonly Recommendation[]
  readonly events: readonly ScaleEvent[]
  /** Until when lag asks for no more brokers; 0 for not at all. */
  readonly frozenUntil: number
  /** How often in a row it came to that. */
  readonly freezes: number
  /** Looks without any signal in a row. */
  readonly failures: number
}

export const NO_HISTORY: History = { recommendations: [], events: [], frozenUntil: 0, freezes: 0, failures: 0 }

const MOST_ENTRIES = 40
type Stored = NonNullable<NonNullable<ClusterStatus['scaling']>['history']>

/** With one recommendation a minute and by change the longest window fits into the bound. */
export function remember(recommendations: readonly Recommendation[], next: Recommendation): readonly Recommendation[] {
  const last = recommendations.at(-1)
  const isNew = last === undefined || last.replicas !== next.replicas || next.time - last.time >= 60_000
  return isNew ? [...recommendations, next].slice(-MOST_ENTRIES) : recommendations
}

export const recorded = (events: readonly ScaleEvent[], next: ScaleEvent): readonly ScaleEvent[] =>
  [...events, next].slice(-MOST_ENTRIES)

export function readHistory(stored: Stored | undefined): History {
  if (stored === undefined) return NO_HISTORY
  return {
    recommendations: (stored.recommendations ?? []).map(({ time, replicas }) => ({ time: Date.parse(time), replicas })),
    events: (stored.events ?? []).map(({ time, ...event }) => ({ ...event, time: Date.parse(time) })),
    frozenUntil: stored.frozenUntil === undefined ? 0 : Date.parse(stored.frozenUntil),
    freezes: stored.freezes ?? 0,
    failures: stored.failures ?? 0,
  }
}

export function storedHistory({ recommendations, events, frozenUntil, freezes, failures }: History): Stored {
  return {
    recommendations: recommendations.map(({ time, replicas }) => ({ time: rfc3339(time), replicas })),
    events: events.map(({ time, ...event }) => ({ ...event, time: rfc3339(time) })),
    ...(frozenUntil > 0 ? { frozenUntil: rfc3339(frozenUntil) } : {}),
    ...(freezes > 0 ? { freezes } : {}),
    ...(failures > 0 ? { failures } : {}),
  }
}
