// Who may connect to the brokers, when the spec asks for it: the brokers themselves, Prometheus, and whoever a listener allows.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { type ListenerPlan, listenersOf } from './listeners.ts'
import { brokersName, METRICS_PORT, PEER_PORT, selectorLabels } from './names.ts'
import { ownedObject, present } from './object.ts'

/** Undefined when the spec does not ask for one. */
export function networkPolicy(inputs: ClusterInputs): Manifest | undefined {
  if (!inputs.cluster.spec.networkPolicy.enabled) return undefined
  const brokers = { podSelector: { matchLabels: selectorLabels(inputs, 'broker') } }
  const spec = {
    podSelector: brokers.podSelector,
    policyTypes: ['Ingress'],
    ingress: [
      { from: [brokers], ports: [tcp(PEER_PORT)] },
      { ports: [tcp(METRICS_PORT)] },
      ...listenersOf(inputs).map(listener => ({ ...peersOf(listener), ports: [tcp(listener.port)] })),
    ],
  }
  return ownedObject(inputs, RESOURCES.networkPolicies, { name: brokersName(inputs), component: 'broker' }, { spec })
}

const tcp = (port: number) => ({ port, protocol: 'TCP' })

/** Nothing for a listener that everybody may use. */
function peersOf({ allowFrom }: ListenerPlan) {
  if (allowFrom === undefined) return {}
  return {
    from: allowFrom.map(({ cidr, namespaceLabels, podLabels }) =>
      cidr !== undefined
        ? { ipBlock: { cidr } }
        : present<unknown>({
            namespaceSelector: namespaceLabels === undefined ? undefined : { matchLabels: namespaceLabels },
            podSelector: podLabels === undefined ? undefined : { matchLabels: podLabels },
          }),
    ),
  }
}
