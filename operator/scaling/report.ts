// What the status says of a look: size, signals, lag, history. Numbers move all the time; they are told anew only when
// something follows from them or when they are far from what was told, so that a settled cluster is not written.

import { isDeepStrictEqual } from 'node:util'
import { rfc3339 } from '../types/condition.ts'
import type { ClusterStatus, KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import type { ScalingSpec } from '../types/scaling.ts'
import type { AttributedLag } from './attribution.ts'
import { payingSeconds } from './attribution.ts'
import type { Look } from './autoscaler.ts'
import { storedHistory } from './history.ts'

type Scaling = NonNullable<ClusterStatus['scaling']>
type Lag = NonNullable<ClusterStatus['lag']>
type Signal = NonNullable<Scaling['signals']>[number]

/** A number has moved when it differs by this share of itself and of its target. */
const MOVED_OF_ITSELF = 0.25
const MOVED_OF_TARGET = 0.25

const hasMoved = (told: number | undefined, now: number | undefined, target: number): boolean => {
  if (told === undefined || now === undefined) return told !== now
  const distance = Math.abs(told - now)
  return distance > MOVED_OF_ITSELF * Math.max(told, now) && distance > MOVED_OF_TARGET * target
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/** `previous` is what was told last. */
export function scalingReport({ mode }: ScalingSpec, { decision }: Look, previous: Scaling | undefined): Scaling {
  const { history, proposals, desired, explanation, findings } = decision
  const limit = findings.find(({ type }) => type === 'ScalingLimited')?.reason
  const last = history.events.at(-1)
  const next: Scaling = {
    mode,
    desired,
    summary: limit === undefined || limit === 'DesiredWithinRange' ? mode : `${mode}: ${limit}`,
    explanation: explanation.slice(0, 1000),
    ...(last === undefined ? {} : { lastScaleTime: rfc3339(last.time) }),
    signals: proposals.map(({ name, value, target, replicas }) => ({
      name,
      ...(value === undefined ? {} : { value: round(value, 3) }),
      target,
      ...(replicas === undefined ? {} : { proposal: replicas }),
    })),
    history: storedHistory(history),
  }
  return previous !== undefined && saysTheSame(previous, next) ? previous : next
}

function saysTheSame(told: Scaling, next: Scaling): boolean {
  if (!isDeepStrictEqual(consequences(told), consequences(next))) return false
  const values = new Map((told.signals ?? []).map(({ name, value }) => [name, value]))
  return !(next.signals ?? []).some(({ name, value, target }) => hasMoved(values.get(name), value, target))
}

/** All but what moves without anything following from it. */
function consequences({ signals = [], history, ...rest }: Scaling): unknown {
  const { recommendations: _, ...decided } = history ?? {}
  return { ...rest, signals: signals.map(({ value: __, ...signal }: Signal) => signal), history: decided }
}

/** Told in these modes as the look found them. */
const FINDINGS = new Set(['AbleToScale', 'ScalingLimited', 'LagScalingIneffective'])

/** Whether the reconciler has anything to do after a look: to write another size, or another status. */
export function hasNews({ spec, status = {} }: KafScaleCluster, look: Look, isCarriedOut: boolean): boolean {
  const { scaling } = spec
  const { mode } = scaling
  const { decision, observation, version } = look
  if (lagReport(scaling, look, status.lag) !== status.lag) return true
  if (version !== undefined && version !== status.version) return true
  if (mode === 'Manual') return false
  if (scalingReport(scaling, look, status.scaling) !== status.scaling) return true
  if (isCarriedOut && decision.desired !== observation.current) return true
  if (mode === 'External') return false
  const told = new Map((status.conditions ?? []).map(({ type, reason }) => [type, reason]))
  const isBlind = (reason: string | undefined): boolean => reason === 'FailedGetMetrics'
  return decision.findings.some(({ type, reason }) => {
    if (FINDINGS.has(type)) return told.get(type) !== reason
    return type === 'ScalingActive' && isBlind(told.get(type)) !== isBlind(reason)
  })
}

const MOST_GROUPS = 10

/** Undefined while lag was never seen. */
export function lagReport(spec: ScalingSpec, look: Look, previous: Lag | undefined): Lag | undefined {
  const { lag } = look.decision
  if (look.observation.lag === undefined) return previous
  const sum = (some: readonly AttributedLag[]): number => some.reduce((total, { records }) => total + records, 0)
  const next: Lag = {
    records: sum(lag),
    seconds: round(payingSeconds(lag, true), 1),
    brokerBoundRecords: sum(lag.filter(({ cause }) => cause === 'BrokerBound')),
    groups: furthestBehind(lag),
  }
  if (previous === undefined) return next
  const { targetSeconds } = spec.signals.lag
  const isNear =
    !hasMoved(previous.seconds, next.seconds, targetSeconds) &&
    (previous.brokerBoundRecords === 0) === (next.brokerBoundRecords === 0)
  return isNear ? previous : next
}

/** Each with the cause that most of its records have. */
function furthestBehind(lag: readonly AttributedLag[]): NonNullable<Lag['groups']> {
  const byTopic = Map.groupBy(lag, ({ group, topic }) => JSON.stringify([group, topic]))
  return [...byTopic.values()]
    .flatMap(partitions => {
      const [worst] = partitions.toSorted((a, b) => b.records - a.records)
      if (worst === undefined || worst.group === '') return []
      const records = partitions.reduce((total, one) => total + one.records, 0)
      return [{ group: worst.group.slice(0, 255), topic: worst.topic, records, cause: worst.cause }]
    })
    .filter(({ records }) => records > 0)
    .sort((a, b) => b.records - a.records || (a.group < b.group ? -1 : 1))
    .slice(0, MOST_GROUPS)
}
