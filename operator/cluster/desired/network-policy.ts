// Who may connect to the pods of a cluster, when the spec asks for it: whoever a listener allows, and those that the cluster
// consists of. Nobody else: a port that no rule names is shut.
//
// The operator looks after topics and users and reads lag by the first listener, or by one of its own where brokers take only
// whom they know; it reads metrics, and looks after etcd.

import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import { managedEtcdOf } from '../../types/etcd.ts'
import type { PeerSpec } from '../../types/listener.ts'
import type { ClusterInputs } from '../inputs.ts'
import { needsCertificates } from './certificates.ts'
import { consoleListener, takesEverybody } from './console-listener.ts'
import { ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT } from './etcd-endpoints.ts'
import { listenersOf } from './listeners.ts'
import {
  brokersName,
  CONSOLE_PORT,
  type Component,
  consoleName,
  etcdName,
  METRICS_PORT,
  OPERATOR_PORT,
  PEER_PORT,
  selectorLabels,
} from './names.ts'
import { ownedObject, present } from './object.ts'

/** Undefined when the spec does not ask for one. */
export function networkPolicy(inputs: ClusterInputs): Manifest | undefined {
  const { enabled, metricsFrom } = inputs.cluster.spec.networkPolicy
  if (!enabled) return undefined
  const hasOwn = needsCertificates(inputs)
  const operator = operatorPeers(inputs)
  const asked = consoleListener(inputs)
  const ownConsole = asked === undefined ? [] : [podsOf(inputs, 'console')]
  const ingress = [
    { from: [podsOf(inputs, 'broker')], ports: [tcp(PEER_PORT)] },
    ...(hasOwn ? rule(OPERATOR_PORT, [], operator) : []),
    ...rule(METRICS_PORT, metricsFrom, [...operator, ...ownConsole]),
    ...listenersOf(inputs).flatMap(({ name, allowFrom, port }, index) =>
      rule(port, allowFrom, [...(index === 0 && !hasOwn ? operator : []), ...(name === asked?.name ? ownConsole : [])]),
    ),
  ]
  return policy(inputs, 'broker', brokersName(inputs), ingress)
}

/** For the managed etcd: its members, the brokers, the jobs that copy it, and the operator. */
export function etcdNetworkPolicy(inputs: ClusterInputs): Manifest | undefined {
  const { networkPolicy: wanted, etcd } = inputs.cluster.spec
  if (!wanted.enabled || managedEtcdOf(etcd) === undefined) return undefined
  const operator = operatorPeers(inputs)
  const clients = (['etcd', 'broker', 'etcd-snapshot'] as const).map(component => podsOf(inputs, component))
  return policy(inputs, 'etcd', etcdName(inputs), [
    { from: [podsOf(inputs, 'etcd')], ports: [tcp(ETCD_PEER_PORT)] },
    { from: [...clients, ...operator], ports: [tcp(ETCD_CLIENT_PORT)] },
    ...rule(ETCD_METRICS_PORT, wanted.metricsFrom, operator),
  ])
}

/** For the console: whoever may look at it. On a listener that takes everybody it opens that one to nobody else. */
export function consoleNetworkPolicy(inputs: ClusterInputs): Manifest | undefined {
  const { networkPolicy: wanted, console: spec } = inputs.cluster.spec
  const listener = consoleListener(inputs)
  if (!wanted.enabled || listener === undefined) return undefined
  const allowed = spec?.allowFrom ?? (takesEverybody(listener) ? listener.allowFrom : undefined)
  return policy(inputs, 'console', consoleName(inputs), rule(CONSOLE_PORT, allowed, []))
}

function policy(inputs: ClusterInputs, component: Component, name: string, ingress: readonly object[]): Manifest {
  const { podSelector } = podsOf(inputs, component)
  const spec = { podSelector, policyTypes: ['Ingress'], ingress }
  return ownedObject(inputs, RESOURCES.networkPolicies, { name, component }, { spec })
}

const podsOf = (inputs: Pick<ClusterInputs, 'cluster'>, component: Component) => ({
  podSelector: { matchLabels: selectorLabels(inputs, component) },
})

const tcp = (port: number) => ({ port, protocol: 'TCP' })

const OPERATOR = { 'app.kubernetes.io/name': 'kafscale-operator' }

function operatorPeers({ operator: { namespace } }: ClusterInputs): unknown[] {
  if (namespace === undefined) return []
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } }
  return [{ namespaceSelector, podSelector: { matchLabels: OPERATOR } }]
}

/** No rule for a port that nobody may use: to Kubernetes a rule with an empty list lets everybody in. */
function rule(port: number, allowed: readonly PeerSpec[] | undefined, others: readonly unknown[]): object[] {
  if (allowed === undefined) return [{ ports: [tcp(port)] }]
  const named = allowed.map(({ cidr, namespaceLabels, podLabels }) =>
    cidr !== undefined
      ? { ipBlock: { cidr } }
      : present<unknown>({
          namespaceSelector: namespaceLabels === undefined ? undefined : { matchLabels: namespaceLabels },
          podSelector: podLabels === undefined ? undefined : { matchLabels: podLabels },
        }),
  )
  const from = [...named, ...others]
  return from.length === 0 ? [] : [{ from, ports: [tcp(port)] }]
}
