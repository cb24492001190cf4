// The Secret of a user: found or made, with a password or a certificate, and with what the listener of the cluster asks for.
// It is written before the brokers are told of a password, so that whoever can come in can also read how.

import type { Clock } from '../../broker/clock.ts'
import { planCertificate, type SecretData, TRUST_TIMES, type TrustTimes } from '../certificates/trust.ts'
import { foreignTlsSecret } from '../cluster/desired/certificates.ts'
import { isSecured, mechanismOf, protocolOf } from '../cluster/desired/listener-security.ts'
import { type ListenerPlan, listenersOf } from '../cluster/desired/listeners.ts'
import { authorityKeyName, brokerTlsName, MANAGED_BY } from '../cluster/desired/names.ts'
import { encoded, type KeptSecrets, secretData } from '../cluster/kept-secrets.ts'
import type { Applier } from '../runtime/applier.ts'
import { isKubeError, NameConflict } from '../runtime/errors.ts'
import type { Manifest } from '../runtime/object.ts'
import { RESOURCES, type Resource } from '../runtime/resource.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type KafScaleUser, secretNameOf, userNameOf } from '../types/kaf-scale-user.ts'
import { type ConnectionFacts, certificateSecret, passwordSecret } from './connection-secret.ts'
import { SCRAM_MECHANISMS, type WantedPassword } from './plan.ts'
import { iterationsOf, newPassword } from './scram.ts'

export interface CredentialsOptions {
  readonly applier: Applier
  readonly kept: KeptSecrets
  readonly clock: Clock
  readonly times?: TrustTimes | undefined
  readonly onWrite: (resource: Resource, object: Manifest) => void
}

/** What is known of a user whose Secret is as it should be. */
export interface Prepared {
  /** What the brokers are to know; undefined for certificates, and for users that somebody else lets in. */
  readonly password: WantedPassword | undefined
  readonly secret: string | undefined
  readonly listener: string | undefined
  readonly bootstrapServers: string | undefined
  /** ms since 1970. */
  readonly certificate: { readonly expiresAt: number; readonly lookAgainAt: number } | undefined
}

export interface Unprepared {
  readonly reason: 'ListenerMissing' | 'SecretMissing' | 'NameConflict' | 'ApiServerRefused' | 'ClusterNotReady'
  /** What to change. */
  readonly message: string
}

type Authentication = NonNullable<KafScaleUser['spec']['authentication']>

const WITHOUT: Prepared = {
  password: undefined,
  secret: undefined,
  listener: undefined,
  bootstrapServers: undefined,
  certificate: undefined,
}

const notReady = (message: string): Unprepared => ({ reason: 'ClusterNotReady', message })

export class UserCredentials {
  readonly #options: CredentialsOptions

  constructor(options: CredentialsOptions) {
    this.#options = options
  }

  /** Rejects with KubeError. */
  async prepare(cluster: KafScaleCluster, user: KafScaleUser, signal: AbortSignal): Promise<Prepared | Unprepared> {
    const { authentication } = user.spec
    if (authentication === undefined) return WITHOUT
    const plan = listenerFor(cluster, user, authentication)
    if (plan === undefined) return { reason: 'ListenerMissing', message: missingListener(user, authentication) }
    const endpoint = cluster.status?.endpoints?.find(({ name }) => name === plan.name)
    if (endpoint === undefined) return notReady(`Listener ${plan.name} has no address yet.`)
    const facts: ConnectionFacts = {
      userName: userNameOf(user),
      bootstrapServers: endpoint.bootstrapServers,
      protocol: protocolOf(plan),
      authority: await this.#authorityOf(cluster, plan, signal),
    }
    // A certificate of the cluster is what clients check; without it they could come to anybody.
    if (plan.tls?.selfSigned === true && facts.authority === undefined) {
      return notReady('The authority of the cluster is not there yet.')
    }
    try {
      const told = { listener: plan.name, bootstrapServers: endpoint.bootstrapServers }
      return { ...told, ...(await this.#keep({ cluster, user, authentication, facts, signal })) }
    } catch (cause) {
      return refused(cause)
    }
  }

  async #keep(job: Job): Promise<Omit<Prepared, 'listener' | 'bootstrapServers'> | Unprepared> {
    const { user, authentication, signal } = job
    const name = secretNameOf(user) ?? user.metadata.name
    const live = await this.#options.kept.read(namespaceOf(user), name, signal)
    const found = live === undefined ? {} : secretData(live)
    if (authentication.type === 'tls') return this.#keepCertificate(job, name, live, found)
    const { passwordSecretRef: source } = authentication
    const password =
      source === undefined ? (found.password ?? newPassword()) : await this.#passwordOf(user, source, signal)
    if (password === undefined || password === '') {
      const message =
        source === undefined
          ? `Secret ${name} has an empty password: delete it, and another one is made.`
          : `Secret ${source.name} with the password is not there, or lacks the key ${source.key}: create it.`
      return { reason: 'SecretMissing', message }
    }
    const written = await this.#write(job, name, live, passwordSecret(job.facts, authentication.type, password))
    const { uid, resourceVersion } = written.metadata
    const mechanism = SCRAM_MECHANISMS[authentication.type]
    const wanted = { mechanism, iterations: iterationsOf(`${uid}.${resourceVersion}`), password }
    return { password: wanted, secret: name, certificate: undefined }
  }

  async #keepCertificate(job: Job, name: string, live: Manifest | undefined, found: SecretData) {
    const { cluster, user, facts, signal } = job
    const { clock, kept, times = TRUST_TIMES } = this.#options
    const authority = await kept.read(namespaceOf(user), authorityKeyName({ cluster }), signal)
    const wish = { commonName: userNameOf(user), names: [], isClientOnly: true }
    const { 'tls.crt': cert, 'tls.key': key } = found
    const before = cert === undefined || key === undefined ? undefined : { 'tls.crt': cert, 'tls.key': key }
    const plan = planCertificate(authority && secretData(authority), before, wish, { now: clock.now(), times })
    if (plan === undefined) return notReady('The authority of the cluster is not there yet.')
    const { data, expiresAt, lookAgainAt } = plan
    await this.#write(job, name, live, certificateSecret(facts, data['tls.crt'] ?? '', data['tls.key'] ?? ''))
    return { password: undefined, secret: name, certificate: { expiresAt, lookAgainAt } }
  }

  async #write(
    { user, cluster, signal }: Job,
    name: string,
    live: Manifest | undefined,
    data: SecretData,
  ): Promise<Manifest> {
    const { applier, onWrite } = this.#options
    const labels = {
      'app.kubernetes.io/name': 'kafscale-user',
      'app.kubernetes.io/instance': cluster.metadata.name,
      'app.kubernetes.io/managed-by': MANAGED_BY,
      'app.kubernetes.io/part-of': 'kafscale',
    }
    const desired: Manifest = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: namespaceOf(user), labels },
      type: 'Opaque',
      data: encoded(data),
    }
    const resource = RESOURCES.secrets
    const { change, object } = await applier.apply({ resource, desired, live, owner: user, signal })
    if (change !== 'none') onWrite(resource, object)
    return object
  }

  async #passwordOf(
    user: KafScaleUser,
    { name, key }: NonNullable<Authentication['passwordSecretRef']>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const found = await this.#options.kept.read(namespaceOf(user), name, signal)
    return found === undefined ? undefined : secretData(found)[key]
  }

  /** Who signs for the certificate of a listener, as far as that is known here. */
  async #authorityOf(cluster: KafScaleCluster, plan: ListenerPlan, signal: AbortSignal): Promise<string | undefined> {
    if (plan.tls === undefined) return undefined
    const name = plan.tls.selfSigned ? brokerTlsName({ cluster }) : foreignTlsSecret({ cluster }, plan)
    if (name === undefined) return undefined
    const found = await this.#options.kept.read(cluster.metadata.namespace ?? 'default', name, signal)
    return found === undefined ? undefined : secretData(found)['ca.crt']
  }
}

/** What is wrong with one user must not hold up the others. What heals by itself is thrown. */
function refused(cause: unknown): Unprepared {
  if (cause instanceof NameConflict) {
    return { reason: 'NameConflict', message: `${cause.message}: delete it, or set secretName.` }
  }
  if (isKubeError(cause, 'Invalid', 'Forbidden', 'BadRequest')) {
    return { reason: 'ApiServerRefused', message: cause.message }
  }
  throw cause
}

interface Job {
  readonly cluster: KafScaleCluster
  readonly user: KafScaleUser
  readonly authentication: Authentication
  readonly facts: ConnectionFacts
  readonly signal: AbortSignal
}

const namespaceOf = ({ metadata }: KafScaleUser): string => metadata.namespace ?? 'default'

/** The listener that the spec names, or the first that takes users of this kind. */
function listenerFor(
  cluster: KafScaleCluster,
  { spec }: KafScaleUser,
  { type }: Authentication,
): ListenerPlan | undefined {
  const plans = listenersOf({ cluster })
  if (!isSecured({ cluster }, plans)) return undefined
  const fitting = plans.filter(plan => takes(plan, type))
  return spec.listener === undefined ? fitting[0] : fitting.find(({ name }) => name === spec.listener)
}

/** Whether users who say who they are in this way come in by the listener, with what this operator gives them. */
function takes(plan: ListenerPlan, type: Authentication['type']): boolean {
  const { authentication } = plan
  if (type === 'tls') return authentication?.type === 'tls' && authentication.secretRef === undefined
  return mechanismOf(plan)?.toLowerCase() === type
}

function missingListener({ spec }: KafScaleUser, { type }: Authentication): string {
  const which =
    spec.listener === undefined ? 'No listener of the cluster takes' : `Listener ${spec.listener} does not take`
  return `${which} users of type ${type}: give a listener authentication of that type, or change authentication.type.`
}
