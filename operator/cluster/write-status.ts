// The end of every pass: the status is put together from what the pass and the caches know, and written if it is another one
// than before. Events go out first for what somebody should hear of and the last status did not tell.

import { isKubeError, NameConflict } from '../runtime/errors.ts'
import { keyOf } from '../runtime/object.ts'
import { RESOURCES } from '../runtime/resource.ts'
import type { Outcome } from '../runtime/step.ts'
import { CLUSTER, type ClusterStatus, type KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type CareView, careStatus, newlyReplaced } from './care-status.ts'
import { BY_CLUSTER, type ClusterEvent, type ClusterReconcilerOptions, type Context, podsOf } from './context.ts'
import { consoleMap } from './desired/console.ts'
import { brokersName, consoleName, etcdName } from './desired/names.ts'
import { troubleOf, workloadOf } from './live.ts'
import { rolloutReasons } from './rollout.ts'
import { brokerPods } from './scale-target.ts'
import { type ClusterView, clusterStatus } from './status.ts'

export async function writeStatus(
  options: ClusterReconcilerOptions,
  context: Context,
  outcome: Outcome,
): Promise<void> {
  const live = latest(options, context.inputs.cluster)
  const now = options.clock.now()
  const plain = clusterStatus(now, viewOf(options, context, outcome, live.status))
  const status = careStatus(plain, careView(options, context, live.status, now))
  tellOfNews(options, live, status)
  const written = await options.applier.applyStatus({ resource: CLUSTER, live, status, signal: context.pass.signal })
  if (written !== undefined) options.onWrite(CLUSTER, written)
  await tellConsole(options, context, status)
}

/** The console reads the status from a file, for which a new status is no reason for another pass. */
async function tellConsole(
  options: ClusterReconcilerOptions,
  { inputs, pass, pause, refusal, security }: Context,
  status: ClusterStatus,
): Promise<void> {
  const desired = consoleMap({ ...inputs, cluster: { ...inputs.cluster, status } })
  const live = desired && options.owned.configMaps.get(keyOf(desired))
  // A pass that did not come so far does not know all that belongs into it.
  const isKnown = security !== undefined && refusal === undefined && pause?.level !== 'all'
  if (desired === undefined || live === undefined || !isKnown) return
  const resource = RESOURCES.configMaps
  const owner = inputs.cluster
  const { change, object } = await options.applier.apply({ resource, desired, live, owner, signal: pass.signal })
  if (change !== 'none') options.onWrite(resource, object)
}

function careView(
  options: ClusterReconcilerOptions,
  { inputs, etcd, security }: Context,
  previous: ClusterStatus | undefined,
  now: number,
): CareView {
  const { cluster } = inputs
  const set = options.owned.statefulSets.get(`${cluster.metadata.namespace}/${etcdName(inputs)}`)
  const ready = set === undefined ? 0 : workloadOf(set).ready
  const report = options.etcdReport(keyOf(cluster))
  const bucket = options.bucketReport(keyOf(cluster))
  return { now, inputs, previous, etcd, security, report, bucket, ready, pods: podsOf(options, cluster) }
}

/** Conditions that came about with this status and that somebody should hear of. */
const ALARMS: readonly (readonly [type: string, reason: string, event: ClusterEvent])[] = [
  ['LagScalingIneffective', 'NoGain', 'LagScalingFrozen'],
  ['ScalingConflict', 'DeploymentScaledByOther', 'ScalingConflict'],
  ['CertificatesReady', 'CertificateExpiring', 'CertificateExpiring'],
  ['CertificatesReady', 'CertificateExpired', 'CertificateExpired'],
]

function tellOfNews({ onEvent }: ClusterReconcilerOptions, cluster: KafScaleCluster, status: ClusterStatus): void {
  const { conditions = [] } = status
  for (const [type, reason, event] of ALARMS) {
    const found = conditions.find(condition => condition.type === type && condition.reason === reason)
    const before = cluster.status?.conditions?.find(condition => condition.type === type)
    if (found !== undefined && before?.reason !== reason) onEvent(cluster, event, found.message)
  }
  for (const member of newlyReplaced(cluster.status, status)) {
    const note = `${member} had lost its data; it left the others and joined them anew.`
    onEvent(cluster, 'EtcdMemberReplaced', note)
  }
}

function viewOf(
  options: ClusterReconcilerOptions,
  context: Context,
  outcome: Outcome,
  previous: ClusterStatus | undefined,
): ClusterView {
  const { inputs, refusal, pause, look, rival, scaleRefusal } = context
  const { namespace, name } = inputs.cluster.metadata
  const key = `${namespace}/${name}`
  const deployment = options.owned.deployments.get(`${namespace}/${brokersName(inputs)}`)
  const console = options.owned.deployments.get(`${namespace}/${consoleName(inputs)}`)
  const etcd = options.owned.statefulSets.get(`${namespace}/${etcdName(inputs)}`)
  const pods = brokerPods(inputs.cluster, options.pods.by(BY_CLUSTER, key))
  return {
    inputs,
    previous,
    refusal,
    failure: failureOf(outcome),
    brokers: deployment === undefined ? undefined : workloadOf(deployment),
    console: console === undefined ? undefined : workloadOf(console),
    rolloutReasons: rolloutReasons(deployment),
    etcd: etcd === undefined ? undefined : workloadOf(etcd),
    troubles: pods.flatMap(pod => troubleOf(pod) ?? []),
    topics: { managed: options.topics.by(BY_CLUSTER, key).length },
    orphans: options.orphansOf(key),
    pause,
    look,
    rival,
    scaleRefusal,
  }
}

function failureOf(outcome: Outcome): ClusterView['failure'] {
  if (outcome.kind !== 'fail') return undefined
  const { cause } = outcome
  if (cause instanceof NameConflict) return { reason: 'NameConflict', message: cause.message }
  // Others heal by themselves and are tried again.
  if (isKubeError(cause, 'Invalid', 'Forbidden', 'BadRequest'))
    return { reason: 'ApiServerRefused', message: cause.message }
  return undefined
}

/** As the cache has it after what this pass wrote. */
function latest({ clusters }: ClusterReconcilerOptions, cluster: KafScaleCluster): KafScaleCluster {
  const found = clusters.get(keyOf(cluster))
  return found !== undefined && found.metadata.uid === cluster.metadata.uid ? found : cluster
}
