// How many brokers evictions may take at a time.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { brokersName, selectorLabels } from './names.ts'
import { ownedObject } from './object.ts'

/** Rounded up by Kubernetes, so of a few brokers it is one. */
const DEFAULT_MAX_UNAVAILABLE = '20%'

export function disruptionBudget(inputs: ClusterInputs): Manifest {
  const spec = {
    maxUnavailable: inputs.cluster.spec.brokers.maxUnavailable ?? DEFAULT_MAX_UNAVAILABLE,
    selector: { matchLabels: selectorLabels(inputs, 'broker') },
    // A broker that is not ready anyway must not keep a node from being drained.
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
  }
  const plan = { name: brokersName(inputs), component: 'broker' } as const
  return ownedObject(inputs, RESOURCES.podDisruptionBudgets, plan, { spec })
}
