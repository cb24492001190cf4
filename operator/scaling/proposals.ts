// How many brokers each signal asks for, by the laws of the HorizontalPodAutoscaler (kubernetes/kubernetes,
// pkg/controller/podautoscaler/replica_calculator.go): utilisation is a ratio of the ready pods, lag an average value, which
// does not compound; a difference within the tolerance is none.

import type { ScalingSpec } from '../types/scaling.ts'
import { type AttributedLag, payingSeconds } from './attribution.ts'
import type { BrokerLoad, Observation } from './observation.ts'

export interface Proposal {
  /** As in spec.scaling.signals. */
  readonly name: string
  /** Undefined when nothing was seen. */
  readonly value: number | undefined
  readonly target: number
  /** Undefined when nothing was seen. */
  readonly replicas: number | undefined
}

export interface Tolerance {
  readonly up: number
  readonly down: number
}

export const toleranceOf = ({ behavior }: ScalingSpec): Tolerance => ({
  up: behavior.scaleUp.tolerancePercent / 100,
  down: behavior.scaleDown.tolerancePercent / 100,
})

export function proposals(
  spec: ScalingSpec,
  observation: Observation,
  lag: readonly AttributedLag[],
  lagCounts: boolean,
) {
  const tolerance = toleranceOf(spec)
  const { signals } = spec
  const made: Proposal[] = []
  const perPod = (name: string, target: number, read: (broker: BrokerLoad) => number | undefined): void => {
    made.push(utilisation(name, target, observation, read, tolerance))
  }
  if (signals.eventLoop !== undefined) perPod('eventLoop', share(signals.eventLoop), ({ eventLoop }) => eventLoop)
  if (signals.cpu !== undefined) perPod('cpu', share(signals.cpu), ({ cpu }) => cpu)
  const { ingress, egress, connections } = signals
  if (ingress !== undefined) {
    perPod('ingress', share(ingress), ({ ingressBytesPerSecond: bytes }) => ratio(bytes, ingress.bytesPerSecond))
  }
  if (egress !== undefined) {
    perPod('egress', share(egress), ({ egressBytesPerSecond: bytes }) => ratio(bytes, egress.bytesPerSecond))
  }
  if (connections !== undefined) perPod('connections', connections.target, broker => broker.connections)
  if (signals.lag.enabled) made.push(lagProposal(spec, observation, lag, lagCounts, tolerance))
  return made
}

const share = ({ targetPercent }: { targetPercent: number }): number => targetPercent / 100
const ratio = (bytes: number | undefined, capacity: number): number | undefined =>
  bytes === undefined ? undefined : bytes / capacity

/**
 * Missing pods count as nothing when it would grow and as exactly the target when it would shrink; a change of direction by
 * that is no change at all.
 */
function utilisation(
  name: string,
  target: number,
  { brokers, current }: Observation,
  read: (broker: BrokerLoad) => number | undefined,
  tolerance: Tolerance,
): Proposal {
  const ready = brokers.filter(broker => broker.ready)
  const seen = ready.flatMap(broker => read(broker) ?? [])
  if (seen.length === 0) return { name, value: undefined, target, replicas: undefined }
  const value = seen.reduce((sum, one) => sum + one, 0) / seen.length
  const plain = value / target
  const silent = brokers.length - seen.length
  if (silent === 0) return { name, value, target, replicas: byRatio(plain, seen.length, current, tolerance) }
  const filling = plain > 1 ? 0 : target
  const cautious = (value * seen.length + filling * silent) / (target * brokers.length)
  const turned = plain > 1 !== cautious > 1
  return { name, value, target, replicas: turned ? current : byRatio(cautious, brokers.length, current, tolerance) }
}

function byRatio(ratioOfTarget: number, pods: number, current: number, { up, down }: Tolerance): number {
  if (ratioOfTarget >= 1 - down && ratioOfTarget <= 1 + up) return current
  const wanted = Math.ceil(roundOff(ratioOfTarget * pods))
  // More pods never follow from a ratio below one, nor fewer from one above it.
  return ratioOfTarget > 1 ? Math.max(wanted, current) : Math.min(wanted, current)
}

/** An average value: the total decides, whatever the number of pods is now. Never more pods than partitions that are behind. */
function lagProposal(
  spec: ScalingSpec,
  { current, lag: seen, lagIsPartial }: Observation,
  lag: readonly AttributedLag[],
  lagCounts: boolean,
  { up, down }: Tolerance,
): Proposal {
  const { targetSeconds, attribution } = spec.signals.lag
  const plain = { name: 'lag', target: targetSeconds }
  if (seen === undefined) return { ...plain, value: undefined, replicas: undefined }
  const countsAll = attribution === 'Disabled'
  const value = payingSeconds(lag, countsAll)
  const behind = lag.filter(({ cause }) => countsAll || cause === 'BrokerBound').length
  const wanted = Math.min(Math.ceil(roundOff(value / targetSeconds)), Math.max(behind, 1))
  const ofTarget = value / (targetSeconds * Math.max(current, 1))
  const kept = ofTarget >= 1 - down && ofTarget <= 1 + up ? current : wanted
  const replicas = lagCounts ? kept : Math.min(kept, current)
  return { ...plain, value, replicas: lagIsPartial === true ? Math.max(replicas, current) : replicas }
}

/** 3.0000000001 is 3. */
const roundOff = (value: number): number => Math.round(value * 1e6) / 1e6
