// The status of a cluster: a pure function of what is wanted and what is seen. It says nothing that changes by itself, so
// that a settled cluster is not written.

import { type Condition, type Finding, mergeConditions } from '../types/condition.ts'
import { CLUSTER_CONDITIONS, finder } from '../types/conditions.ts'
import { managedEtcdOf } from '../types/etcd.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import type { Refusal } from './accept.ts'
import { brokerImage } from './desired/brokers.ts'
import { etcdEndpoints } from './desired/etcd-endpoints.ts'
import { bootstrapServers } from './desired/listeners.ts'
import { selectorText } from './desired/names.ts'
import { etcdPrefix, objectPrefix } from './desired/settings.ts'
import type { ClusterInputs } from './inputs.ts'
import type { Trouble, Workload } from './live.ts'
import { desiredReplicas } from './replicas.ts'

export interface ClusterView {
  readonly inputs: ClusterInputs
  readonly refusal: Refusal | undefined
  /** What the pass failed with, when it did. */
  readonly failure: { readonly reason: 'NameConflict' | 'ApiServerRefused'; readonly message: string } | undefined
  readonly brokers: Workload | undefined
  /** Of the managed etcd. */
  readonly etcd: Workload | undefined
  readonly troubles: readonly Trouble[]
  readonly topics: { readonly managed: number }
}

type Say = ReturnType<typeof finder<typeof CLUSTER_CONDITIONS>>

/** `now` in ms since 1970. */
export function clusterStatus(now: number, view: ClusterView): ClusterStatus {
  const { inputs, brokers } = view
  const { metadata, status: previous } = inputs.cluster
  const say = finder(CLUSTER_CONDITIONS, metadata.generation)
  const found = conditionsOf(say, view)
  const endpoints = bootstrapServers(inputs)
  const desired = desiredReplicas(inputs.cluster, brokers?.wanted)
  const ready = brokers?.ready ?? 0
  return {
    ...previous,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase: found.find(({ type }) => type === 'Ready')?.reason,
    conditions: [...mergeConditions(listOf(previous?.conditions), found, now)],
    endpoint: endpoints[0]?.bootstrapServers,
    endpoints,
    brokers: {
      replicas: brokers?.replicas ?? 0,
      desired,
      ready,
      updated: brokers?.updated ?? 0,
      selector: selectorText(inputs, 'broker'),
      summary: `${ready}/${desired}`,
      image: brokerImage(inputs),
    },
    scaling: { mode: inputs.cluster.spec.scaling.mode, summary: inputs.cluster.spec.scaling.mode },
    etcd: etcdStatus(view),
    topics: view.topics,
    effective: {
      's3.prefix': objectPrefix(inputs),
      'etcd.prefix': etcdPrefix(inputs),
      'brokers.replicas': String(desired),
      'brokers.image': brokerImage(inputs),
    },
  }
}

const listOf = (conditions: readonly Condition[] | undefined): readonly Condition[] => conditions ?? []

function conditionsOf(say: Say, view: ClusterView): Finding[] {
  const { cluster } = view.inputs
  const { mode } = cluster.spec.scaling
  const isQuiet = cluster.spec.paused || cluster.spec.hibernation.enabled
  const stalled = view.refusal ?? view.failure
  return [
    readiness(say, view),
    stalled === undefined && isUnderWay(view) ? say('Reconciling', 'Progressing') : say('Reconciling', 'Settled'),
    stalled === undefined ? say('Stalled', 'NotStalled') : say('Stalled', stalled.reason, stalled.message),
    view.refusal === undefined
      ? say('Accepted', 'Accepted')
      : say('Accepted', view.refusal.reason, view.refusal.message),
    etcdFinding(say, view),
    say('BucketReady', 'BucketNotChecked'),
    cluster.spec.paused ? say('Paused', 'Paused') : say('Paused', 'NotPaused'),
    mode === 'External' && !isQuiet ? say('ScalingActive', 'ExternalScaler') : say('ScalingActive', 'ScalingDisabled'),
  ]
}

function isUnderWay({ brokers, inputs: { cluster } }: ClusterView): boolean {
  if (brokers === undefined) return true
  return brokers.isRollingOut || brokers.ready < desiredReplicas(cluster, brokers.wanted)
}

/** From what stands in the way the most. */
function readiness(say: Say, view: ClusterView): Finding {
  const { inputs, refusal, failure, brokers, troubles } = view
  const { spec, metadata } = inputs.cluster
  if (metadata.deletionTimestamp !== undefined) return say('Ready', 'Deleting')
  if (refusal !== undefined) return say('Ready', refusal.reason, refusal.message)
  if (failure !== undefined) return say('Ready', failure.reason, failure.message)
  if (spec.hibernation.enabled) return say('Ready', 'Hibernated')
  const desired = desiredReplicas(inputs.cluster, brokers?.wanted)
  if (brokers !== undefined && !brokers.isRollingOut && brokers.ready >= desired) return say('Ready', 'Ready')
  const [trouble] = troubles
  if (trouble !== undefined) return say('Ready', trouble.kind, trouble.message)
  if (etcdIsDown(view)) return say('Ready', 'EtcdUnavailable')
  return say('Ready', 'Progressing', `${brokers?.ready ?? 0} of ${desired} brokers are ready.`)
}

function etcdIsDown({ inputs, etcd }: ClusterView): boolean {
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  return managed !== undefined && (etcd?.ready ?? 0) < quorum(managed.replicas)
}

const quorum = (members: number): number => Math.floor(members / 2) + 1

function etcdFinding(say: Say, { inputs, etcd }: ClusterView): Finding {
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  if (managed === undefined) return say('EtcdReady', 'EtcdExternal')
  const ready = etcd?.ready ?? 0
  if (ready >= quorum(managed.replicas)) return say('EtcdReady', 'EtcdReady')
  return say('EtcdReady', 'EtcdStarting', `${ready} of ${managed.replicas} members are ready.`)
}

function etcdStatus({ inputs, etcd }: ClusterView): ClusterStatus['etcd'] {
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  const endpoints = [...etcdEndpoints(inputs)]
  if (managed === undefined) return { managed: false, endpoints }
  return { managed: true, endpoints, ready: etcd?.ready ?? 0, members: managed.replicas }
}
