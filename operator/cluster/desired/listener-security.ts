// What the brokers are told of each listener: who comes in, by what, and who may do what. Pure; the files that it names are
// mounted by desired/certificates.ts.
//
// As soon as one listener keeps strangers out, or ACLs hold, the listener by which brokers reach each other takes only whom the
// authority of the cluster signs for, and so does one more, for the operator; these two are super users.

import type { ListenerSpec } from '../../types/listener.ts'
import type { AuthorizationSpec, SecuritySpec } from '../../types/security.ts'
import type { ClusterInputs } from '../inputs.ts'
import type { ListenerPlan } from './listeners.ts'
import { OPERATOR_LISTENER, PEER_LISTENER } from './names.ts'
import { present } from './object.ts'

/**
 * The name in the certificate of brokers or of the operator. These are super users wherever they come from, so nobody else may
 * get to be called so: no KafScaleUser can have such a name, and whoever chooses names elsewhere, as an issuer of tokens or
 * another authority lets its users do, does not know the uid. At most 64 characters, which is what a CN may have.
 */
export const identityOf = ({ cluster: { metadata } }: Pick<ClusterInputs, 'cluster'>, who: 'broker' | 'operator') =>
  `system:kafscale-${who}:${metadata.uid ?? metadata.name}`

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

const MECHANISMS = {
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  plain: 'PLAIN',
  oauth: 'OAUTHBEARER',
} as const

/** The principal of a client is the CN of its certificate, as long as that is all that its name has. */
const CN_ALONE = 'RULE:^CN=([^,=:]+)$/$1/,DEFAULT'

/** What a listener has that does not say, when security is enabled. */
export function withSecurity(listener: ListenerSpec, { enabled }: SecuritySpec): ListenerSpec {
  if (!enabled) return listener
  return {
    ...listener,
    tls: listener.tls ?? { selfSigned: true },
    authentication: listener.authentication ?? { type: 'scram-sha-512' },
  }
}

type Secured = Pick<ListenerSpec, 'tls' | 'authentication'>

/** Of SASL; undefined for a listener without it. */
export function mechanismOf({ authentication }: Secured) {
  const type = authentication?.type ?? 'none'
  return type === 'none' || type === 'tls' ? undefined : MECHANISMS[type]
}

export function protocolOf(listener: Secured): SecurityProtocol {
  const hasTls = listener.tls !== undefined
  if (mechanismOf(listener) === undefined) return hasTls ? 'SSL' : 'PLAINTEXT'
  return hasTls ? 'SASL_SSL' : 'SASL_PLAINTEXT'
}

export const isAclCluster = ({ security, authorization }: Authorized): boolean =>
  authorization?.type === undefined ? security.enabled : authorization.type === 'acl'

type Authorized = { readonly security: SecuritySpec; readonly authorization?: AuthorizationSpec | undefined }

/** Whether brokers and operator have to show who they are. */
export const isSecured = (
  { cluster: { spec } }: Pick<ClusterInputs, 'cluster'>,
  plans: readonly ListenerPlan[],
): boolean => isAclCluster(spec) || plans.some(plan => protocolOf(plan) !== 'PLAINTEXT')

const FOLDER = '/etc/kafscale-tls'
/** The brokers' own certificate, and the authority of the cluster. */
export const CLUSTER_TLS_FOLDER = `${FOLDER}/cluster`
export const listenerFolder = (what: 'tls' | 'clients' | 'users', listener: string): string =>
  `${FOLDER}/${what}-${listener}`

/** KAFSCALE_LISTENER_SECURITY and what belongs to it; nothing for a cluster that takes everybody. */
export function securitySettings(inputs: Pick<ClusterInputs, 'cluster'>, plans: readonly ListenerPlan[]) {
  if (!isSecured(inputs, plans)) return {}
  const { spec } = inputs.cluster
  const security = Object.fromEntries([
    [PEER_LISTENER, OWN_ONLY],
    [OPERATOR_LISTENER, OWN_ONLY],
    ...plans.map(plan => [plan.brokerName, listenerSecurity(plan)]),
  ])
  const hasAcls = isAclCluster(spec)
  return present<string>({
    // Kubernetes would look for a variable behind $(.
    KAFSCALE_LISTENER_SECURITY: JSON.stringify(security).replaceAll('$(', () => '$$('),
    KAFSCALE_AUTHORIZER: hasAcls ? 'acl' : undefined,
    KAFSCALE_SUPER_USERS: hasAcls ? superUsers(inputs).join(';') : undefined,
    KAFSCALE_ALLOW_EVERYONE_IF_NO_ACL_FOUND:
      hasAcls && spec.authorization?.allowEveryoneIfNoAclFound === true ? 'true' : undefined,
  })
}

const superUsers = (inputs: Pick<ClusterInputs, 'cluster'>): string[] => [
  ...(['broker', 'operator'] as const).map(who => `User:CN=${identityOf(inputs, who)}`),
  ...(inputs.cluster.spec.authorization?.superUsers ?? []),
]

const OWN_CERTIFICATE = {
  certFile: `${CLUSTER_TLS_FOLDER}/tls.crt`,
  keyFile: `${CLUSTER_TLS_FOLDER}/tls.key`,
}
const OWN_AUTHORITY = `${CLUSTER_TLS_FOLDER}/ca.crt`

/** Those whom the authority of the cluster signs for; the principal is the whole name, which no client can have. */
const OWN_ONLY = { protocol: 'SSL', ...OWN_CERTIFICATE, clientAuth: 'required', clientCaFile: OWN_AUTHORITY }

function listenerSecurity(plan: ListenerPlan): Record<string, unknown> {
  const { tls, authentication } = plan
  const mechanism = mechanismOf(plan)
  return {
    protocol: protocolOf(plan),
    ...(tls === undefined ? {} : tls.selfSigned ? OWN_CERTIFICATE : certificateIn(listenerFolder('tls', plan.name))),
    ...(authentication?.type === 'tls' ? clientCertificates(plan) : {}),
    ...(mechanism === undefined ? {} : { mechanisms: [mechanism] }),
    ...(mechanism === 'PLAIN' ? { usersFile: `${listenerFolder('users', plan.name)}/users.yaml` } : {}),
    ...(authentication?.oauth === undefined ? {} : { oauth: authentication.oauth }),
    ...(authentication?.maxReauthSeconds === undefined ? {} : { maxReauthMs: authentication.maxReauthSeconds * 1000 }),
  }
}

const certificateIn = (folder: string) => ({ certFile: `${folder}/tls.crt`, keyFile: `${folder}/tls.key` })

function clientCertificates({ name, authentication }: ListenerPlan) {
  const isOthers = authentication?.secretRef !== undefined
  return {
    clientAuth: 'required',
    clientCaFile: isOthers ? `${listenerFolder('clients', name)}/ca.crt` : OWN_AUTHORITY,
    principalMappingRules: authentication?.principalMappingRules ?? CN_ALONE,
  }
}
