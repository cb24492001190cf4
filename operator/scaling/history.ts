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

/** The longest window that a spec can ask for. */
const LONGEST_WINDOW_MS = 3_600_000

/**
 * A steady recommendation is one entry, however often it was made, so that a settled cluster keeps its history. Those that
 * ended before the longest window are forgotten; of too many the two oldest become the larger of them, which keeps brokers.
 */
export function remember(
  recommendations: readonly Recommendation[],
  { time, replicas }: Pick<Recommendation, 'time' | 'replicas'>,
): readonly Recommendation[] {
  const ended = recommendations.map(entry => ({ ...entry, until: entry.until ?? time }))
  const last = ended.at(-1)
  const next = { time, replicas, until: time }
  const all = last?.replicas === replicas ? [...ended.slice(0, -1), { ...last, until: time }] : [...ended, next]
  const [first, second, ...rest] = all.filter(({ until }) => until > time - LONGEST_WINDOW_MS)
  if (first === undefined || second === undefined || rest.length + 2 <= MOST_ENTRIES) {
    return [first, second, ...rest].filter(entry => entry !== undefined)
  }
  const both = { time: first.time, replicas: Math.max(first.replicas, second.replicas), until: second.until }
  return [both, ...rest]
}

export const recorded = (events: readonly ScaleEvent[], next: ScaleEvent): readonly ScaleEvent[] =>
  [...events, next].slice(-MOST_ENTRIES)

/** Only where a recommendation began is stored: it counts as having held until the next one, and the last until now. */
export function readHistory(stored: Stored | undefined): History {
  if (stored === undefined) return NO_HISTORY
  return {
    recommendations: (stored.recommendations ?? []).map(({ time, replicas }, index, all) => {
      const until = all[index + 1]?.time
      return { time: Date.parse(time), replicas, ...(until === undefined ? {} : { until: Date.parse(until) }) }
    }),
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

/**
 * A change is decided and told before it is made. One that was not made yet, or never, because the leader ended or the API
 * server refused it, limits nothing: the size still is what it was before.
 */
export function withoutIntent(history: History, current: number): History {
  const last = history.events.at(-1)
  if (last === undefined || last.from !== current || last.to === current) return history
  return { ...history, events: history.events.slice(0, -1) }
}
