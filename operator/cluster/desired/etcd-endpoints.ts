// Where the brokers find etcd: its members one by one, because the ledger chooses among them by itself.

import { managedEtcdOf } from '../../types/etcd.ts'
import type { ClusterInputs } from '../inputs.ts'
import { etcdName, namespaceOf } from './names.ts'

export const ETCD_CLIENT_PORT = 2379
export const ETCD_PEER_PORT = 2380

/** DNS name of a member of the managed etcd. */
export const etcdMemberHost = (inputs: Pick<ClusterInputs, 'cluster' | 'operator'>, index: number): string =>
  `${etcdName(inputs)}-${index}.${etcdName(inputs)}.${namespaceOf(inputs)}.svc.${inputs.operator.clusterDomain}`

export function etcdEndpoints(inputs: Pick<ClusterInputs, 'cluster' | 'operator'>): readonly string[] {
  const { etcd } = inputs.cluster.spec
  const managed = managedEtcdOf(etcd)
  if (managed === undefined) return etcd.endpoints ?? []
  return Array.from({ length: managed.replicas }, (_, index) => {
    return `http://${etcdMemberHost(inputs, index)}:${ETCD_CLIENT_PORT}`
  })
}
