// What a decision on the number of brokers sees: numbers of one moment, already smoothed, without where they came from.

/** Why a group is behind on a partition. Only BrokerBound lag may buy brokers. */
export type Cause = 'BrokerBound' | 'ConsumerBound' | 'StorageBound' | 'Rebalancing' | 'Stuck' | 'Idle'

/** How far a group is behind on one partition. */
export interface PartitionLag {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** Records not read yet. */
  readonly records: number
  /** Records committed per second, smoothed. */
  readonly commitsPerSecond: number
  /** Records appended per second, smoothed. */
  readonly appendsPerSecond: number
  /** Since when the committed offset has stood still, ms; 0 when it moves. */
  readonly frozenMs: number
  /** State of the group, as Kafka names it. */
  readonly groupState: string
}

/** One broker. What is undefined was not seen. */
export interface BrokerLoad {
  readonly name: string
  readonly ready: boolean
  /** Shares of 1. */
  readonly eventLoop?: number | undefined
  readonly cpu?: number | undefined
  readonly ingressBytesPerSecond?: number | undefined
  readonly egressBytesPerSecond?: number | undefined
  readonly connections?: number | undefined
  /** Seconds that fetches waited for their turn inside the broker, not for records, 99th percentile. */
  readonly fetchQueueSeconds?: number | undefined
}

export interface Observation {
  /** Pods that the Deployment wants at this moment. */
  readonly current: number
  readonly brokers: readonly BrokerLoad[]
  /** Undefined when it could not be seen. */
  readonly lag: readonly PartitionLag[] | undefined
  /** Of some groups it could not be seen: what is seen may only make brokers come. */
  readonly lagIsPartial?: boolean | undefined
  /** The S3 service asks to slow down, or takes far longer than it used to. */
  readonly storageThrottled: boolean
  /** Brokers are being replaced. */
  readonly rollingOut: boolean
  /** Pods that no node has room for. */
  readonly unschedulable: number
}
