// Secrets that the operator makes for a cluster and reads itself. Watches bring only their metadata, so the content is asked
// for when that says that it is another one than before, and never otherwise.

import type { Clock } from '../../broker/clock.ts'
import { planTrust, type SecretData, type TrustPlan, type TrustQuestion } from '../certificates/trust.ts'
import type { Applier } from '../runtime/applier.ts'
import { ifFound } from '../runtime/errors.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import type { KubeObject, Manifest } from '../runtime/object.ts'
import { RESOURCES, type Resource } from '../runtime/resource.ts'
import type { Objects } from '../runtime/store.ts'
import type { Component } from './desired/names.ts'
import { namespaceOf } from './desired/names.ts'
import { ownedObject } from './desired/object.ts'
import type { ClusterInputs } from './inputs.ts'

export interface KeptSecretsOptions {
  readonly client: KubeClient
  readonly applier: Applier
  readonly clock: Clock
  /** Only metadata. */
  readonly secrets: Objects<KubeObject>
  readonly onWrite: (resource: Resource, object: Manifest) => void
}

/** Names of the Secrets of one authority. */
export interface TrustPlaces {
  readonly component: Component
  readonly authority: string
  /** Role and name of the Secret. */
  readonly roles: ReadonlyMap<string, string>
}

export class KeptSecrets {
  readonly #options: KeptSecretsOptions
  /** What was read of a Secret, by namespace and name, for as long as its version is the same. */
  readonly #known = new Map<string, Manifest>()

  constructor(options: KeptSecretsOptions) {
    this.#options = options
  }

  async read(namespace: string, name: string, signal?: AbortSignal): Promise<Manifest | undefined> {
    const key = `${namespace}/${name}`
    const [seen, known] = [this.#options.secrets.get(key), this.#known.get(key)]
    if (known !== undefined && seen?.metadata.resourceVersion === known.metadata.resourceVersion) return known
    const found = await ifFound(this.#options.client.get(RESOURCES.secrets, { namespace, name }, { signal }))
    if (found === undefined) this.#known.delete(key)
    else this.#known.set(key, found)
    return found
  }

  /** Brings the Secrets of an authority to where they should be. Throws NameConflict. */
  async certify(
    inputs: Pick<ClusterInputs, 'cluster'>,
    { component, authority, roles }: TrustPlaces,
    question: Omit<TrustQuestion, 'secrets' | 'now'>,
    signal: AbortSignal,
  ): Promise<TrustPlan> {
    const namespace = namespaceOf(inputs)
    const names = [authority, ...roles.values()]
    const live = new Map<string, Manifest | undefined>()
    for (const name of names) live.set(name, await this.read(namespace, name, signal))
    const dataOf = (name: string): SecretData | undefined => {
      const found = live.get(name)
      return found === undefined ? undefined : secretData(found)
    }
    const plan = planTrust({
      ...question,
      secrets: {
        authority: dataOf(authority),
        roles: new Map([...roles].map(([role, name]) => [role, dataOf(name)])),
      },
      now: this.#options.clock.now(),
    })
    // The authority first: a certificate that is written was signed by one that is known.
    const wanted: [string, SecretData][] = [
      [authority, plan.authority],
      ...[...roles].map(([role, name]): [string, SecretData] => [name, plan.roles.get(role) ?? {}]),
    ]
    for (const [name, data] of wanted) await this.#write(inputs, { name, component, data }, live.get(name), signal)
    return plan
  }

  async #write(
    inputs: Pick<ClusterInputs, 'cluster'>,
    { name, component, data }: { readonly name: string; readonly component: Component; readonly data: SecretData },
    live: Manifest | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { applier, onWrite } = this.#options
    const desired = ownedObject(inputs, RESOURCES.secrets, { name, component }, { type: 'Opaque', data: encoded(data) })
    const { change, object } = await applier.apply({
      resource: RESOURCES.secrets,
      desired,
      live,
      owner: inputs.cluster,
      signal,
    })
    this.#known.set(`${namespaceOf(inputs)}/${name}`, object)
    if (change !== 'none') onWrite(RESOURCES.secrets, object)
  }
}

/** As a Secret has it. */
export const encoded = (data: SecretData): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))

/** What is in a Secret, as text. */
export function secretData({ data }: Manifest): SecretData {
  if (typeof data !== 'object' || data === null) return {}
  return Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(String(text), 'base64').toString('utf8')]),
  )
}
