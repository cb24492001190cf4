// The status of a cluster: a pure function of what is wanted and what is seen. It says nothing that changes by itself, so
// that a settled cluster is not written.

import type { Look } from '../scaling/autoscaler.ts'
import { lagReport, scalingReport } from '../scaling/report.ts'
import { type Condition, type Finding, mergeConditions } from '../types/condition.ts'
import { CLUSTER_CONDITIONS, finder } from '../types/conditions.ts'
import { managedEtcdOf } from '../types/etcd.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import type { Pause } from '../types/pause.ts'
import type { Refusal } from './accept.ts'
import { brokerImage } from './desired/brokers.ts'
import { consoleUrl } from './desired/console.ts'
import { consoleListener } from './desired/console-listener.ts'
import { etcdEndpoints } from './desired/etcd-endpoints.ts'
import { bootstrapServers } from './desired/listeners.ts'
import { selectorText } from './desired/names.ts'
import { etcdPrefix, objectPrefix } from './desired/settings.ts'
import type { ClusterInputs } from './inputs.ts'
import type { Trouble, Workload } from './live.ts'
import { desiredReplicas } from './replicas.ts'

export interface ClusterView {
  readonly inputs: ClusterInputs
  /** The status as it was told last. */
  readonly previous: ClusterStatus | undefined
  readonly refusal: Refusal | undefined
  /** What the pass failed with, when it did. */
  readonly failure: { readonly reason: 'NameConflict' | 'ApiServerRefused'; readonly message: string } | undefined
  readonly brokers: Workload | undefined
  readonly console: Workload | undefined
  /** Of the managed etcd. */
  readonly etcd: Workload | undefined
  readonly troubles: readonly Trouble[]
  readonly topics: { readonly managed: number }
  readonly rolloutReasons: readonly string[]
  /** Topics that outlived their KafScaleTopic, and that were not told of yet. */
  readonly orphans: readonly NonNullable<ClusterStatus['orphans']>[number][]
  readonly pause: Pause | undefined
  readonly look: Look | undefined
  /** An autoscaler that has the Deployment as its target. */
  readonly rival: string | undefined
  /** Why the number of brokers could not be written. */
  readonly scaleRefusal: string | undefined
}

type Say = ReturnType<typeof finder<typeof CLUSTER_CONDITIONS>>

/** `now` in ms since 1970. */
export function clusterStatus(now: number, view: ClusterView): ClusterStatus {
  const { inputs, brokers } = view
  const { previous } = view
  const { metadata } = inputs.cluster
  const say = finder(CLUSTER_CONDITIONS, metadata.generation)
  const found = conditionsOf(say, view)
  const endpoints = bootstrapServers(inputs)
  const desired = desiredReplicas(inputs.cluster, brokers, view.look)
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
      ...(view.rolloutReasons.length === 0 ? {} : { rolloutReasons: [...view.rolloutReasons] }),
    },
    console: consoleStatus(view),
    ...loadStatus(view),
    ...orphanStatus(view),
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

function consoleStatus({ inputs, console: pods }: ClusterView): ClusterStatus['console'] {
  const [url, listener] = [consoleUrl(inputs), consoleListener(inputs)?.name]
  if (url === undefined || listener === undefined) return undefined
  return { url, listener, ready: (pods?.ready ?? 0) > 0 }
}

/** What follows from the load, where it was looked at; what was told last stays until then. */
function loadStatus({ inputs, look, previous }: ClusterView): Pick<ClusterStatus, 'scaling' | 'lag' | 'version'> {
  const { scaling: spec, hibernation } = inputs.cluster.spec
  const { mode } = spec
  const lag = look === undefined ? previous?.lag : lagReport(spec, look, previous?.lag)
  const version = look?.version ?? previous?.version
  const told = previous?.scaling?.mode === mode ? previous.scaling : { mode, summary: mode }
  const report = look === undefined ? told : scalingReport(spec, look, told)
  return {
    scaling: mode === 'Manual' || hibernation.enabled ? { ...told, mode, summary: mode } : report,
    ...(lag === undefined ? {} : { lag }),
    ...(version === undefined ? {} : { version }),
  }
}

const MOST_ORPHANS = 100

function orphanStatus({ orphans, previous }: ClusterView): Pick<ClusterStatus, 'orphans'> {
  const known = previous?.orphans ?? []
  const all = [...known, ...orphans.filter(({ uid }) => !known.some(orphan => orphan.uid === uid))]
  return all.length === 0 ? {} : { orphans: all.slice(-MOST_ORPHANS) }
}

const listOf = (conditions: readonly Condition[] | undefined): readonly Condition[] => conditions ?? []

function conditionsOf(say: Say, view: ClusterView): Finding[] {
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
    view.pause === undefined ? say('Paused', 'NotPaused') : say('Paused', 'Paused', view.pause.message),
    ...scalingFindings(say, view),
  ]
}

const SCALING_TYPES = new Set(['AbleToScale', 'ScalingLimited', 'LagScalingIneffective'])

function scalingFindings(say: Say, view: ClusterView): Finding[] {
  const { rival } = view
  const conflict =
    rival === undefined
      ? say('ScalingConflict', 'NoConflict')
      : say('ScalingConflict', 'DeploymentScaledByOther', conflictWords(view, rival))
  return [...activity(say, view), conflict]
}

function conflictWords({ inputs }: ClusterView, rival: string): string {
  const { name } = inputs.cluster.metadata
  return `HorizontalPodAutoscaler ${rival} has the Deployment as its target, so it is left to it: set its scaleTargetRef to KafScaleCluster ${name} and scaling.mode to External, or delete it.`
}

function activity(say: Say, view: ClusterView): Finding[] {
  const { inputs, look, pause, scaleRefusal } = view
  const { mode } = inputs.cluster.spec.scaling
  const { hibernation } = inputs.cluster.spec
  const isPaused = pause?.level === 'all' || pause?.level === 'scaling'
  if (mode === 'Manual') return [say('ScalingActive', 'ScalingDisabled', 'scaling.mode is Manual.')]
  if (hibernation.enabled) return [say('ScalingActive', 'ScalingDisabled', 'The cluster is hibernated.')]
  if (isPaused) return [say('ScalingActive', 'ScalingDisabled', pause.message), ...seen(view)]
  if (mode === 'External') return [say('ScalingActive', 'ExternalScaler')]
  const isBlind = look?.decision.findings.some(({ reason }) => reason === 'FailedGetMetrics') ?? false
  if (mode === 'Recommend' && !isBlind) return [say('ScalingActive', 'Recommending'), ...seen(view)]
  const found = seen(view)
  if (found.length === 0) return [say('ScalingActive', 'FailedGetMetrics', 'The signals have not been looked at yet.')]
  const active = look === undefined || isBlind ? 'FailedGetMetrics' : 'ValidMetricFound'
  const kept = look === undefined ? previousFinding(view, 'ScalingActive') : undefined
  const able = scaleRefusal === undefined ? [] : [say('AbleToScale', 'FailedUpdateScale', scaleRefusal)]
  return [kept ?? say('ScalingActive', active), ...able, ...found.filter(({ type }) => able[0]?.type !== type)]
}

/** What the last look found; what the last leader told, until there was one. */
function seen({ look, previous }: ClusterView): Finding[] {
  const all: readonly Finding[] = look?.decision.findings ?? previous?.conditions ?? []
  return all.filter(({ type }) => SCALING_TYPES.has(type)).map(withoutTime)
}

function previousFinding({ previous }: ClusterView, type: string): Finding | undefined {
  const found = previous?.conditions?.find(condition => condition.type === type)
  return found && withoutTime(found)
}

const withoutTime = ({ type, status, reason, message, observedGeneration }: Finding): Finding => ({
  type,
  status,
  reason,
  message,
  ...(observedGeneration === undefined ? {} : { observedGeneration }),
})

function isUnderWay({ brokers, look, inputs: { cluster } }: ClusterView): boolean {
  if (brokers === undefined) return true
  return brokers.isRollingOut || brokers.ready < desiredReplicas(cluster, brokers, look)
}

/** From what stands in the way the most. */
function readiness(say: Say, view: ClusterView): Finding {
  const { inputs, refusal, failure, brokers, troubles } = view
  const { spec, metadata } = inputs.cluster
  if (metadata.deletionTimestamp !== undefined) return say('Ready', 'Deleting')
  if (refusal !== undefined) return say('Ready', refusal.reason, refusal.message)
  if (failure !== undefined) return say('Ready', failure.reason, failure.message)
  if (spec.hibernation.enabled) return say('Ready', 'Hibernated')
  const desired = desiredReplicas(inputs.cluster, brokers, view.look)
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
