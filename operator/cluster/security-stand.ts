// How the certificates of a cluster's listeners stand, before its objects are built: those of its own authority are made and
// renewed, those of cert-manager are asked for, and those that somebody else made are looked at. Brokers are not touched while
// one is missing: what runs goes on with what it has.

import { type Validity, validityOfChain } from '../certificates/certificate.ts'
import { CLIENT_TRUST_TIMES, type SecretData, type TrustPlan, type TrustTimes } from '../certificates/trust.ts'
import type { Applier } from '../runtime/applier.ts'
import type { Manifest } from '../runtime/object.ts'
import { RESOURCES, type Resource } from '../runtime/resource.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import type { Refusal } from './accept.ts'
import {
  certificateRequests,
  certificateRoles,
  certificateWishes,
  foreignTlsSecret,
  needsCertificates,
} from './desired/certificates.ts'
import { consoleListener } from './desired/console-listener.ts'
import { type ListenerPlan, listenersOf } from './desired/listeners.ts'
import { authorityKeyName, listenerTlsName, namespaceOf } from './desired/names.ts'
import type { ClusterInputs, SecurityInputs } from './inputs.ts'
import { type KeptSecrets, secretData } from './kept-secrets.ts'

export interface SecurityStandOptions {
  readonly applier: Applier
  readonly kept: KeptSecrets
  readonly times?: TrustTimes | undefined
  readonly onWrite: (resource: Resource, object: Manifest) => void
}

/** What a listener shows that the authority of the cluster did not sign, and so nobody here renews. */
export interface ForeignCertificate extends Validity {
  readonly listener: string
  readonly secret: string
  /** Whether cert-manager is to renew it. */
  readonly isIssued: boolean
}

export interface SecurityStanding extends SecurityInputs {
  readonly certificates: TrustPlan | undefined
  readonly foreign: readonly ForeignCertificate[]
  readonly refusal: Refusal | undefined
}

/** Secrets that belong to the listeners of a cluster without standing in its spec; a change of them concerns it. */
export function listenerSecretNames(cluster: KafScaleCluster): readonly string[] {
  if (!needsCertificates({ cluster })) return []
  const issued = listenersOf({ cluster }).flatMap(({ name, tls }) =>
    tls?.issuerRef === undefined ? [] : [listenerTlsName({ cluster }, name)],
  )
  return [authorityKeyName({ cluster }), ...certificateRoles({ cluster }).values(), ...issued]
}

const NOTHING: SecurityStanding = { bundle: undefined, certificates: undefined, foreign: [], refusal: undefined }

export class SecurityStand {
  readonly #options: SecurityStandOptions

  constructor(options: SecurityStandOptions) {
    this.#options = options
  }

  /** Throws NameConflict, and KubeError. */
  async establish(inputs: ClusterInputs, signal: AbortSignal): Promise<SecurityStanding> {
    if (!needsCertificates(inputs)) return NOTHING
    const { kept, times = CLIENT_TRUST_TIMES } = this.#options
    const certificates = await kept.certify(
      inputs,
      { component: 'broker', authority: authorityKeyName(inputs), roles: certificateRoles(inputs) },
      {
        purpose: `${namespaceOf(inputs)}/${inputs.cluster.metadata.name}`,
        wanted: certificateWishes(inputs),
        // Brokers and the operator read the Secrets again by themselves.
        isTrusted: () => true,
        times,
      },
      signal,
    )
    const bundle = certificates.roles.get('broker')?.['ca.crt']
    const refusal = await this.#refusal(inputs, signal)
    const foreign = await this.#foreign(inputs, signal)
    const consoleTrusts = await this.#consoleTrusts(inputs, bundle, signal)
    return { certificates, bundle, consoleTrusts, refusal, foreign }
  }

  /** Those that are there and are certificates. */
  async #foreign(inputs: ClusterInputs, signal: AbortSignal): Promise<ForeignCertificate[]> {
    const all: ForeignCertificate[] = []
    for (const plan of listenersOf(inputs)) {
      const secret = foreignTlsSecret(inputs, plan)
      if (secret === undefined) continue
      const found = await this.#options.kept.read(namespaceOf(inputs), secret, signal)
      const validity = found && validityOfChain(secretData(found)['tls.crt'])
      if (validity === undefined) continue
      all.push({ listener: plan.name, secret, isIssued: plan.tls?.issuerRef !== undefined, ...validity })
    }
    return all
  }

  /** Of a certificate that somebody else made it is in the Secret, or not: then it is one that everybody trusts. */
  async #consoleTrusts(inputs: ClusterInputs, bundle: string | undefined, signal: AbortSignal) {
    const plan = consoleListener(inputs)
    if (plan?.tls === undefined) return undefined
    if (plan.tls.selfSigned) return bundle
    const found = await this.#options.kept.read(namespaceOf(inputs), foreignTlsSecret(inputs, plan) ?? '', signal)
    return found === undefined ? undefined : secretData(found)['ca.crt']
  }

  async #refusal(inputs: ClusterInputs, signal: AbortSignal): Promise<Refusal | undefined> {
    const missing = await this.#request(inputs, signal)
    if (missing !== undefined) return missing
    for (const plan of listenersOf(inputs)) {
      const found = (await this.#certificateOf(inputs, plan, signal)) ?? (await this.#clientsOf(inputs, plan, signal))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Asks cert-manager for what it is to make. */
  async #request(inputs: ClusterInputs, signal: AbortSignal): Promise<Refusal | undefined> {
    const { applier, onWrite } = this.#options
    const requests = certificateRequests(inputs)
    if (requests.length === 0) return undefined
    if (inputs.has.certificates !== true) {
      return {
        reason: 'CertManagerMissing',
        message:
          'tls.issuerRef needs cert-manager, whose kind Certificate is not there: install cert-manager, or set tls.selfSigned or tls.secretRef',
      }
    }
    for (const desired of requests) {
      const resource = RESOURCES.certificates
      const { change, object } = await applier.apply({
        resource,
        desired,
        live: undefined,
        owner: inputs.cluster,
        signal,
      })
      if (change !== 'none') onWrite(resource, object)
    }
    return undefined
  }

  async #certificateOf(inputs: ClusterInputs, plan: ListenerPlan, signal: AbortSignal): Promise<Refusal | undefined> {
    const name = foreignTlsSecret(inputs, plan)
    if (name === undefined) return undefined
    const found = await this.#options.kept.read(namespaceOf(inputs), name, signal)
    if (found !== undefined) return lacking(name, secretData(found), ['tls.crt', 'tls.key'], plan)
    const issuer = plan.tls?.issuerRef
    const todo =
      issuer === undefined
        ? 'create it'
        : `wait for cert-manager, or look at what ${issuer.kind} ${issuer.name} says: kubectl describe certificate ${name}`
    return { reason: 'SecretMissing', message: `listener ${plan.name} has no certificate yet, Secret ${name}: ${todo}` }
  }

  async #clientsOf(inputs: ClusterInputs, plan: ListenerPlan, signal: AbortSignal): Promise<Refusal | undefined> {
    const { type, secretRef: name } = plan.authentication ?? {}
    if (name === undefined) return undefined
    const found = await this.#options.kept.read(namespaceOf(inputs), name, signal)
    // That one is missing altogether was said before.
    if (found === undefined) return undefined
    return lacking(name, secretData(found), [type === 'plain' ? 'users.yaml' : 'ca.crt'], plan)
  }
}

function lacking(
  name: string,
  data: SecretData,
  keys: readonly string[],
  { name: listener }: ListenerPlan,
): Refusal | undefined {
  const missing = keys.find(key => data[key] === undefined)
  if (missing === undefined) return undefined
  return { reason: 'SecretMissing', message: `Secret ${name} of listener ${listener} lacks the key ${missing}: add it` }
}
