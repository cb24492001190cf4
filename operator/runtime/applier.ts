// Brings objects to where they are wanted by server-side apply, and leaves alone what is there already: a settled object
// costs no request. One applier is one field manager, for one concern.
//
// Whether an object is settled is seen in `managedFields`: what we own of it equals what we want. Where the API server writes
// values in another way than we do (`1000m` becomes `1`; nobody owns an empty list whose items have keys), the two never
// equal; then the answer to the apply is remembered, and an object that still is as it was answered to the same wish is
// settled too.
//
// Never adopts: an object of that name whose controller is not the owner is left as it is, and NameConflict tells of it. An
// object that is not in the cache is asked for before it is made, and is made without force.

import { isDeepStrictEqual } from 'node:util'
import { ifFound, isKubeError, NameConflict } from './errors.ts'
import { differences, owns, plain, project } from './field-set.ts'
import type { KubeClient } from './kube-client.ts'
import { controllerOf, type KubeObject, keyOf, type ManagedFields, type Manifest, ownerReference } from './object.ts'
import { type Resource, resourceName } from './resource.ts'

/** A field that was not as wanted, and who had set it. */
export interface Drift {
  /** `spec.template.spec.containers`. */
  readonly path: string
  readonly manager: string | undefined
}

export interface Applied {
  readonly change: 'none' | 'created' | 'changed'
  readonly object: Manifest
  /** For `changed`: what was not as wanted. */
  readonly drift: readonly Drift[]
}

export interface ApplyRequest {
  readonly resource: Resource
  /** Without owner references: the applier adds the one of `owner`. */
  readonly desired: Manifest
  /** As the cache has it. */
  readonly live: Manifest | undefined
  /** Controls the object; it goes when the owner goes. Absent for an object that is nobody's. */
  readonly owner?: KubeObject | undefined
  readonly signal?: AbortSignal | undefined
}

export interface StatusRequest {
  readonly resource: Resource
  readonly live: KubeObject
  readonly status: object
  readonly signal?: AbortSignal | undefined
}

interface Remembered {
  readonly desired: unknown
  readonly answered: unknown
}

export class Applier {
  readonly #client: KubeClient
  readonly #manager: string
  /** The last wish for each object of which the server made something else, and what it made. */
  readonly #remembered = new Map<string, Remembered>()

  constructor(client: KubeClient, manager: string) {
    this.#client = client
    this.#manager = manager
  }

  /** Throws NameConflict, and KubeError. */
  async apply({ resource, desired, live, owner, signal }: ApplyRequest): Promise<Applied> {
    const wanted = owned(desired, owner)
    const known = live ?? (await ifFound(this.#client.get(resource, wanted.metadata, { signal })))
    if (known !== undefined) refuseForeign(known, owner)
    const memory = `${resourceName(resource)} ${keyOf(wanted)}`
    const wish = body(wanted)
    const before = known === undefined ? undefined : projection(known, this.#manager, undefined)
    if (known !== undefined && this.#isSettled(memory, wish, before)) {
      return { change: 'none', object: known, drift: [] }
    }
    const force = known !== undefined
    const options = { manager: this.#manager, force, signal }
    const object = await this.#client.apply(resource, wanted, options).catch((error: unknown) => {
      if (force || !isKubeError(error, 'Conflict')) throw error
      throw new NameConflict(`${wanted.kind} ${wanted.metadata.name}`, 'somebody who made it just now')
    })
    this.#remember(memory, wish, projection(object, this.#manager, undefined))
    if (known === undefined) return { change: 'created', object, drift: [] }
    const isSame = known.metadata.resourceVersion === object.metadata.resourceVersion
    return isSame
      ? { change: 'none', object, drift: [] }
      : { change: 'changed', object, drift: driftOf(known, wish, before, this.#manager) }
  }

  /** Writes the status, unless it is so already. Returns the object afterwards, or undefined if nothing was written. */
  async applyStatus({ resource, live, status, signal }: StatusRequest): Promise<Manifest | undefined> {
    const { name, namespace, uid } = live.metadata
    const wish = plain({ status })
    const memory = `${resourceName(resource)}/status ${keyOf(live)}`
    if (this.#isSettled(memory, wish, projection(live, this.#manager, 'status'))) return undefined
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) }
    const manifest: Manifest = { apiVersion: live.apiVersion, kind: live.kind, metadata, status }
    const object = await this.#client.applyStatus(resource, manifest, { manager: this.#manager, force: true, signal })
    this.#remember(memory, wish, projection(object, this.#manager, 'status'))
    return object
  }

  /** Deletes the object, if it is the owner's. True when there was one. */
  async remove(resource: Resource, live: KubeObject, owner: KubeObject, signal?: AbortSignal): Promise<boolean> {
    if (controllerOf(live)?.uid !== owner.metadata.uid || live.metadata.deletionTimestamp !== undefined) return false
    this.#remembered.delete(`${resourceName(resource)} ${keyOf(live)}`)
    const { uid } = live.metadata
    try {
      await this.#client.delete(resource, live.metadata, { uid, signal })
      return true
    } catch (error) {
      if (isKubeError(error, 'NotFound', 'Conflict')) return false
      throw error
    }
  }

  /** Only where the two differ is there anything that the object itself does not say. */
  #remember(memory: string, desired: unknown, answered: unknown): void {
    if (isDeepStrictEqual(desired, answered)) this.#remembered.delete(memory)
    else this.#remembered.set(memory, { desired, answered })
  }

  #isSettled(memory: string, wish: unknown, before: unknown): boolean {
    if (isDeepStrictEqual(before ?? {}, wish)) return true
    const last = this.#remembered.get(memory)
    return last !== undefined && isDeepStrictEqual(last.desired, wish) && isDeepStrictEqual(last.answered, before)
  }
}

function owned(desired: Manifest, owner: KubeObject | undefined): Manifest {
  if (owner === undefined) return desired
  return { ...desired, metadata: { ...desired.metadata, ownerReferences: [ownerReference(owner)] } }
}

function refuseForeign(live: Manifest, owner: KubeObject | undefined): void {
  if (owner === undefined) return
  const controller = controllerOf(live)
  if (controller?.uid === owner.metadata.uid) return
  const holder = controller === undefined ? 'nobody that Kubernetes knows of' : `${controller.kind} ${controller.name}`
  throw new NameConflict(`${live.kind} ${live.metadata.name}`, holder)
}

/** What is compared: all but what names the object. */
function body({ apiVersion: _, kind: __, metadata, ...rest }: Manifest): unknown {
  const { name: ___, namespace: ____, uid: _____, resourceVersion: ______, ...kept } = metadata
  return plain(Object.keys(kept).length === 0 ? rest : { ...rest, metadata: kept })
}

/** What the manager owns of the object by apply. Undefined when it owns nothing. */
function projection(live: KubeObject, manager: string, subresource: string | undefined): unknown {
  const entry = live.metadata.managedFields?.find(
    entry =>
      entry.manager === manager && entry.operation === 'Apply' && (entry.subresource ?? '') === (subresource ?? ''),
  )
  return entry?.fieldsV1 === undefined ? undefined : plain(project(live, entry.fieldsV1))
}

function driftOf(live: KubeObject, wish: unknown, before: unknown, manager: string): readonly Drift[] {
  const others = (live.metadata.managedFields ?? []).filter(entry => entry.manager !== manager)
  return differences(wish, before ?? {}).map(path => ({ path: path.join('.'), manager: ownerOf(others, path) }))
}

const ownerOf = (entries: readonly ManagedFields[], path: readonly string[]): string | undefined =>
  entries.find(({ fieldsV1 }) => fieldsV1 !== undefined && owns(fieldsV1, path))?.manager
