// KafScaleCluster: makes what Kubernetes has equal to what the spec says, and tells of it in the status.
//
// Steps: accept -> objects -> surplus -> replicas. What a step cannot do shows in the status; the workload that runs is left
// as it is. A paused cluster only gets its status.
//
// A new number of brokers is told in the status before it is written: a leader that ends in between leaves a change that
// limits the next ones although it did not happen, never one that happened and limits nothing.

import type { Clock } from '../../broker/clock.ts'
import type { BucketReport } from '../bucket/look.ts'
import type { EtcdReport } from '../etcd/care.ts'
import { isRestoring } from '../etcd/life.ts'
import type { Applier } from '../runtime/applier.ts'
import type { Pass, Reconciler } from '../runtime/controller.ts'
import { isKubeError, NameConflict } from '../runtime/errors.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import { type KubeObject, keyOf, type Manifest } from '../runtime/object.ts'
import { RESOURCES, type Resource, resourceName } from '../runtime/resource.ts'
import { fail, next, type Outcome, wait } from '../runtime/step.ts'
import type { Objects } from '../runtime/store.ts'
import type { Look } from '../scaling/autoscaler.ts'
import { DELETION_COST, VICTIM_COST, victims } from '../scaling/victims.ts'
import { CLUSTER, type ClusterStatus, type KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type Pause, pauseOf } from '../types/pause.ts'
import { referredSecrets, refusalOf } from './accept.ts'
import { type CareView, careStatus, newlyReplaced } from './care-status.ts'
import { listenersOf } from './desired/listeners.ts'
import { brokersName, etcdName, MANAGED_BY } from './desired/names.ts'
import { desiredObjects } from './desired/objects.ts'
import type { EtcdStand, EtcdStanding } from './etcd-stand.ts'
import type { AssignedAddress, ClusterInputs, OperatorDefaults, SecretVersion } from './inputs.ts'
import { troubleOf, workloadOf } from './live.ts'
import { desiredReplicas } from './replicas.ts'
import { rolloutReasons, withRolloutReasons } from './rollout.ts'
import { brokerPods } from './scale-target.ts'
import { type ClusterView, clusterStatus } from './status.ts'

export const OPERATOR_MANAGER = MANAGED_BY
/** Sets the number of pods, and nothing else. */
export const SCALER_MANAGER = 'kafscale-autoscaler'

/** Of each kind that clusters own, what there is. */
export type OwnedKind =
  | 'serviceAccounts'
  | 'configMaps'
  | 'services'
  | 'networkPolicies'
  | 'podDisruptionBudgets'
  | 'deployments'
  | 'statefulSets'
  | 'cronJobs'

export const OWNED_KINDS: readonly OwnedKind[] = [
  'serviceAccounts',
  'configMaps',
  'services',
  'networkPolicies',
  'podDisruptionBudgets',
  'deployments',
  'statefulSets',
  'cronJobs',
]

/** Index of owned objects by the uid of their controller. */
export const BY_OWNER = 'owner'
/** Index of pods by the cluster that they belong to, `namespace/name`. */
export const BY_CLUSTER = 'cluster'
/** Index of autoscalers by the Deployment that they scale, `namespace/name`. */
export const BY_TARGET = 'target'

export type ClusterEvent =
  | 'Rescaled'
  | 'RescaleFailed'
  | 'LagScalingFrozen'
  | 'ScalingConflict'
  | 'RollingOut'
  | 'EtcdMemberReplaced'

export interface ClusterReconcilerOptions {
  readonly client: KubeClient
  readonly applier: Applier
  readonly clock: Clock
  readonly defaults: OperatorDefaults
  readonly clusters: Objects<KafScaleCluster>
  readonly owned: Readonly<Record<OwnedKind, Objects<Manifest>>>
  readonly pods: Objects<KubeObject>
  /** Only metadata. */
  readonly secrets: Objects<KubeObject>
  /** KafScaleTopics by cluster. */
  readonly topics: Objects<KubeObject>
  /** HorizontalPodAutoscalers, by what they scale. */
  readonly autoscalers: Objects<KubeObject>
  /** What was last seen of the load of a cluster. */
  readonly lookAt: (key: string, uid: string | undefined) => Look | undefined
  /** Topics that outlived their KafScaleTopic, of a cluster, and that the status does not have yet. */
  readonly orphansOf: (key: string) => readonly Orphan[]
  readonly onEvent: (cluster: KafScaleCluster, event: ClusterEvent, note: string) => void
  readonly has: () => ClusterInputs['has']
  readonly etcd: EtcdStand
  /** What was seen last of the members of its etcd. */
  readonly etcdReport: (key: string) => EtcdReport | undefined
  /** How its bucket was found last. */
  readonly bucketReport: (key: string) => BucketReport | undefined
  /** Tells of what was written, so that the caches have it at once. */
  readonly onWrite: (resource: Resource, object: Manifest) => void
}

export type Orphan = NonNullable<ClusterStatus['orphans']>[number]

interface Context {
  inputs: ClusterInputs
  readonly pass: Pass
  readonly pause: Pause | undefined
  readonly look: Look | undefined
  /** Name of an autoscaler that has the Deployment as its target. */
  readonly rival: string | undefined
  refusal: ClusterView['refusal']
  /** Why the number of brokers could not be written. */
  scaleRefusal: string | undefined
  etcd: EtcdStanding | undefined
}

/** After this the status is looked at again while brokers start, should a change of theirs be missed. */
const LOOK_AGAIN_MS = 10_000
/** A settled cluster is looked at again by then anyway. */
const RESYNC_MS = 600_000

export function clusterReconciler(options: ClusterReconcilerOptions): Reconciler<Context> {
  return {
    name: 'kafscalecluster',
    begin: (key, pass) => begin(options, key, pass),
    steps: [
      { name: 'accept', run: context => accept(options, context) },
      { name: 'etcd', run: context => establishEtcd(options, context) },
      { name: 'objects', run: context => applyObjects(options, context) },
      { name: 'surplus', run: context => removeSurplus(options, context) },
      { name: 'replicas', run: context => setReplicas(options, context) },
      { name: 'readiness', run: context => awaitReadiness(options, context) },
      { name: 'pause', run: context => awaitEndOfPause(options, context) },
      { name: 'renewal', run: context => awaitRenewal(options, context) },
    ],
    end: (context, outcome) => writeStatus(options, context, outcome),
  }
}

function begin(options: ClusterReconcilerOptions, key: string, pass: Pass): Context | undefined {
  const cluster = options.clusters.get(key)
  // What it owns goes with it: the garbage collector of Kubernetes sees to that.
  if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return undefined
  const inputs = {
    cluster,
    operator: options.defaults,
    secrets: secretsOf(options, cluster),
    assigned: new Map(),
    has: options.has(),
  }
  const deployment = `${cluster.metadata.namespace}/${brokersName(inputs)}`
  return {
    inputs: { ...inputs, assigned: assignedOf(options, inputs) },
    pass,
    pause: pauseOf(cluster, options.clock.now()),
    look: options.lookAt(key, cluster.metadata.uid),
    rival: options.autoscalers.by(BY_TARGET, deployment)[0]?.metadata.name,
    refusal: undefined,
    scaleRefusal: undefined,
    etcd: undefined,
  }
}

function secretsOf({ secrets }: ClusterReconcilerOptions, cluster: KafScaleCluster): SecretVersion[] {
  const { namespace } = cluster.metadata
  return referredSecrets(cluster).flatMap(({ name }) => {
    const found = secrets.get(`${namespace}/${name}`)
    return found === undefined ? [] : [{ name, version: `${found.metadata.uid}.${found.metadata.resourceVersion}` }]
  })
}

function assignedOf(options: ClusterReconcilerOptions, inputs: ClusterInputs): ReadonlyMap<string, AssignedAddress> {
  return new Map(
    listenersOf(inputs).flatMap(({ name, service }) => {
      const live = options.owned.services.get(`${inputs.cluster.metadata.namespace}/${service}`)
      return live === undefined ? [] : [[name, addressOf(live, name)]]
    }),
  )
}

function addressOf(service: Manifest, port: string): AssignedAddress {
  const ingress = at(service, 'status', 'loadBalancer', 'ingress', 0)
  const ports = at(service, 'spec', 'ports')
  const own = Array.isArray(ports) ? ports.find(one => at(one, 'name') === port) : undefined
  const loadBalancer = at(ingress, 'hostname') ?? at(ingress, 'ip')
  const nodePort = at(own, 'nodePort')
  return {
    loadBalancer: typeof loadBalancer === 'string' ? loadBalancer : undefined,
    nodePort: typeof nodePort === 'number' ? nodePort : undefined,
  }
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = Object.entries(found).find(([name]) => name === String(step))?.[1]
  }
  return found
}

async function accept(options: ClusterReconcilerOptions, context: Context): Promise<Outcome> {
  context.refusal = refusalOf(context.inputs)
  if (context.refusal !== undefined) return fail(context.refusal.reason, new Error(context.refusal.message), true)
  if (context.pause?.level !== 'all') return next
  const ending = await awaitEndOfPause(options, context)
  return ending === next ? wait('Paused', LOOK_AGAIN_MS * 60) : ending
}

async function awaitEndOfPause({ clock }: ClusterReconcilerOptions, { pause }: Context): Promise<Outcome> {
  if (pause?.until === undefined) return next
  // A timer fires at its time at the earliest, but a clock that was set back may show less.
  return wait('Paused', Math.max(pause.until - clock.now(), 1000))
}

async function establishEtcd(options: ClusterReconcilerOptions, context: Context): Promise<Outcome> {
  context.etcd = await options.etcd.establish(context.inputs, context.pass.signal)
  context.inputs = { ...context.inputs, etcd: context.etcd }
  return next
}

/** Certificates are renewed in time, however quiet it is. */
async function awaitRenewal({ clock }: ClusterReconcilerOptions, { etcd }: Context): Promise<Outcome> {
  const due = etcd?.certificates?.lookAgainAt
  const inMs = due === undefined ? Number.POSITIVE_INFINITY : Math.max(due - clock.now(), 1000)
  return inMs < RESYNC_MS ? wait('CertificatesDue', inMs) : next
}

async function applyObjects(options: ClusterReconcilerOptions, { inputs, pass, pause }: Context): Promise<Outcome> {
  for (const object of desiredObjects(inputs)) {
    const resource = resourceOf(object)
    const live = liveOf(options, resource, object)
    const isWorkload = resource === RESOURCES.deployments || resource === RESOURCES.statefulSets
    if (isWorkload && live !== undefined && pause?.level === 'pods') continue
    const desired = resource === RESOURCES.deployments ? withRolloutReasons(object, live) : object
    const { change, object: written } = await options.applier.apply({
      resource,
      desired,
      live,
      owner: inputs.cluster,
      signal: pass.signal,
    })
    if (change === 'none') continue
    options.onWrite(resource, written)
    pass.log.info({ object: `${resourceName(resource)} ${keyOf(written)}`, change }, 'object written')
    tellOfRollout(options, inputs.cluster, live, written)
  }
  return next
}

/** What an earlier spec asked for and this one does not. */
async function removeSurplus(options: ClusterReconcilerOptions, { inputs, pass }: Context): Promise<Outcome> {
  const wanted = new Set(desiredObjects(inputs).map(object => `${object.kind} ${object.metadata.name}`))
  const uid = inputs.cluster.metadata.uid ?? ''
  for (const kind of OWNED_KINDS) {
    for (const live of options.owned[kind].by(BY_OWNER, uid)) {
      if (wanted.has(`${RESOURCES[kind].kind} ${live.metadata.name}`)) continue
      const isGone = await options.applier.remove(RESOURCES[kind], live, inputs.cluster, pass.signal)
      if (isGone)
        pass.log.info({ object: `${kind} ${keyOf(live)}` }, 'object removed, the spec does not ask for it any more')
    }
  }
  return next
}

/** New reasons are those of pods that begin to be replaced now. */
function tellOfRollout(
  { onEvent }: ClusterReconcilerOptions,
  cluster: KafScaleCluster,
  live: Manifest | undefined,
  written: Manifest,
): void {
  const reasons = rolloutReasons(written).join('; ')
  const isNew = live !== undefined && reasons !== '' && reasons !== rolloutReasons(live).join('; ')
  if (isNew) onEvent(cluster, 'RollingOut', `The brokers are replaced one after the other: ${reasons}.`)
}

async function setReplicas(options: ClusterReconcilerOptions, context: Context): Promise<Outcome> {
  const { inputs, pass, look, pause, rival } = context
  const { cluster } = inputs
  const { namespace } = cluster.metadata
  const name = brokersName(inputs)
  const live = options.owned.deployments.get(`${namespace}/${name}`)
  const brokers = live === undefined ? undefined : workloadOf(live)
  const now = brokers?.wanted
  // What is restored must find nobody who still writes for what was.
  const mustRest = inputs.etcd !== undefined && isRestoring(inputs.etcd.life)
  const desired = mustRest ? 0 : desiredReplicas(cluster, brokers, look)
  // Two that set one number would undo each other for ever, so the other one has it; the condition says so.
  const isLeftAlone = pause?.level === 'scaling' || (rival !== undefined && !cluster.spec.hibernation.enabled)
  const isByLoad = look?.decision.desired === desired && cluster.spec.scaling.mode === 'Auto'
  // A size that nobody has set is not changed but begun with; the load alone may change it.
  const isFirst = brokers?.isSized !== true && !isByLoad
  if (now === desired || (!isFirst && isLeftAlone && !mustRest)) return next
  if (isByLoad) await writeStatus(options, context, next)
  if (isByLoad && now !== undefined && desired < now) await markVictims(options, context, now - desired)
  try {
    await options.client.scale(RESOURCES.deployments, { namespace, name }, desired, {
      manager: SCALER_MANAGER,
      signal: pass.signal,
    })
  } catch (cause) {
    if (isKubeError(cause)) {
      context.scaleRefusal = `${desired} brokers could not be set: ${cause.message}`
      if (!isFirst) options.onEvent(cluster, 'RescaleFailed', context.scaleRefusal)
    }
    throw cause
  }
  pass.log.info({ from: now, to: desired }, 'number of brokers set')
  if (!isFirst && now !== 0 && desired > 0) {
    const why = isByLoad ? look.decision.explanation : `brokers.replicas is ${desired}.`
    options.onEvent(cluster, 'Rescaled', `New size: ${desired}; reason: ${why}`)
  }
  return next
}

/** Makes Kubernetes take the brokers whose end disturbs the fewest clients. */
async function markVictims(options: ClusterReconcilerOptions, context: Context, count: number): Promise<void> {
  const { inputs, look, pass } = context
  const { namespace, name } = inputs.cluster.metadata
  const chosen = new Set(victims(look?.observation.brokers ?? [], count))
  for (const pod of brokerPods(inputs.cluster, options.pods.by(BY_CLUSTER, `${namespace}/${name}`))) {
    const isVictim = chosen.has(pod.metadata.name)
    if ((pod.metadata.annotations?.[DELETION_COST] === VICTIM_COST) === isVictim) continue
    const metadata = {
      name: pod.metadata.name,
      namespace,
      uid: pod.metadata.uid,
      ...(isVictim ? { annotations: { [DELETION_COST]: VICTIM_COST } } : {}),
    }
    const manifest = { apiVersion: 'v1', kind: 'Pod', metadata }
    const written = options.client.apply(RESOURCES.pods, manifest, {
      manager: SCALER_MANAGER,
      force: true,
      signal: pass.signal,
    })
    // A pod that went meanwhile needs no mark.
    await written.catch((cause: unknown) => {
      if (!isKubeError(cause, 'NotFound', 'Conflict')) throw cause
    })
  }
}

async function awaitReadiness(options: ClusterReconcilerOptions, { inputs, look }: Context): Promise<Outcome> {
  const live = options.owned.deployments.get(`${inputs.cluster.metadata.namespace}/${brokersName(inputs)}`)
  const brokers = live === undefined ? undefined : workloadOf(live)
  const desired = desiredReplicas(inputs.cluster, brokers, look)
  const isDone = brokers !== undefined && !brokers.isRollingOut && brokers.ready >= desired
  return isDone ? next : wait('BrokersNotReady', LOOK_AGAIN_MS)
}

async function writeStatus(options: ClusterReconcilerOptions, context: Context, outcome: Outcome): Promise<void> {
  const live = latest(options, context.inputs.cluster)
  const now = options.clock.now()
  const plain = clusterStatus(now, viewOf(options, context, outcome, live.status))
  const status = careStatus(plain, careView(options, context, live.status, now))
  tellOfConditions(options, live, status)
  for (const member of newlyReplaced(live.status, status)) {
    const note = `${member} had lost its data; it left the others and joined them anew.`
    options.onEvent(live, 'EtcdMemberReplaced', note)
  }
  const written = await options.applier.applyStatus({ resource: CLUSTER, live, status, signal: context.pass.signal })
  if (written !== undefined) options.onWrite(CLUSTER, written)
}

function careView(
  options: ClusterReconcilerOptions,
  { inputs, etcd }: Context,
  previous: ClusterStatus | undefined,
  now: number,
): CareView {
  const { cluster } = inputs
  const set = options.owned.statefulSets.get(`${cluster.metadata.namespace}/${etcdName(inputs)}`)
  const ready = set === undefined ? 0 : workloadOf(set).ready
  const report = options.etcdReport(keyOf(cluster))
  const bucket = options.bucketReport(keyOf(cluster))
  return { now, inputs, previous, etcd, report, bucket, ready, pods: podsOf(options, cluster) }
}

/** As the cache has it after what this pass wrote. */
function latest({ clusters }: ClusterReconcilerOptions, cluster: KafScaleCluster): KafScaleCluster {
  const found = clusters.get(keyOf(cluster))
  return found !== undefined && found.metadata.uid === cluster.metadata.uid ? found : cluster
}

/** Conditions that came about with this status and that somebody should hear of. */
const ALARMS: readonly (readonly [type: string, reason: string, event: ClusterEvent])[] = [
  ['LagScalingIneffective', 'NoGain', 'LagScalingFrozen'],
  ['ScalingConflict', 'DeploymentScaledByOther', 'ScalingConflict'],
]

function tellOfConditions(
  { onEvent }: ClusterReconcilerOptions,
  cluster: KafScaleCluster,
  { conditions = [] }: ClusterStatus,
): void {
  for (const [type, reason, event] of ALARMS) {
    const found = conditions.find(condition => condition.type === type && condition.reason === reason)
    const before = cluster.status?.conditions?.find(condition => condition.type === type)
    if (found !== undefined && before?.reason !== reason) onEvent(cluster, event, found.message)
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
  const etcd = options.owned.statefulSets.get(`${namespace}/${etcdName(inputs)}`)
  const pods = brokerPods(inputs.cluster, options.pods.by(BY_CLUSTER, key))
  return {
    inputs,
    previous,
    refusal,
    failure: failureOf(outcome),
    brokers: deployment === undefined ? undefined : workloadOf(deployment),
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

export const podsOf = (
  { pods }: Pick<ClusterReconcilerOptions, 'pods'>,
  { metadata }: Pick<KafScaleCluster, 'metadata'>,
): readonly KubeObject[] => pods.by(BY_CLUSTER, `${metadata.namespace}/${metadata.name}`)

function failureOf(outcome: Outcome): ClusterView['failure'] {
  if (outcome.kind !== 'fail') return undefined
  const { cause } = outcome
  if (cause instanceof NameConflict) return { reason: 'NameConflict', message: cause.message }
  // Others heal by themselves and are tried again.
  if (isKubeError(cause, 'Invalid', 'Forbidden', 'BadRequest'))
    return { reason: 'ApiServerRefused', message: cause.message }
  return undefined
}

const BY_KIND = new Map(Object.values(RESOURCES).map(resource => [resource.kind, resource]))

function resourceOf({ kind }: Manifest): Resource {
  const found: Resource | undefined = BY_KIND.get(kind)
  if (found === undefined) throw new Error(`there is no resource for the kind ${kind}`)
  return found
}

function liveOf(options: ClusterReconcilerOptions, resource: Resource, desired: Manifest): Manifest | undefined {
  const kind = OWNED_KINDS.find(one => RESOURCES[one].kind === resource.kind)
  return kind === undefined ? undefined : options.owned[kind].get(keyOf(desired))
}
