// Who may connect to the brokers, when the spec asks for it: the brokers themselves, Prometheus, whoever a listener allows, and
// the operator, which looks after topics and reads lag by the first listener.

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
      ...listenersOf(inputs).map((listener, index) => ({
        ...peersOf(listener, index === 0 ? operatorPeers(inputs) : []),
        ports: [tcp(listener.port)],
      })),
    ],
  }
  return ownedObject(inputs, RESOURCES.networkPolicies, { name: brokersName(inputs), component: 'broker' }, { spec })
}

const tcp = (port: number) => ({ port, protocol: 'TCP' })

const OPERATOR = { 'app.kubernetes.io/name': 'kafscale-operator' }

function operatorPeers({ operator: { namespace } }: ClusterInputs): unknown[] {
  if (namespace === undefined) return []
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } }
  return [{ namespaceSelector, podSelector: { matchLabels: OPERATOR } }]
}

/** Nothing for a listener that everybody may use. */
function peersOf({ allowFrom }: ListenerPlan, others: readonly unknown[]) {
  if (allowFrom === undefined) return {}
  const allowed = allowFrom.map(({ cidr, namespaceLabels, podLabels }) =>
    cidr !== undefined
      ? { ipBlock: { cidr } }
      : present<unknown>({
          namespaceSelector: namespaceLabels === undefined ? undefined : { matchLabels: namespaceLabels },
          podSelector: podLabels === undefined ? undefined : { matchLabels: podLabels },
        }),
  )
  return { from: [...allowed, ...others] }
}
