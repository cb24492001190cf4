// The number of brokers: who decides it, and how it is written. It goes through the scale subresource of the Deployment and has
// a field manager of its own, so that the objects can be applied again and again without touching it.
//
// A number that follows the load is told in the status before it is written: a leader that ends in between leaves a change that
// limits the next ones although it did not happen, never one that happened and limits nothing.

import { isRestoring } from '../etcd/life.ts'
import { isKubeError } from '../runtime/errors.ts'
import { RESOURCES } from '../runtime/resource.ts'
import { next, type Outcome, wait } from '../runtime/step.ts'
import { DELETION_COST, VICTIM_COST, victims } from '../scaling/victims.ts'
import { BY_CLUSTER, type ClusterReconcilerOptions, type Context, SCALER_MANAGER } from './context.ts'
import { brokersName } from './desired/names.ts'
import { workloadOf } from './live.ts'
import { desiredReplicas } from './replicas.ts'
import { brokerPods } from './scale-target.ts'
import { writeStatus } from './write-status.ts'

/** After this the brokers are looked at again while they start, should a change of theirs be missed. */
const LOOK_AGAIN_MS = 10_000

export async function setReplicas(options: ClusterReconcilerOptions, context: Context): Promise<Outcome> {
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

export async function awaitReadiness(options: ClusterReconcilerOptions, { inputs, look }: Context): Promise<Outcome> {
  const live = options.owned.deployments.get(`${inputs.cluster.metadata.namespace}/${brokersName(inputs)}`)
  const brokers = live === undefined ? undefined : workloadOf(live)
  const desired = desiredReplicas(inputs.cluster, brokers, look)
  const isDone = brokers !== undefined && !brokers.isRollingOut && brokers.ready >= desired
  return isDone ? next : wait('BrokersNotReady', LOOK_AGAIN_MS)
}
