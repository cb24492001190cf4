// Names and labels of everything that a cluster owns. Names are those of the original project where it had them.

import type { ClusterInputs } from '../inputs.ts'

export const MANAGED_BY = 'kafscale-operator'

/** The port of metrics and health checks. */
export const METRICS_PORT = 19093
export const CONSOLE_PORT = 48080
/** The port by which brokers reach each other. */
export const PEER_PORT = 19091
export const PEER_LISTENER = 'PEERS'
/** The port by which the operator reaches brokers that take only whom they know. */
export const OPERATOR_PORT = 19092
export const OPERATOR_LISTENER = 'OPERATOR'

type Named = Pick<ClusterInputs, 'cluster'>

const suffixed =
  (suffix: string) =>
  ({ cluster }: Named): string =>
    `${cluster.metadata.name}-${suffix}`

export const brokersName = suffixed('broker')
export const etcdName = suffixed('etcd')
export const etcdClientName = suffixed('etcd-client')
export const configName = suffixed('broker-config')
/** Settings of the members that may change without replacing them. */
export const etcdConfigName = suffixed('etcd')
export const etcdSnapshotName = suffixed('etcd-snapshot')
export const etcdAuthorityName = suffixed('etcd-ca')
export const etcdSecretName = (named: Named, role: 'server' | 'peer' | 'client'): string =>
  suffixed(`etcd-${role}`)(named)

/** ConfigMap with what clients have to trust. */
export const authorityName = suffixed('cluster-ca')
/** Secret with the key of the authority; only the operator reads it. */
export const authorityKeyName = suffixed('cluster-ca-key')
/** What brokers show to clients and to each other. */
export const brokerTlsName = suffixed('broker-tls')
/** What the operator shows to the brokers. */
export const operatorTlsName = suffixed('operator-tls')
/** The Service by which the operator reaches brokers that only take whom they know. */
export const operatorServiceName = suffixed('broker-operator')
/** The web console, and what it shows to browsers. */
export const consoleName = suffixed('console')
export const consoleTlsName = suffixed('console-tls')
/** The Service whose name leads to each broker, for those who look at the metrics of all. */
export const brokersMetricsName = suffixed('broker-metrics')
/** What cert-manager makes for a listener. */
export const listenerTlsName = (named: Named, listener: string): string => suffixed(`listener-${listener}-tls`)(named)

/** The first listener has the plain name: what applications are told to connect to. */
export const listenerServiceName = (named: Named, listener: string, index: number): string =>
  index === 0 ? brokersName(named) : `${brokersName(named)}-${listener}`

export const namespaceOf = ({ cluster }: Named): string => cluster.metadata.namespace ?? 'default'

export type Component = 'broker' | 'etcd' | 'etcd-snapshot' | 'console'

/** By these a component's pods are selected; they never change. */
export const selectorLabels = ({ cluster }: Named, component: Component): Record<string, string> => ({
  'app.kubernetes.io/name': 'kafscale',
  'app.kubernetes.io/instance': cluster.metadata.name,
  'app.kubernetes.io/component': component,
})

export const labelsOf = (named: Named, component: Component): Record<string, string> => ({
  ...selectorLabels(named, component),
  'app.kubernetes.io/managed-by': MANAGED_BY,
  'app.kubernetes.io/part-of': 'kafscale',
})

/** As the scale subresource and the HPA want it. */
export const selectorText = (named: Named, component: Component): string =>
  Object.entries(selectorLabels(named, component))
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
