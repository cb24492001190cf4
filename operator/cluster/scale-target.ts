// A cluster as the autoscaler looks at it: its pods, how many are wanted, what stands in the way of another number.

import { z } from 'zod'
import type { KubeObject, Manifest } from '../runtime/object.ts'
import type { ScaleTarget } from '../scaling/autoscaler.ts'
import type { Bootstrap, BrokerPod, Observed } from '../signals/observer.ts'
import type { ScrapeAddress } from '../signals/scrape.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { pauseOf } from '../types/pause.ts'
import { parseQuantity } from '../types/quantity.ts'
import { METRICS_PORT, selectorLabels } from './desired/names.ts'
import { troubleOf, workloadOf } from './live.ts'
import { isUnbegun } from './replicas.ts'

export interface Target extends ScaleTarget, Observed {}

export interface TargetView {
  readonly key: string
  readonly cluster: KafScaleCluster
  readonly deployment: Manifest | undefined
  /** Of all components. */
  readonly pods: readonly KubeObject[]
  readonly bootstrap: Bootstrap
  /** ms since 1970. */
  readonly now: number
}

/** Where the metrics of a pod are. Undefined while it has no address. */
export type MetricsAddressOf = (pod: KubeObject) => ScrapeAddress | undefined

/** Undefined for a cluster that has no brokers to look at, or none that are to be looked at. */
export function targetOf(view: TargetView, metricsAddressOf: MetricsAddressOf): Target | undefined {
  const { key, cluster, deployment, now } = view
  const { spec, metadata } = cluster
  if (deployment === undefined || metadata.deletionTimestamp !== undefined || spec.hibernation.enabled) return undefined
  const workload = workloadOf(deployment)
  const { wanted = 0, isRollingOut } = workload
  // A size that is still to be begun with must not count as a step of growth, which would limit the next ones.
  if (wanted === 0 || isUnbegun(cluster, workload)) return undefined
  const pods = brokerPods(cluster, view.pods)
  return {
    key,
    cluster,
    isCarriedOut: spec.scaling.mode === 'Auto' && !stopsScaling(cluster, now),
    current: wanted,
    pods: pods.map(pod => brokerPod(pod, metricsAddressOf)),
    cores: coresOf(cluster),
    bootstrap: view.bootstrap,
    rollingOut: isRollingOut,
    unschedulable: pods.filter(pod => troubleOf(pod)?.kind === 'Unschedulable').length,
  }
}

/** Whether a pause keeps the number of brokers as it is. */
export function stopsScaling(cluster: KafScaleCluster, now: number): boolean {
  const level = pauseOf(cluster, now)?.level
  return level === 'all' || level === 'scaling'
}

/** The pods of the brokers that are not about to end. */
export function brokerPods(cluster: KafScaleCluster, pods: readonly KubeObject[]): KubeObject[] {
  const labels = Object.entries(selectorLabels({ cluster }, 'broker'))
  return pods.filter(
    ({ metadata }) =>
      metadata.deletionTimestamp === undefined && labels.every(([label, value]) => metadata.labels?.[label] === value),
  )
}

const podSchema = z.looseObject({
  status: z
    .looseObject({
      podIP: z.string().optional(),
      conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
})

export const podAddress: MetricsAddressOf = pod => {
  const { podIP } = podSchema.parse(pod).status
  return podIP === undefined || podIP === '' ? undefined : { host: podIP, port: METRICS_PORT }
}

function brokerPod(pod: KubeObject, metricsAddressOf: MetricsAddressOf): BrokerPod {
  const { conditions } = podSchema.parse(pod).status
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? pod.metadata.name,
    ready: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    address: metricsAddressOf(pod),
  }
}

/** What a broker is promised of the CPU: one core when nobody says. */
function coresOf({ spec }: KafScaleCluster): number {
  const { requests, limits } = spec.brokers.resources ?? {}
  const given = requests?.cpu ?? limits?.cpu
  return (given === undefined ? undefined : parseQuantity(given)) ?? 1
}
