// How many brokers there are to be: a pure function of time, spec, history and what was seen.
//
//   observe -> attribute lag -> proposals, the largest counts -> a missing signal may only keep pods from going
//   -> stabilisation -> limits of speed -> minimum and maximum -> interlocks
//
// Every step leaves the words that explain it.

import type { Finding } from '../types/condition.ts'
import { CLUSTER_CONDITIONS, finder, type ReasonName } from '../types/conditions.ts'
import type { ScalingSpec } from '../types/scaling.ts'
import { type AttributedLag, attribute, payingSeconds } from './attribution.ts'
import { judge, lagReason, type Verdict } from './effectiveness.ts'
import { type History, recorded, remember } from './history.ts'
import { downLimit, stabilised, upLimit } from './limits.ts'
import type { Observation } from './observation.ts'
import { type Proposal, proposals } from './proposals.ts'

export interface Decision {
  readonly desired: number
  readonly findings: readonly Finding[]
  /** Why this size, in a sentence. */
  readonly explanation: string
  readonly proposals: readonly Proposal[]
  readonly lag: readonly AttributedLag[]
  readonly history: History
}

type Reason<Type extends keyof typeof CLUSTER_CONDITIONS> = ReasonName<typeof CLUSTER_CONDITIONS, Type>

/** `now` in ms since 1970. `generation` is that of the cluster, for the conditions. */
export function decide(
  now: number,
  spec: ScalingSpec,
  known: History,
  observation: Observation,
  generation?: number,
): Decision {
  const history = begun(now, known, observation)
  const lag = attribute(observation)
  const paying = payingSeconds(lag, spec.signals.lag.attribution === 'Disabled')
  const verdict = judge(now, paying, history)
  const made = proposals(spec, observation, lag, verdict.lagCounts)
  const asked = wanted(spec, history, observation, made)
  const steady = stabilised(now, observation.current, asked.replicas, history.recommendations, spec.behavior)
  const limited = withinLimits(now, spec, history, observation.current, steady, asked.replicas)
  const { desired, able } = interlocked(
    observation,
    limited.size,
    stabilisation(observation.current, asked.replicas, steady),
  )
  const say = finder(CLUSTER_CONDITIONS, generation)
  const largest = made.find(({ replicas }) => replicas === asked.replicas)
  return {
    desired,
    findings: [
      say('AbleToScale', able),
      say('ScalingActive', asked.seen === 'none' ? 'FailedGetMetrics' : 'ValidMetricFound'),
      say('ScalingLimited', limited.reason),
      say('LagScalingIneffective', verdict.frozenUntil > now ? 'NoGain' : 'Effective'),
    ],
    explanation: explain(observation.current, desired, largest, {
      able,
      limited: limited.reason,
      verdict,
      now,
      causes: otherCauses(lag, spec.signals.lag.targetSeconds),
    }),
    proposals: made,
    lag,
    history: nextHistory(now, history, verdict, asked, {
      from: observation.current,
      to: desired,
      largest,
      paying,
      failuresThatCount: spec.fallback?.failureThreshold ?? 1,
    }),
  }
}

/** As the HPA does: what is there now counts as the first recommendation, so that a first look takes no brokers away. */
function begun(now: number, history: History, { current }: Observation): History {
  if (history.recommendations.length > 0) return history
  return { ...history, recommendations: [{ time: now, replicas: current, until: now }] }
}

interface Asked {
  readonly replicas: number
  readonly seen: 'all' | 'some' | 'none'
}

/** The largest proposal. What is missing may keep pods from going, never from coming. */
function wanted(spec: ScalingSpec, { failures }: History, { current }: Observation, made: readonly Proposal[]): Asked {
  const seen = made.flatMap(({ replicas }) => replicas ?? [])
  if (seen.length === 0) {
    const { fallback } = spec
    const isDue = fallback !== undefined && failures + 1 >= fallback.failureThreshold
    return { replicas: isDue ? Math.max(current, fallback.replicas) : current, seen: 'none' }
  }
  const largest = Math.max(...seen)
  if (seen.length === made.length) return { replicas: largest, seen: 'all' }
  return { replicas: Math.max(largest, current), seen: 'some' }
}

function stabilisation(current: number, asked: number, steady: number): Reason<'AbleToScale'> {
  if (asked > current && steady < asked) return 'ScaleUpStabilized'
  if (asked < current && steady > asked) return 'ScaleDownStabilized'
  return 'ReadyForNewScale'
}

function withinLimits(
  now: number,
  { min, max = Number.MAX_SAFE_INTEGER, behavior }: ScalingSpec,
  { events }: History,
  current: number,
  steady: number,
  asked: number,
): { readonly size: number; readonly reason: Reason<'ScalingLimited'> } {
  const fastest = Math.max(upLimit(now, current, events, behavior.scaleUp), current)
  const slowest = Math.min(downLimit(now, current, events, behavior.scaleDown), current)
  const paced = Math.min(Math.max(steady, slowest), fastest)
  const size = Math.min(Math.max(paced, min), max)
  if (asked > max && size === max) return { size, reason: 'TooManyReplicas' }
  if (asked < min && size === min) return { size, reason: 'TooFewReplicas' }
  if (steady > paced) return { size, reason: 'ScaleUpLimit' }
  if (steady < paced) return { size, reason: 'ScaleDownLimit' }
  return { size, reason: 'DesiredWithinRange' }
}

/** No change while brokers are being replaced; no growth while the last step's pods found no room. */
function interlocked(
  { rollingOut, unschedulable, current }: Observation,
  size: number,
  able: Reason<'AbleToScale'>,
): { readonly desired: number; readonly able: Reason<'AbleToScale'> } {
  if (rollingOut && size !== current) return { desired: current, able: 'RolloutInProgress' }
  if (unschedulable > 0 && size > current) return { desired: current, able: 'CapacityExhausted' }
  return { desired: size, able }
}

function nextHistory(
  now: number,
  history: History,
  { frozenUntil, freezes }: Verdict,
  { replicas, seen }: Asked,
  step: { from: number; to: number; largest: Proposal | undefined; paying: number; failuresThatCount: number },
): History {
  const { from, to, largest, paying, failuresThatCount } = step
  const reason = to > from && largest?.name === 'lag' ? lagReason(paying) : (largest?.name ?? 'limits')
  return {
    recommendations:
      seen === 'none' ? history.recommendations : remember(history.recommendations, { time: now, replicas }),
    events: from === to ? history.events : recorded(history.events, { time: now, from, to, reason }),
    frozenUntil,
    freezes,
    // What is above says nothing more, and would change the status again and again.
    failures: seen === 'none' ? Math.min(history.failures + 1, failuresThatCount) : 0,
  }
}

interface Circumstances {
  readonly able: Reason<'AbleToScale'>
  readonly limited: Reason<'ScalingLimited'>
  readonly verdict: Verdict
  readonly now: number
  /** Of lag that does not count. */
  readonly causes: string | undefined
}

/** One sentence without numbers that change by themselves, so that a settled cluster keeps it. */
function explain(
  current: number,
  desired: number,
  largest: Proposal | undefined,
  circumstances: Circumstances,
): string {
  const { able, limited, verdict, now, causes } = circumstances
  const change = desired === current ? `${current} brokers stay` : `${current} brokers become ${desired}`
  const cause = largest === undefined ? 'no signal was seen' : `${largest.name} asks for ${largest.replicas}`
  const notes = [
    WORDS[able],
    WORDS[limited],
    verdict.frozenUntil > now ? 'lag does not count, because more brokers did not make it fall' : undefined,
    causes,
  ].filter(note => note !== undefined)
  return `${[`${change}: ${cause}`, ...notes].join('; ')}.`
}

const WORDS: Readonly<Partial<Record<string, string>>> = {
  ScaleUpStabilized: 'a smaller size was recommended lately',
  ScaleDownStabilized: 'a larger size was recommended lately',
  RolloutInProgress: 'brokers are being replaced',
  CapacityExhausted: 'no node has room for more',
  TooManyReplicas: 'scaling.max is reached',
  TooFewReplicas: 'scaling.min is reached',
  ScaleUpLimit: 'growth is limited by its policies',
  ScaleDownLimit: 'shrinking is limited by its policies',
}

/** A little lag comes and goes; what is below this share of the target is not worth a word. */
const WORTH_A_WORD = 0.5

function otherCauses(lag: readonly AttributedLag[], targetSeconds: number): string | undefined {
  const seconds = new Map<string, number>()
  for (const { cause, seconds: behind } of lag) seconds.set(cause, (seconds.get(cause) ?? 0) + behind)
  const causes = [...seconds].flatMap(([cause, behind]) => {
    const isOther = cause !== 'Idle' && cause !== 'BrokerBound'
    return isOther && behind >= WORTH_A_WORD * targetSeconds ? [cause] : []
  })
  return causes.length === 0 ? undefined : `some lag is ${causes.sort().join(', ')}, which brokers cannot cure`
}
