// What the operator is started with.

import type { Clock } from '../broker/clock.ts'
import type { Logger } from '../broker/observe/logger.ts'
import type { TrustTimes } from './certificates/trust.ts'
import type { OperatorDefaults } from './cluster/inputs.ts'
import type { MetricsAddressOf } from './cluster/scale-target.ts'
import type { KubeClient } from './runtime/kube-client.ts'
import type { LeaseTimes } from './runtime/lease-elector.ts'
import type { EngineMetrics } from './runtime/metrics.ts'
import type { ReflectorTimes } from './runtime/reflector.ts'
import type { Bootstrap } from './signals/observer.ts'
import type { KafScaleCluster } from './types/kaf-scale-cluster.ts'

export interface OperatorOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly defaults: OperatorDefaults
  /** Where the operator itself is: its Lease is there. */
  readonly namespace: string
  /** Namespaces that are looked after; undefined for all. */
  readonly watched: readonly string[] | undefined
  readonly leaseName: string
  /** Nobody else's. */
  readonly identity: string
  readonly metrics: EngineMetrics
  /** Where brokers are reached; by default by a Service (cluster/broker-access.ts). */
  readonly addressOf?: (cluster: KafScaleCluster) => Bootstrap
  /** Where the metrics of a broker are; by default at the address of its pod. */
  readonly metricsAddressOf?: MetricsAddressOf
  /** Between two looks at the load of the clusters, ms. */
  readonly lookEveryMs?: number
  /** Between two looks at the records of topics, ms. */
  readonly figuresEveryMs?: number
  /** Where a member of a managed etcd is reached; by default at the endpoint that brokers are told. */
  readonly etcdEndpointOf?: (endpoint: string) => string
  /** False: buckets are not looked at, and nothing in them is deleted. */
  readonly usesBuckets?: boolean
  /** Between two looks at a bucket that is as it should be, ms. */
  readonly bucketEveryMs?: number
  /** Between two looks at the members of a managed etcd, ms. */
  readonly etcdEveryMs?: number
  /** Of the certificates of a managed etcd. */
  readonly trustTimes?: TrustTimes
  /** Of the certificates of listeners and users. */
  readonly listenerTrustTimes?: TrustTimes
  /** Between two looks at the users of a cluster, ms. */
  readonly usersEveryMs?: number
  readonly leaseTimes?: LeaseTimes
  readonly reflectorTimes?: ReflectorTimes
}
