// Certificates of a cluster's listeners: for which names they stand, in which Secrets they are, how brokers get them, and what
// clients are given to trust. Brokers read the files again when they change, so a new certificate replaces no pod.

import type { CertificateWish } from '../../certificates/trust.ts'
import type { Manifest } from '../../runtime/object.ts'
import { RESOURCES } from '../../runtime/resource.ts'
import type { ClusterInputs } from '../inputs.ts'
import { consoleListener, consoleNames } from './console-listener.ts'
import { CLUSTER_TLS_FOLDER, identityOf, isSecured, listenerFolder } from './listener-security.ts'
import { type ListenerPlan, listenersOf, serviceNames } from './listeners.ts'
import {
  authorityName,
  brokerTlsName,
  consoleTlsName,
  listenerTlsName,
  operatorServiceName,
  operatorTlsName,
} from './names.ts'
import { ownedObject, present } from './object.ts'

export const needsCertificates = (inputs: Pick<ClusterInputs, 'cluster'>): boolean =>
  isSecured(inputs, listenersOf(inputs))

/** Role and Secret of what the authority of the cluster signs. */
export const certificateRoles = (inputs: Pick<ClusterInputs, 'cluster'>): ReadonlyMap<string, string> =>
  new Map<string, string>([
    ['broker', brokerTlsName(inputs)],
    ['operator', operatorTlsName(inputs)],
    ...(consoleListener(inputs) === undefined ? [] : [['console', consoleTlsName(inputs)] as const]),
  ])

/** What is to stand in them, by role. */
export function certificateWishes(inputs: ClusterInputs): ReadonlyMap<string, CertificateWish> {
  const own = listenersOf(inputs).filter(({ tls }) => tls?.selfSigned === true)
  const names = [
    ...serviceNames(inputs, operatorServiceName(inputs)),
    ...own.flatMap(plan => namesOfListener(inputs, plan)),
    ...LOOPBACK,
  ]
  return new Map<string, CertificateWish>([
    ['broker', { commonName: identityOf(inputs, 'broker'), names: [...new Set(names)] }],
    ['operator', { commonName: identityOf(inputs, 'operator'), names: [], isClientOnly: true }],
    ...(consoleListener(inputs) === undefined ? [] : [['console', consoleWish(inputs)] as const]),
  ])
}

/** For whoever looks through a forwarded port. */
const LOOPBACK = ['localhost', '127.0.0.1']

/** It lets nobody in at the brokers: it is a server's alone. */
const consoleWish = (inputs: ClusterInputs): CertificateWish => ({
  commonName: `system:kafscale-console:${inputs.cluster.metadata.uid ?? inputs.cluster.metadata.name}`,
  names: [...new Set([...consoleNames(inputs), ...LOOPBACK])],
  isServerOnly: true,
})

/** All by which clients may come: a name that is missing here shows as a refused certificate there. */
function namesOfListener(inputs: ClusterInputs, { name, service, advertisedHost, tls }: ListenerPlan): string[] {
  const assigned = inputs.assigned.get(name)?.loadBalancer
  return [...serviceNames(inputs, service), advertisedHost ?? [], assigned ?? [], tls?.names ?? []].flat()
}

/** The Secret with the certificate of a listener that the authority of the cluster does not sign for. */
export function foreignTlsSecret(inputs: Pick<ClusterInputs, 'cluster'>, { name, tls }: ListenerPlan) {
  if (tls?.issuerRef !== undefined) return listenerTlsName(inputs, name)
  return tls?.secretRef
}

interface Mounted {
  readonly volume: string
  readonly secret: string
  readonly folder: string
  readonly keys: readonly string[]
}

/** What brokers are handed of Secrets: never a key that they do not need. */
function mounted(inputs: Pick<ClusterInputs, 'cluster'>): Mounted[] {
  if (!needsCertificates(inputs)) return []
  const own: Mounted = {
    volume: 'tls-cluster',
    secret: brokerTlsName(inputs),
    folder: CLUSTER_TLS_FOLDER,
    keys: ['ca.crt', 'tls.crt', 'tls.key'],
  }
  return [own, ...listenersOf(inputs).flatMap(plan => ofListener(inputs, plan))]
}

function ofListener(inputs: Pick<ClusterInputs, 'cluster'>, plan: ListenerPlan): Mounted[] {
  const { name, authentication } = plan
  const certificate = foreignTlsSecret(inputs, plan)
  const others = authentication?.secretRef
  const at = (what: 'tls' | 'clients' | 'users', secret: string, keys: readonly string[]): Mounted => ({
    volume: `${what}-${name}`,
    secret,
    folder: listenerFolder(what, name),
    keys,
  })
  return [
    ...(certificate === undefined ? [] : [at('tls', certificate, ['tls.crt', 'tls.key'])]),
    ...(others !== undefined && authentication?.type === 'tls' ? [at('clients', others, ['ca.crt'])] : []),
    ...(others !== undefined && authentication?.type === 'plain' ? [at('users', others, ['users.yaml'])] : []),
  ]
}

export const securityVolumes = (inputs: Pick<ClusterInputs, 'cluster'>) =>
  mounted(inputs).map(({ volume, secret, keys }) => ({
    name: volume,
    secret: { secretName: secret, items: keys.map(key => ({ key, path: key })) },
  }))

export const securityMounts = (inputs: Pick<ClusterInputs, 'cluster'>) =>
  mounted(inputs).map(({ volume, folder }) => ({ name: volume, mountPath: folder, readOnly: true }))

/** What clients have to trust; undefined while there is no authority, or none is needed. */
export function authorityMap(inputs: ClusterInputs): Manifest | undefined {
  const bundle = inputs.security?.bundle
  if (bundle === undefined) return undefined
  const plan = { name: authorityName(inputs), component: 'broker' } as const
  return ownedObject(inputs, RESOURCES.configMaps, plan, { data: { 'ca.crt': bundle } })
}

/** What cert-manager is asked for. */
export function certificateRequests(inputs: ClusterInputs): Manifest[] {
  return listenersOf(inputs).flatMap(plan => {
    const { tls, name } = plan
    if (tls?.issuerRef === undefined) return []
    const all = [...new Set(namesOfListener(inputs, plan))]
    const addresses = all.filter(one => /^[0-9.]+$/.test(one) || one.includes(':'))
    const secretName = listenerTlsName(inputs, name)
    const spec = present<unknown>({
      secretName,
      issuerRef: { ...tls.issuerRef },
      dnsNames: all.filter(one => !addresses.includes(one)),
      ipAddresses: addresses.length === 0 ? undefined : addresses,
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      usages: ['server auth', 'digital signature'],
    })
    return [ownedObject(inputs, RESOURCES.certificates, { name: secretName, component: 'broker' }, { spec })]
  })
}
