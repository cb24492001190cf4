// How the operator itself reaches the managed etcd of a cluster: as a broker does, with the same certificate.

import type { CaredEtcd } from '../etcd/care.ts'
import type { EtcdTls } from '../etcd/etcd-member.ts'
import { ifFound } from '../runtime/errors.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import { RESOURCES } from '../runtime/resource.ts'
import type { Objects } from '../runtime/store.ts'
import { managedEtcdOf } from '../types/etcd.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { parseQuantity } from '../types/quantity.ts'
import { etcdClientSecret, etcdEndpoints, etcdMemberName } from './desired/etcd-endpoints.ts'
import { namespaceOf } from './desired/names.ts'
import { etcdPrefix } from './desired/settings.ts'
import type { OperatorDefaults } from './inputs.ts'
import { secretData } from './kept-secrets.ts'

export interface EtcdAccessOptions {
  readonly client: KubeClient
  readonly clusters: Objects<KafScaleCluster>
  readonly defaults: OperatorDefaults
  /** Where a member is reached from here. */
  readonly endpointOf: (endpoint: string) => string
}

/** Undefined for a cluster whose etcd is not managed, does not run yet, or is restored just now. */
export const caredEtcd =
  ({ client, clusters, defaults, endpointOf }: EtcdAccessOptions) =>
  async (key: string, signal: AbortSignal): Promise<CaredEtcd | undefined> => {
    const cluster = clusters.get(key)
    if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return undefined
    const managed = managedEtcdOf(cluster.spec.etcd)
    if (managed === undefined || cluster.status?.etcd?.life?.state !== 'running') return undefined
    const inputs = { cluster, operator: defaults }
    const secret = etcdClientSecret(inputs)
    const tls = secret === undefined ? undefined : await clientTls(client, namespaceOf(inputs), secret, signal)
    if (secret !== undefined && tls === undefined) return undefined
    return {
      members: etcdEndpoints(inputs).map((endpoint, index) => ({
        name: etcdMemberName(inputs, index),
        endpoint: endpointOf(endpoint),
      })),
      tls,
      quotaBytes: parseQuantity(managed.quota) ?? Number.POSITIVE_INFINITY,
      prefix: etcdPrefix(inputs).replace(/^\/+|\/+$/g, ''),
    }
  }

async function clientTls(
  client: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<EtcdTls | undefined> {
  const found = await ifFound(client.get(RESOURCES.secrets, { namespace, name }, { signal }))
  const data = found === undefined ? {} : secretData(found)
  const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = data
  return ca === undefined || cert === undefined || key === undefined ? undefined : { ca, cert, key }
}
