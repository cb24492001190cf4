// What stands between what the signals ask for and what is set: stabilisation, policies of speed, minimum and maximum, in
// the order and with the words of the HorizontalPodAutoscaler (pkg/controller/podautoscaler/horizontal.go).

import type { ScalingSpec } from '../types/scaling.ts'

type Rules = ScalingSpec['behavior']['scaleUp']

/** Times in ms since 1970. */
export interface Recommendation {
  /** When it was made first. */
  readonly time: number
  readonly replicas: number
  /** When it was made last; undefined when it may have been made up to now. */
  readonly until?: number | undefined
}

export interface ScaleEvent {
  readonly time: number
  readonly from: number
  readonly to: number
  readonly reason: string
}

/**
 * An envelope: growth waits until nothing smaller was recommended within the window of scaleUp, shrinking until nothing larger
 * was within that of scaleDown. Spikes and dips shorter than their window vanish.
 */
export function stabilised(
  now: number,
  current: number,
  wanted: number,
  recommendations: readonly Recommendation[],
  { scaleUp, scaleDown }: ScalingSpec['behavior'],
): number {
  const within = (seconds: number): number[] => {
    const held = recommendations.filter(({ until = now }) => until > now - seconds * 1000)
    return [wanted, ...held.map(({ replicas }) => replicas)]
  }
  const lowest = Math.min(...within(scaleUp.stabilizationWindowSeconds))
  const highest = Math.max(...within(scaleDown.stabilizationWindowSeconds))
  return Math.min(Math.max(current, lowest), highest)
}

/** The largest size that the policies of scaleUp allow now. */
export function upLimit(now: number, current: number, events: readonly ScaleEvent[], rules: Rules): number {
  return limit(
    rules,
    current,
    ({ type, value, periodSeconds }) => {
      const base = sizeAtStart(now, current, events, periodSeconds)
      return type === 'Pods' ? base + value : Math.ceil(base * (1 + value / 100))
    },
    Math.max,
    Math.min,
  )
}

/** The smallest size that the policies of scaleDown allow now. */
export function downLimit(now: number, current: number, events: readonly ScaleEvent[], rules: Rules): number {
  return limit(
    rules,
    current,
    ({ type, value, periodSeconds }) => {
      const base = sizeAtStart(now, current, events, periodSeconds)
      return type === 'Pods' ? base - value : Math.floor(base * (1 - value / 100))
    },
    Math.min,
    Math.max,
  )
}

type Policy = Rules['policies'][number]
type Choice = (...values: number[]) => number

function limit(
  { selectPolicy, policies }: Rules,
  current: number,
  ofPolicy: (policy: Policy) => number,
  loosest: Choice,
  strictest: Choice,
): number {
  if (selectPolicy === 'Disabled') return current
  const choose = selectPolicy === 'Max' ? loosest : strictest
  return choose(...policies.map(ofPolicy))
}

/** How many there were when the period began, going by the changes since. */
function sizeAtStart(now: number, current: number, events: readonly ScaleEvent[], periodSeconds: number): number {
  return events
    .filter(({ time }) => time > now - periodSeconds * 1000)
    .reduce((size, { from, to }) => size - (to - from), current)
}
