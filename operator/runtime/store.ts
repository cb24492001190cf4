// The objects of one kind as the watch last told of them, with indexes, and with our own writes laid over them.
//
// A write's answer is newer than what the watch has told of so far. `observeWrite` puts it into the store at once, so that the
// next pass sees what this one did; what the watch tells of older versions is then passed over ("read your writes").
// Promises: of every object the newest version that was ever seen; a change is told of once. Only a list that is older than
// the one before takes the store back in time: then the API server itself went back, to a backup.
//
// A store may be filled by several watches, each of a namespace of its own (`part`): a list of one says nothing of the others.

import { type KubeObject, keyOf, nameOf } from './object.ts'
import { compareVersions } from './resource-version.ts'

export interface Change<T extends KubeObject> {
  readonly type: 'added' | 'changed' | 'deleted'
  /** `namespace/name`. */
  readonly key: string
  /** As it is now; the last that was known of a deleted one. */
  readonly object: T
  readonly previous: T | undefined
}

export type Listener<T extends KubeObject> = (change: Change<T>) => void

/** The values under which an object is found in an index. */
export type Indexer<T extends KubeObject> = (object: T) => readonly string[]

/** What a reconciler may ask of a cache. */
export interface Objects<T extends KubeObject> {
  get(key: string): T | undefined
  all(): Iterable<T>
  /** Objects that the index has under the value. Throws for an index that was not declared. */
  by(index: string, value: string): readonly T[]
  readonly size: number
}

export class Store<T extends KubeObject> implements Objects<T> {
  readonly #objects = new Map<string, T>()
  readonly #indexes: ReadonlyMap<string, { readonly of: Indexer<T>; readonly keys: Map<string, Set<string>> }>
  readonly #listeners: Listener<T>[] = []
  /** Versions of our own writes that the watch has not caught up with, by key. */
  readonly #written = new Map<string, string>()
  /** What the watch of each part has told of up to now. A part is a namespace, or `` for all that has no other. */
  readonly #seen = new Map<string, string>([['', '']])

  constructor(indexes: Readonly<Record<string, Indexer<T>>> = {}) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, of]) => [name, { of, keys: new Map() }]))
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  all(): IterableIterator<T> {
    return this.#objects.values()
  }

  by(index: string, value: string): readonly T[] {
    const keys = this.#index(index).keys.get(value) ?? []
    return [...keys].flatMap(key => this.#objects.get(key) ?? [])
  }

  /** Calls back at every change, while it is being made: the listener must be quick and must not throw. */
  subscribe(listener: Listener<T>): void {
    this.#listeners.push(listener)
  }

  /** All objects of a part as a list of version `version` has them: what it does not have is gone. */
  replace(objects: readonly T[], version: string, part = ''): void {
    const isBack = compareVersions(version, this.#seen.get(part)) < 0
    if (isBack) for (const key of [...this.#written.keys()]) if (this.#partOf(key) === part) this.#written.delete(key)
    this.#seen.set(part, version)
    const keys = new Set(objects.map(keyOf))
    this.#caughtUp()
    for (const object of objects) this.#set(keyOf(object), object, isBack)
    for (const [key, object] of this.#objects) {
      if (this.#partOf(key) !== part) continue
      if (!keys.has(key) && !this.#written.has(key)) this.#delete(key, object)
    }
  }

  /** An object that the watch tells of. */
  put(object: T): void {
    const key = keyOf(object)
    this.#set(key, object)
    this.advance(object.metadata.resourceVersion, this.#partOf(key))
  }

  /** A deletion that the watch tells of; `object` carries the version of the deletion. */
  remove(object: T): void {
    const key = keyOf(object)
    const { resourceVersion } = object.metadata
    if (compareVersions(resourceVersion, this.#objects.get(key)?.metadata.resourceVersion) >= 0)
      this.#delete(key, object)
    this.advance(resourceVersion, this.#partOf(key))
  }

  /** The watch of a part has told of everything up to this version. */
  advance(version: string | undefined, part = ''): void {
    if (version === undefined || compareVersions(version, this.#seen.get(part)) <= 0) return
    this.#seen.set(part, version)
    this.#caughtUp()
  }

  /** What the API server answered to a write of ours. */
  observeWrite(object: T): void {
    const { resourceVersion } = object.metadata
    // The watch may have told of it already, and of its deletion too.
    const key = keyOf(object)
    const seen = this.#seen.get(this.#partOf(key))
    if (resourceVersion === undefined || compareVersions(resourceVersion, seen) <= 0) return
    this.#written.set(key, resourceVersion)
    this.#set(key, object)
  }

  #caughtUp(): void {
    for (const [key, written] of this.#written) {
      if (compareVersions(written, this.#seen.get(this.#partOf(key))) <= 0) this.#written.delete(key)
    }
  }

  /** Before its first list nothing has a part of its own. */
  #partOf(key: string): string {
    const { namespace = '' } = nameOf(key)
    return this.#seen.has(namespace) ? namespace : ''
  }

  #set(key: string, object: T, evenOlder = false): void {
    const previous = this.#objects.get(key)
    const age = compareVersions(object.metadata.resourceVersion, previous?.metadata.resourceVersion)
    if (previous !== undefined && (evenOlder ? age === 0 : age <= 0)) return
    if (previous !== undefined) this.#unindex(key, previous)
    this.#objects.set(key, object)
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) setOf(keys, value).add(key)
    }
    this.#tell({ type: previous === undefined ? 'added' : 'changed', key, object, previous })
  }

  #delete(key: string, object: T): void {
    const previous = this.#objects.get(key)
    if (previous === undefined) return
    this.#unindex(key, previous)
    this.#objects.delete(key)
    this.#tell({ type: 'deleted', key, object, previous })
  }

  #unindex(key: string, object: T): void {
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) {
        const found = keys.get(value)
        found?.delete(key)
        if (found?.size === 0) keys.delete(value)
      }
    }
  }

  #index(name: string) {
    const index = this.#indexes.get(name)
    if (index === undefined) throw new Error(`the store has no index ${name}`)
    return index
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function setOf(keys: Map<string, Set<string>>, value: string): Set<string> {
  const found = keys.get(value)
  if (found !== undefined) return found
  const made = new Set<string>()
  keys.set(value, made)
  return made
}
