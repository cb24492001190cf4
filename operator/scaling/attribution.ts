// Whose fault lag is. Lag is demand, but only a part of it can be cured by brokers: the rest would buy pods for nothing, or
// make things worse (a rebalance, a throttled bucket).

import type { BrokerLoad, Cause, Observation, PartitionLag } from './observation.ts'

/** A group whose offset stands still for so long has stopped, or chokes on a record. */
const STUCK_MS = 90_000
/** So few records behind is how a group that keeps up looks. */
const IDLE_RECORDS = 1
/** Above these a broker's read path is what holds consumers up. */
const BUSY_EVENT_LOOP = 0.7
const BUSY_CPU = 0.85
const BUSY_QUEUE_SECONDS = 0.1

export interface AttributedLag extends PartitionLag {
  readonly cause: Cause
  /** How long the group needs for what it has not read, at its present pace. */
  readonly seconds: number
}

/** The first cause that applies, from what brokers can do the least about. */
export function attribute(observation: Pick<Observation, 'lag' | 'storageThrottled' | 'brokers'>): AttributedLag[] {
  const saturated = observation.brokers.some(isSaturated)
  return (observation.lag ?? []).map(lag => ({
    ...lag,
    cause: causeOf(lag, observation.storageThrottled, saturated),
    seconds: secondsBehind(lag),
  }))
}

function causeOf(lag: PartitionLag, storageThrottled: boolean, saturated: boolean): Cause {
  if (lag.records <= IDLE_RECORDS) return 'Idle'
  if (lag.groupState !== 'Stable' && lag.groupState !== 'Empty') return 'Rebalancing'
  if (lag.groupState === 'Empty' || lag.frozenMs >= STUCK_MS) return 'Stuck'
  if (storageThrottled) return 'StorageBound'
  return saturated ? 'BrokerBound' : 'ConsumerBound'
}

function isSaturated({ eventLoop = 0, cpu = 0, fetchQueueSeconds = 0 }: BrokerLoad): boolean {
  return eventLoop >= BUSY_EVENT_LOOP || cpu >= BUSY_CPU || fetchQueueSeconds >= BUSY_QUEUE_SECONDS
}

/** A group that does not move is as far behind as what was written since it did, at the pace of the writers. */
export function secondsBehind({ records, commitsPerSecond, appendsPerSecond }: PartitionLag): number {
  if (records <= 0) return 0
  return records / Math.max(commitsPerSecond, appendsPerSecond, 1)
}

/** Seconds behind of all lag that may ask for brokers. */
export function payingSeconds(lag: readonly AttributedLag[], countsAll: boolean): number {
  return lag.filter(({ cause }) => countsAll || cause === 'BrokerBound').reduce((sum, { seconds }) => sum + seconds, 0)
}
