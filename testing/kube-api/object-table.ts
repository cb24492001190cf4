// What etcd and the registry are to a real API server: every object of every kind, one revision counter, and the history
// that watches read. Finalizers hold objects back; what an object owns goes with it; a namespace ends when it is empty.

import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../broker/clock.ts'
import { type Resource, resourceName } from '../../operator/runtime/resource.ts'
import { isObject, type JsonObject, objectAt } from './json.ts'

export interface StoredEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly revision: number
  readonly resource: Resource
  readonly object: JsonObject
  readonly previous: JsonObject | undefined
}

interface Entry {
  readonly resource: Resource
  readonly object: JsonObject
}

export interface Named {
  readonly namespace?: string | undefined
  readonly name: string
}

const idOf = (resource: Resource, { namespace, name }: Named): string =>
  `${resourceName(resource)}|${resource.namespaced ? (namespace ?? '') : ''}|${name}`

export const metaOf = (object: JsonObject) => {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, finalizers, ownerReferences } = objectAt(
    object,
    'metadata',
  )
  return {
    name: String(name),
    namespace: namespace === undefined ? undefined : String(namespace),
    uid: String(uid),
    resourceVersion: String(resourceVersion),
    isDeleting: deletionTimestamp !== undefined,
    finalizers: Array.isArray(finalizers) ? finalizers.map(String) : [],
    owners: Array.isArray(ownerReferences) ? ownerReferences.filter(isObject).map(({ uid }) => String(uid)) : [],
  }
}

export class ObjectTable {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Set<(event: StoredEvent) => void>()
  #history: StoredEvent[] = []
  #revision = 100
  /** Watches and pages from before this revision are refused. */
  #floor = 0
  #uids = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get revision(): number {
    return this.#revision
  }

  get floor(): number {
    return this.#floor
  }

  get(resource: Resource, name: Named): JsonObject | undefined {
    return this.#entries.get(idOf(resource, name))?.object
  }

  list(resource: Resource, namespace?: string): JsonObject[] {
    return [...this.#entries.values()]
      .filter(entry => resourceName(entry.resource) === resourceName(resource))
      .map(({ object }) => object)
      .filter(object => namespace === undefined || metaOf(object).namespace === namespace)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }

  /** What happened after the revision. */
  since(revision: number): readonly StoredEvent[] {
    return this.#history.filter(event => event.revision > revision)
  }

  subscribe(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets the history: watches from before now get 410. */
  compact(): void {
    this.#floor = this.#revision
    this.#history = []
  }

  /** Other things happen in the cluster: the revision goes up. */
  advance(): number {
    return ++this.#revision
  }

  insert(resource: Resource, object: JsonObject): JsonObject {
    const metadata = {
      ...objectAt(object, 'metadata'),
      uid: `uid-${++this.#uids}`,
      creationTimestamp: this.#now(),
      generation: 1,
    }
    return this.#put('ADDED', resource, { ...object, metadata }, undefined)
  }

  /** The object after it was replaced, or as it was when nothing changed. A deleting one goes with its last finalizer. */
  replace(resource: Resource, before: JsonObject, after: JsonObject): JsonObject {
    const kept = objectAt(before, 'metadata')
    const generation = Number(kept.generation) + (isDeepStrictEqual(desiredOf(before), desiredOf(after)) ? 0 : 1)
    const { uid, creationTimestamp, deletionTimestamp, resourceVersion } = kept
    const metadata = {
      ...objectAt(after, 'metadata'),
      uid,
      creationTimestamp,
      resourceVersion,
      generation,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    }
    const object = { ...after, metadata }
    if (isDeepStrictEqual(object, before)) return before
    const { isDeleting, finalizers } = metaOf(object)
    if (isDeleting && finalizers.length === 0) return this.#remove(resource, object)
    return this.#put('MODIFIED', resource, object, before)
  }

  /** Deletes the object, or marks it while finalizers hold it. */
  delete(resource: Resource, object: JsonObject, orphan = false): JsonObject {
    if (orphan) this.#orphan(metaOf(object).uid)
    const { finalizers, isDeleting } = metaOf(object)
    const isFull = resource.plural === 'namespaces' && this.#contents(metaOf(object).name).length > 0
    if (finalizers.length === 0 && !isFull) return this.#remove(resource, object)
    if (isDeleting) return object
    const marked = this.#put(
      'MODIFIED',
      resource,
      { ...object, metadata: { ...objectAt(object, 'metadata'), deletionTimestamp: this.#now() } },
      object,
    )
    if (isFull) this.#endContents(metaOf(object).name)
    return marked
  }

  #put(
    type: 'ADDED' | 'MODIFIED',
    resource: Resource,
    object: JsonObject,
    previous: JsonObject | undefined,
  ): JsonObject {
    const revision = ++this.#revision
    const stored = { ...object, metadata: { ...objectAt(object, 'metadata'), resourceVersion: String(revision) } }
    this.#entries.set(idOf(resource, metaOf(stored)), { resource, object: stored })
    this.#tell({ type, revision, resource, object: stored, previous })
    return stored
  }

  #remove(resource: Resource, object: JsonObject): JsonObject {
    const revision = ++this.#revision
    const { namespace, uid } = metaOf(object)
    const gone = { ...object, metadata: { ...objectAt(object, 'metadata'), resourceVersion: String(revision) } }
    this.#entries.delete(idOf(resource, metaOf(object)))
    this.#tell({ type: 'DELETED', revision, resource, object: gone, previous: object })
    this.#collect(uid)
    if (namespace !== undefined) this.#endNamespace(namespace)
    return gone
  }

  /** Deletes what no living object owns any more. */
  #collect(uid: string): void {
    const alive = new Set([...this.#entries.values()].map(({ object }) => metaOf(object).uid))
    for (const { resource, object } of [...this.#entries.values()]) {
      const { owners, isDeleting } = metaOf(object)
      if (owners.includes(uid) && !isDeleting && !owners.some(owner => alive.has(owner))) this.delete(resource, object)
    }
  }

  #orphan(uid: string): void {
    for (const { resource, object } of [...this.#entries.values()]) {
      if (!metaOf(object).owners.includes(uid)) continue
      const { ownerReferences: _, ...metadata } = objectAt(object, 'metadata')
      this.#put('MODIFIED', resource, { ...object, metadata }, object)
    }
  }

  #contents(namespace: string): readonly Entry[] {
    return [...this.#entries.values()].filter(({ object }) => metaOf(object).namespace === namespace)
  }

  #endNamespace(name: string): void {
    for (const { resource, object } of [...this.#entries.values()]) {
      const meta = metaOf(object)
      if (resource.plural !== 'namespaces' || meta.name !== name || !meta.isDeleting) continue
      this.#endContents(name)
      if (this.#contents(name).length === 0) this.#remove(resource, object)
    }
  }

  /** Pods first; everything else when they are gone (KEP-5080). */
  #endContents(namespace: string): void {
    const all = this.#contents(namespace)
    const pods = all.filter(({ resource }) => resource.plural === 'pods')
    for (const { resource, object } of pods.length > 0 ? pods : all) {
      const now = this.#entries.get(idOf(resource, metaOf(object)))
      if (now !== undefined && !metaOf(now.object).isDeleting) this.delete(resource, now.object)
    }
  }

  #tell(event: StoredEvent): void {
    this.#history.push(event)
    for (const listener of [...this.#listeners]) listener(event)
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
  }
}

const keyOf = (object: JsonObject): string => `${metaOf(object).namespace ?? ''}/${metaOf(object).name}`

/** What counts for `generation`. */
function desiredOf({ metadata: _, status: __, ...rest }: JsonObject): JsonObject {
  return rest
}
