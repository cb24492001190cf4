// Where the members of the managed etcd are, and by which names their certificates have to stand for them. The brokers are
// told of the members one by one, because the ledger chooses among them by itself.

import { managedEtcdOf } from '../../types/etcd.ts'
import type { ClusterInputs } from '../inputs.ts'
import { etcdClientName, etcdName, etcdSecretName, namespaceOf } from './names.ts'

export const ETCD_CLIENT_PORT = 2379
export const ETCD_PEER_PORT = 2380
/** Health and metrics, without TLS: kubelet and Prometheus have no certificate. */
export const ETCD_METRICS_PORT = 2381
const MOST_MEMBERS = 7

/** What certificates of etcd are for. */
export const ETCD_ROLES = ['server', 'peer', 'client'] as const

type Place = Pick<ClusterInputs, 'cluster' | 'operator'>

export const etcdMemberName = (inputs: Pick<ClusterInputs, 'cluster'>, index: number): string =>
  `${etcdName(inputs)}-${index}`

/** What the name of a member is followed by in DNS. */
export const etcdDomain = (inputs: Place): string =>
  `${etcdName(inputs)}.${namespaceOf(inputs)}.svc.${inputs.operator.clusterDomain}`

/** DNS name of a member of the managed etcd. */
export const etcdMemberHost = (inputs: Place, index: number): string =>
  `${etcdMemberName(inputs, index)}.${etcdDomain(inputs)}`

export function etcdEndpoints(inputs: Place): readonly string[] {
  const { etcd } = inputs.cluster.spec
  const managed = managedEtcdOf(etcd)
  if (managed === undefined) return etcd.endpoints ?? []
  const scheme = managed.tls ? 'https' : 'http'
  return Array.from({ length: managed.replicas }, (_, index) => {
    return `${scheme}://${etcdMemberHost(inputs, index)}:${ETCD_CLIENT_PORT}`
  })
}

/** The Secret with what a client of etcd needs for TLS; undefined without TLS. */
export function etcdClientSecret(inputs: Pick<ClusterInputs, 'cluster'>): string | undefined {
  const { etcd } = inputs.cluster.spec
  const managed = managedEtcdOf(etcd)
  if (managed === undefined) return etcd.tls?.secretRef
  return managed.tls ? etcdSecretName(inputs, 'client') : undefined
}

/** What certificates are for. Of all members that there may ever be, so that growth needs no new ones. */
export function etcdCertificateNames(inputs: Place) {
  const members = Array.from({ length: MOST_MEMBERS }, (_, index) => etcdMemberHost(inputs, index))
  const service = [etcdClientName(inputs), namespaceOf(inputs), 'svc', inputs.operator.clusterDomain]
  const services = [2, 3, 4].map(parts => service.slice(0, parts).join('.'))
  return {
    // The last two are for whoever looks from inside of the pod, or through a forwarded port.
    server: { commonName: etcdName(inputs), names: [...members, ...services, 'localhost', '127.0.0.1'] },
    peer: { commonName: etcdPeerCommonName(inputs), names: [...members, '127.0.0.1'] },
    client: { commonName: `${etcdName(inputs)}-client`, names: [] },
  }
}

/** Members let in whoever shows a certificate of this name: clients have other ones. */
export const etcdPeerCommonName = (inputs: Pick<ClusterInputs, 'cluster'>): string => `${etcdName(inputs)}-peer`
