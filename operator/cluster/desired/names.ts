// Names and labels of everything that a cluster owns. Names are those of the original project where it had them.

import type { ClusterInputs } from '../inputs.ts'

export const MANAGED_BY = 'kafscale-operator'

/** The port of metrics and health checks. */
export const METRICS_PORT = 19093
/** The port by which brokers reach each other. */
export const PEER_PORT = 19091
export const PEER_LISTENER = 'PEERS'

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

/** The first listener has the plain name: what applications are told to connect to. */
export const listenerServiceName = (named: Named, listener: string, index: number): string =>
  index === 0 ? brokersName(named) : `${brokersName(named)}-${listener}`

export const namespaceOf = ({ cluster }: Named): string => cluster.metadata.namespace ?? 'default'

export type Component = 'broker' | 'etcd' | 'etcd-snapshot'

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
