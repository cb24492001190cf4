// What a pass over a KafScaleCluster begins with, from the caches alone: which versions its Secrets have, what load balancers and
// the API server gave its Services, whether it is paused, what its load was at the last look.

import type { Pass } from '../runtime/controller.ts'
import type { Manifest } from '../runtime/object.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { pauseOf } from '../types/pause.ts'
import { referredSecrets } from './accept.ts'
import { BY_TARGET, type ClusterReconcilerOptions, type Context } from './context.ts'
import { listenersOf } from './desired/listeners.ts'
import { brokersName } from './desired/names.ts'
import type { AssignedAddress, ClusterInputs, SecretVersion } from './inputs.ts'

/** Undefined when there is nothing to do. */
export function gather(options: ClusterReconcilerOptions, key: string, pass: Pass): Context | undefined {
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
    security: undefined,
  }
}

function secretsOf({ secrets }: ClusterReconcilerOptions, cluster: KafScaleCluster): SecretVersion[] {
  const { namespace } = cluster.metadata
  return referredSecrets(cluster).flatMap(({ name, isReloaded = false }) => {
    const found = secrets.get(`${namespace}/${name}`)
    if (found === undefined) return []
    return [{ name, version: `${found.metadata.uid}.${found.metadata.resourceVersion}`, isReloaded }]
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
