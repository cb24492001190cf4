// KafScaleCluster: makes what Kubernetes has equal to what the spec says, and tells of it in the status.
//
//   gather.ts        what is known: Secrets, addresses, pause, load      -> nothing to do for a cluster that is being deleted
//   accept           can it be carried out? is everything paused?       -> the status alone
//   etcd             certificates and life of a managed etcd (etcd-stand.ts)
//   objects          what desired/ builds, each applied where it differs
//   surplus          what an earlier spec asked for goes
//   replicas         the number of brokers (size.ts)
//   readiness, pause, renewal   when to look again
//   write-status.ts  whatever came of it
//
// What a step cannot do shows in the status; the workload that runs is left as it is.

import type { Reconciler } from '../runtime/controller.ts'
import { keyOf, type Manifest } from '../runtime/object.ts'
import { RESOURCES, type Resource, resourceName } from '../runtime/resource.ts'
import { fail, next, type Outcome, wait } from '../runtime/step.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { refusalOf } from './accept.ts'
import { BY_OWNER, type ClusterReconcilerOptions, type Context, OWNED_KINDS } from './context.ts'
import { brokersName } from './desired/names.ts'
import { desiredObjects } from './desired/objects.ts'
import { gather } from './gather.ts'
import { rolloutReasons, withRolloutReasons } from './rollout.ts'
import { awaitReadiness, setReplicas } from './size.ts'
import { writeStatus } from './write-status.ts'

/** A cluster that is paused for nobody knows how long is looked at again after this. */
const PAUSED_MS = 600_000
/** A settled cluster is looked at again by then anyway. */
const RESYNC_MS = 600_000

export function clusterReconciler(options: ClusterReconcilerOptions): Reconciler<Context> {
  return {
    name: 'kafscalecluster',
    begin: (key, pass) => gather(options, key, pass),
    steps: [
      { name: 'accept', run: context => accept(options, context) },
      { name: 'etcd', run: context => establishEtcd(options, context) },
      { name: 'security', run: context => establishSecurity(options, context) },
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

async function accept(options: ClusterReconcilerOptions, context: Context): Promise<Outcome> {
  context.refusal = refusalOf(context.inputs)
  if (context.refusal !== undefined) return fail(context.refusal.reason, new Error(context.refusal.message), true)
  if (context.pause?.level !== 'all') return next
  const ending = await awaitEndOfPause(options, context)
  return ending === next ? wait('Paused', PAUSED_MS) : ending
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

async function establishSecurity(options: ClusterReconcilerOptions, context: Context): Promise<Outcome> {
  context.security = await options.security.establish(context.inputs, context.pass.signal)
  context.inputs = { ...context.inputs, security: context.security }
  context.refusal = context.security.refusal
  return context.refusal === undefined ? next : fail(context.refusal.reason, new Error(context.refusal.message), true)
}

/** Certificates are renewed in time, however quiet it is. */
async function awaitRenewal({ clock }: ClusterReconcilerOptions, { etcd, security }: Context): Promise<Outcome> {
  const due = [etcd, security].flatMap(standing => standing?.certificates?.lookAgainAt ?? [])
  const inMs = Math.max(Math.min(...due) - clock.now(), 1000)
  return inMs < RESYNC_MS ? wait('CertificatesDue', inMs) : next
}

async function applyObjects(options: ClusterReconcilerOptions, { inputs, pass, pause }: Context): Promise<Outcome> {
  for (const object of desiredObjects(inputs)) {
    const resource = resourceOf(object)
    const live = liveOf(options, resource, object)
    const isWorkload = resource === RESOURCES.deployments || resource === RESOURCES.statefulSets
    if (isWorkload && live !== undefined && pause?.level === 'pods') continue
    const isBrokers = resource === RESOURCES.deployments && object.metadata.name === brokersName(inputs)
    const desired = isBrokers ? withRolloutReasons(object, live) : object
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
