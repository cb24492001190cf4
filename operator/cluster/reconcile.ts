// KafScaleCluster: makes what Kubernetes has equal to what the spec says, and tells of it in the status.
//
// Steps: accept -> objects -> surplus -> replicas. What a step cannot do shows in the status; the workload that runs is left
// as it is. A paused cluster only gets its status.

import type { Clock } from '../../broker/clock.ts'
import type { Applier } from '../runtime/applier.ts'
import type { Pass, Reconciler } from '../runtime/controller.ts'
import { isKubeError, NameConflict } from '../runtime/errors.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import { type KubeObject, keyOf, type Manifest } from '../runtime/object.ts'
import { RESOURCES, type Resource, resourceName } from '../runtime/resource.ts'
import { fail, next, type Outcome, wait } from '../runtime/step.ts'
import type { Objects } from '../runtime/store.ts'
import { CLUSTER, type KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { referredSecrets, refusalOf } from './accept.ts'
import { listenersOf } from './desired/listeners.ts'
import { brokersName, etcdName, MANAGED_BY, selectorLabels } from './desired/names.ts'
import { desiredObjects } from './desired/objects.ts'
import type { AssignedAddress, ClusterInputs, OperatorDefaults, SecretVersion } from './inputs.ts'
import { troubleOf, workloadOf } from './live.ts'
import { desiredReplicas } from './replicas.ts'
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

export const OWNED_KINDS: readonly OwnedKind[] = [
  'serviceAccounts',
  'configMaps',
  'services',
  'networkPolicies',
  'podDisruptionBudgets',
  'deployments',
  'statefulSets',
]

/** Index of owned objects by the uid of their controller. */
export const BY_OWNER = 'owner'
/** Index of pods by the cluster that they belong to, `namespace/name`. */
export const BY_CLUSTER = 'cluster'

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
  readonly has: () => ClusterInputs['has']
  /** Tells of what was written, so that the caches have it at once. */
  readonly onWrite: (resource: Resource, object: Manifest) => void
}

interface Context {
  readonly inputs: ClusterInputs
  readonly pass: Pass
  refusal: ClusterView['refusal']
}

/** After this the status is looked at again while brokers start, should a change of theirs be missed. */
const LOOK_AGAIN_MS = 10_000

export function clusterReconciler(options: ClusterReconcilerOptions): Reconciler<Context> {
  return {
    name: 'kafscalecluster',
    begin: (key, pass) => begin(options, key, pass),
    steps: [
      { name: 'accept', run: context => accept(context) },
      { name: 'objects', run: context => applyObjects(options, context) },
      { name: 'surplus', run: context => removeSurplus(options, context) },
      { name: 'replicas', run: context => setReplicas(options, context) },
      { name: 'readiness', run: context => awaitReadiness(options, context) },
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
  return { inputs: { ...inputs, assigned: assignedOf(options, inputs) }, pass, refusal: undefined }
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

async function accept(context: Context): Promise<Outcome> {
  context.refusal = refusalOf(context.inputs)
  if (context.refusal !== undefined) return fail(context.refusal.reason, new Error(context.refusal.message), true)
  return context.inputs.cluster.spec.paused ? wait('Paused', LOOK_AGAIN_MS * 60) : next
}

async function applyObjects(options: ClusterReconcilerOptions, { inputs, pass }: Context): Promise<Outcome> {
  for (const desired of desiredObjects(inputs)) {
    const resource = resourceOf(desired)
    const live = liveOf(options, resource, desired)
    const { change, object } = await options.applier.apply({
      resource,
      desired,
      live,
      owner: inputs.cluster,
      signal: pass.signal,
    })
    if (change === 'none') continue
    options.onWrite(resource, object)
    pass.log.info({ object: `${resourceName(resource)} ${keyOf(object)}`, change }, 'object written')
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

async function setReplicas(options: ClusterReconcilerOptions, { inputs, pass }: Context): Promise<Outcome> {
  const { cluster } = inputs
  const { namespace } = cluster.metadata
  const name = brokersName(inputs)
  const live = options.owned.deployments.get(`${namespace}/${name}`)
  const now = live === undefined ? undefined : workloadOf(live).wanted
  const desired = desiredReplicas(cluster, now)
  if (now === desired) return next
  await options.client.scale(RESOURCES.deployments, { namespace, name }, desired, {
    manager: SCALER_MANAGER,
    signal: pass.signal,
  })
  pass.log.info({ from: now, to: desired }, 'number of brokers set')
  return next
}

async function awaitReadiness(options: ClusterReconcilerOptions, { inputs }: Context): Promise<Outcome> {
  const live = options.owned.deployments.get(`${inputs.cluster.metadata.namespace}/${brokersName(inputs)}`)
  const brokers = live === undefined ? undefined : workloadOf(live)
  const desired = desiredReplicas(inputs.cluster, brokers?.wanted)
  const isDone = brokers !== undefined && !brokers.isRollingOut && brokers.ready >= desired
  return isDone ? next : wait('BrokersNotReady', LOOK_AGAIN_MS)
}

async function writeStatus(options: ClusterReconcilerOptions, context: Context, outcome: Outcome): Promise<void> {
  const view = viewOf(options, context, outcome)
  const status = clusterStatus(options.clock.now(), view)
  const { cluster } = context.inputs
  const written = await options.applier.applyStatus({
    resource: CLUSTER,
    live: cluster,
    status,
    signal: context.pass.signal,
  })
  if (written !== undefined) options.onWrite(CLUSTER, written)
}

function viewOf(options: ClusterReconcilerOptions, { inputs, refusal }: Context, outcome: Outcome): ClusterView {
  const { namespace, name } = inputs.cluster.metadata
  const deployment = options.owned.deployments.get(`${namespace}/${brokersName(inputs)}`)
  const etcd = options.owned.statefulSets.get(`${namespace}/${etcdName(inputs)}`)
  const labels = Object.entries(selectorLabels(inputs, 'broker'))
  const pods = options.pods
    .by(BY_CLUSTER, `${namespace}/${name}`)
    .filter(({ metadata }) => labels.every(([label, value]) => metadata.labels?.[label] === value))
  return {
    inputs,
    refusal,
    failure: failureOf(outcome),
    brokers: deployment === undefined ? undefined : workloadOf(deployment),
    etcd: etcd === undefined ? undefined : workloadOf(etcd),
    troubles: pods.flatMap(pod => troubleOf(pod) ?? []),
    topics: { managed: options.topics.by(BY_CLUSTER, `${namespace}/${name}`).length },
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
