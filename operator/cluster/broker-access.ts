// How the operator itself reaches the brokers of a cluster. Where they take everybody it comes as a client does, by the first
// listener. Where they do not they have a listener for it alone, and it shows a certificate of the cluster's authority.

import { type BrokerConnectionOptions, BrokerUnreachable } from '../../broker/client/connection.ts'
import type { Bootstrap } from '../signals/observer.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { needsCertificates } from './desired/certificates.ts'
import { listenersOf, serviceHost } from './desired/listeners.ts'
import { namespaceOf, OPERATOR_PORT, operatorServiceName, operatorTlsName } from './desired/names.ts'
import type { OperatorDefaults } from './inputs.ts'
import { type KeptSecrets, secretData } from './kept-secrets.ts'

export type Reach = Pick<BrokerConnectionOptions, 'host' | 'port' | 'tls'>

export function brokerAddress(cluster: KafScaleCluster, operator: OperatorDefaults): Bootstrap {
  const inputs = { cluster, operator }
  if (needsCertificates(inputs)) {
    const identity = { namespace: namespaceOf(inputs), name: operatorTlsName(inputs) }
    return { host: serviceHost(inputs, operatorServiceName(inputs)), port: OPERATOR_PORT, identity }
  }
  const [first] = listenersOf(inputs)
  if (first === undefined) throw new Error('a cluster without listeners')
  return { host: serviceHost(inputs, first.service), port: first.port }
}

/** What to open a connection with. Rejects with BrokerUnreachable while there is no certificate. */
export async function brokerReach(
  { host, port, identity }: Bootstrap,
  kept: KeptSecrets,
  signal?: AbortSignal,
): Promise<Reach> {
  if (identity === undefined) return { host, port }
  const found = await kept.read(identity.namespace, identity.name, signal)
  const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = found === undefined ? {} : secretData(found)
  if (ca === undefined || cert === undefined || key === undefined) {
    throw new BrokerUnreachable('the operator has no certificate for the brokers yet')
  }
  return { host, port, tls: { ca, cert, key } }
}
