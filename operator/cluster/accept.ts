// Whether a spec can be carried out: what admission cannot see, as a list of small questions. The first answer counts.

import { consoleListener, takesEverybody } from './desired/console-listener.ts'
import { isAclCluster } from './desired/listener-security.ts'
import { listenersOf } from './desired/listeners.ts'
import type { ClusterInputs } from './inputs.ts'

export type RefusalReason = 'InvalidSpec' | 'NotSupported' | 'SecretMissing' | 'CertManagerMissing'

export interface Refusal {
  readonly reason: RefusalReason
  /** What to change. */
  readonly message: string
}

type Question = (inputs: Pick<ClusterInputs, 'cluster' | 'secrets'>) => Refusal | undefined

const notSupported = (message: string): Refusal => ({ reason: 'NotSupported', message })

const QUESTIONS: readonly Question[] = [
  inputs => {
    const each = listenersOf(inputs).find(
      ({ tls, mode, type }) => tls !== undefined && mode === 'perBroker' && type === 'internal',
    )
    if (each === undefined) return undefined
    return notSupported(
      `listener ${each.name} wants TLS at the addresses of pods, for which no certificate stands: set mode: shared`,
    )
  },
  inputs => {
    const lone = listenersOf(inputs).find(({ type, mode }) => type === 'loadBalancer' && mode === 'perBroker')
    if (lone === undefined) return undefined
    return notSupported(`listener ${lone.name} wants a load balancer for each broker: set mode: shared`)
  },
  ({ cluster: { spec } }) => {
    const { endpoint, provision } = spec.s3
    if (provision.policy.mode !== 'Managed' || !provision.policy.tlsOnly) return undefined
    if (endpoint?.startsWith('http://') !== true) return undefined
    return {
      reason: 'InvalidSpec',
      message:
        's3.provision.policy.tlsOnly would shut the brokers out, whose s3.endpoint begins with http://: set it to false, or use https',
    }
  },
  inputs => {
    const { spec } = inputs.cluster
    const listener = consoleListener(inputs)
    if (spec.console?.allowChanges !== true || listener === undefined || !takesEverybody(listener)) return undefined
    const keepsOut = isAclCluster(spec) || !listenersOf(inputs).every(takesEverybody)
    if (!keepsOut) return undefined
    return {
      reason: 'InvalidSpec',
      message: `console.allowChanges would let everybody who reaches the console reset groups, as listener ${listener.name} takes everybody, and the cluster keeps strangers out elsewhere: name a listener with passwords in console.listener, or set allowChanges to false`,
    }
  },
  ({ cluster, secrets }) => {
    const present = new Set(secrets.map(({ name }) => name))
    const missing = referredSecrets(cluster).find(({ name }) => !present.has(name))
    if (missing === undefined) return undefined
    return {
      reason: 'SecretMissing',
      message: `there is no Secret ${missing.name}, which ${missing.field} names: create it`,
    }
  },
]

export interface SecretReference {
  readonly name: string
  /** Path in the spec. */
  readonly field: string
  /** Brokers read it again when it changes. */
  readonly isReloaded?: true
}

/** The Secrets that the pods of a cluster use. */
export function referredSecrets(cluster: ClusterInputs['cluster']): readonly SecretReference[] {
  const { spec } = cluster
  const references: [string, string | undefined][] = [
    ['s3.credentialsSecretRef', spec.s3.credentialsSecretRef],
    ['etcd.secretRef', spec.etcd.secretRef],
    ['etcd.tls.secretRef', spec.etcd.tls?.secretRef],
  ]
  const own = references.flatMap(([field, name]) => (name === undefined ? [] : [{ field, name }]))
  return [...own, ...listenerSecrets(cluster)]
}

function listenerSecrets(cluster: ClusterInputs['cluster']): readonly SecretReference[] {
  return listenersOf({ cluster }).flatMap(({ name: listener, tls, authentication }) =>
    [
      ['tls', tls?.secretRef],
      ['authentication', authentication?.secretRef],
    ].flatMap(([part, name]) =>
      name === undefined
        ? []
        : [{ field: `${part}.secretRef of listener ${listener}`, name, isReloaded: true as const }],
    ),
  )
}

/** Undefined when the spec can be carried out. */
export function refusalOf(inputs: Pick<ClusterInputs, 'cluster' | 'secrets'>): Refusal | undefined {
  for (const question of QUESTIONS) {
    const refusal = question(inputs)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
