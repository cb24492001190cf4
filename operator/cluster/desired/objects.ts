// Everything that a cluster owns, in the order in which it is written.

import type { Manifest } from '../../runtime/object.ts'
import type { ClusterInputs } from '../inputs.ts'
import { serviceAccount } from './account.ts'
import { brokerDeployment } from './brokers.ts'
import { authorityMap } from './certificates.ts'
import { consoleObjects } from './console.ts'
import { disruptionBudget } from './disruption.ts'
import { etcdObjects } from './etcd.ts'
import { podMonitor, prometheusRule } from './monitoring.ts'
import { consoleNetworkPolicy, etcdNetworkPolicy, networkPolicy } from './network-policy.ts'
import { listenerServices } from './services.ts'
import { configMap } from './settings.ts'

export function desiredObjects(inputs: ClusterInputs): Manifest[] {
  return [
    serviceAccount(inputs),
    configMap(inputs),
    authorityMap(inputs),
    ...etcdObjects(inputs),
    ...listenerServices(inputs),
    networkPolicy(inputs),
    etcdNetworkPolicy(inputs),
    consoleNetworkPolicy(inputs),
    disruptionBudget(inputs),
    brokerDeployment(inputs),
    ...consoleObjects(inputs),
    podMonitor(inputs),
    prometheusRule(inputs),
  ].filter(object => object !== undefined)
}
