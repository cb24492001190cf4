// Who owns which field: `managedFields`, and what server-side apply, updates and patches make of it ("Server-Side Apply" of
// the Kubernetes documentation).

import { isDeepStrictEqual } from 'node:util'
import { fromFieldsV1, leaves, merged, type Path, split, toFieldsV1, without } from './field-paths.ts'
import { isObject, type JsonObject, objectAt } from './json.ts'

interface Entry {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly subresource: string
  readonly apiVersion: string
  readonly paths: Set<Path>
}

export interface Writer {
  readonly manager: string
  /** Empty for the object itself. */
  readonly subresource: string
}

export interface Conflict {
  readonly manager: string
  /** `.spec.replicas`. */
  readonly field: string
}

export type Applied = { readonly object: JsonObject } | { readonly conflicts: readonly Conflict[] }

/** Names and what the server itself writes; nobody owns it. */
const NOBODYS =
  /^\["f:(apiVersion|kind)"|^\["f:metadata","f:(name|namespace|uid|resourceVersion|generation|creationTimestamp|deletionTimestamp|deletionGracePeriodSeconds|managedFields|selfLink)"/

const ownable = (object: JsonObject): Map<Path, unknown> =>
  new Map([...leaves(object)].filter(([path]) => !NOBODYS.test(path)))

/** `config` applied by a manager to the live object; an empty one is being made. */
export function applied(live: JsonObject, config: JsonObject, writer: Writer, force: boolean): Applied {
  const entries = entriesOf(live)
  const wanted = ownable(config)
  const present = ownable(live)
  const others = entries.filter(entry => !isSame(entry, writer, 'Apply'))
  const taken = others.flatMap(entry =>
    [...wanted.keys()]
      .filter(path => entry.paths.has(path) && !isDeepStrictEqual(present.get(path), wanted.get(path)))
      .map(path => ({ entry, path })),
  )
  if (taken.length > 0 && !force) {
    return { conflicts: taken.map(({ entry, path }) => ({ manager: entry.manager, field: readable(path) })) }
  }
  for (const { entry, path } of taken) entry.paths.delete(path)

  let object: unknown = merged(bare(live), bare(config))
  const before = entries.find(entry => isSame(entry, writer, 'Apply'))?.paths ?? new Set()
  for (const path of before) {
    const isStillThere = [...wanted.keys()].some(other => isWithin(other, path))
    if (!isStillThere && !others.some(entry => entry.paths.has(path))) object = without(object, split(path))
  }
  const apiVersion = String(config.apiVersion)
  const own: Entry = { ...writer, operation: 'Apply', apiVersion, paths: new Set(wanted.keys()) }
  // At the place that it had: an apply that changes nothing leaves the object as it is, whoever applied last.
  const known = entries.findIndex(entry => isSame(entry, writer, 'Apply'))
  const all = known < 0 ? [...entries, own] : entries.with(known, own)
  return { object: withEntries(isObject(object) ? object : {}, all) }
}

/** `next` as a writer of whole objects or of a patch left it: what it changed is its own now. */
export function updated(live: JsonObject, next: JsonObject, writer: Writer): JsonObject {
  const entries = entriesOf(live)
  const [before, after] = [ownable(live), ownable(next)]
  const changed = [...after].filter(([path, value]) => !before.has(path) || !isDeepStrictEqual(before.get(path), value))
  const gone = [...before.keys()].filter(path => !after.has(path))
  if (changed.length === 0 && gone.length === 0) return withEntries(bare(next), entries)
  for (const entry of entries) {
    for (const path of gone) entry.paths.delete(path)
    for (const [path] of changed) entry.paths.delete(path)
  }
  const known = entries.find(entry => isSame(entry, writer, 'Update'))
  const own = known ?? { ...writer, operation: 'Update', apiVersion: String(next.apiVersion), paths: new Set<Path>() }
  for (const [path] of changed) own.paths.add(path)
  return withEntries(bare(next), known === undefined ? [...entries, own] : entries)
}

/** Whether the first path is the second one or below it. An object that was empty and got fields is still there. */
const isWithin = (path: Path, outer: Path): boolean => path.startsWith(outer.slice(0, -1))

const isSame = (entry: Entry, { manager, subresource }: Writer, operation: Entry['operation']): boolean =>
  entry.manager === manager && entry.subresource === subresource && entry.operation === operation

function entriesOf(object: JsonObject): Entry[] {
  const { managedFields } = objectAt(object, 'metadata')
  if (!Array.isArray(managedFields)) return []
  return managedFields.filter(isObject).map(entry => ({
    manager: String(entry.manager),
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    subresource: String(entry.subresource ?? ''),
    apiVersion: String(entry.apiVersion),
    paths: fromFieldsV1(entry.fieldsV1),
  }))
}

function withEntries(object: JsonObject, entries: readonly Entry[]): JsonObject {
  const managedFields = entries
    .filter(({ paths }) => paths.size > 0)
    .map(({ manager, operation, subresource, apiVersion, paths }) => ({
      manager,
      operation,
      apiVersion,
      ...(subresource === '' ? {} : { subresource }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(paths),
    }))
  return { ...object, metadata: { ...objectAt(object, 'metadata'), managedFields } }
}

function bare(object: JsonObject): JsonObject {
  const { managedFields: _, ...metadata } = objectAt(object, 'metadata')
  return { ...object, metadata }
}

const readable = (path: Path): string =>
  split(path)
    .map(step => (step.startsWith('f:') ? `.${step.slice(2)}` : `[${step.slice(2)}]`))
    .join('')
