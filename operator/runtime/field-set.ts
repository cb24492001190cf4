// The fields of an object that a manager owns, as server-side apply keeps book of them in `managedFields` (`fieldsV1`):
//
//   f:name        the field of that name
//   k:{...}       the item of a list whose key fields have these values
//   v:...         the item of a list of values
//   i:N           the item at that place
//   .             the object or item itself
//
// `project` takes out of a live object what a manager owns; when that equals what it would apply, there is nothing to do.
// Kubernetes: "Server-Side Apply", structured-merge-diff.

import { isDeepStrictEqual } from 'node:util'

type Fields = Readonly<Record<string, unknown>>
type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isLeaf = (fields: unknown): boolean => !isJson(fields) || Object.keys(fields).every(key => key === '.')

/** The part of `live` that `fields` names. Undefined when there is none of it. */
export function project(live: unknown, fields: Fields): unknown {
  if (live === undefined) return undefined
  if (isLeaf(fields)) return live
  if (Array.isArray(live)) return projectList(live, fields)
  if (!isJson(live)) return live
  const found: Record<string, unknown> = {}
  for (const [path, inner] of Object.entries(fields)) {
    if (!path.startsWith('f:')) continue
    const name = path.slice(2)
    const value = project(live[name], isJson(inner) ? inner : {})
    if (value !== undefined) found[name] = value
  }
  return found
}

function projectList(live: readonly unknown[], fields: Fields): unknown[] {
  const entries = Object.entries(fields)
  return live.flatMap((item, index) => {
    const owned = entries.find(([path]) => isItem(path, item, index))
    if (owned === undefined) return []
    const [path, inner] = owned
    return [path.startsWith('k:') && isJson(inner) && isJson(item) ? projectItem(item, inner) : item]
  })
}

/** An item of which nothing but itself is owned is no whole item. */
function projectItem(item: Json, fields: Fields): unknown {
  const named = Object.keys(fields).some(path => path.startsWith('f:'))
  return named ? project(item, fields) : {}
}

function isItem(path: string, item: unknown, index: number): boolean {
  const rest = path.slice(2)
  if (path.startsWith('k:')) {
    const keys: unknown = JSON.parse(rest)
    return (
      isJson(keys) &&
      isJson(item) &&
      Object.entries(keys).every(([name, value]) => isDeepStrictEqual(item[name], value))
    )
  }
  if (path.startsWith('v:')) return isDeepStrictEqual(JSON.parse(rest), item)
  return path.startsWith('i:') && Number(rest) === index
}

/** Whether the fields name this path: `['spec', 'replicas']`. Items of lists count as one. */
export function owns(fields: Fields, path: readonly string[]): boolean {
  const [name, ...rest] = path
  if (name === undefined) return true
  const inner = fields[`f:${name}`]
  if (!isJson(inner)) return false
  if (rest.length === 0 || isLeaf(inner)) return true
  const items = Object.entries(inner).filter(([key]) => !key.startsWith('f:') && key !== '.')
  return items.length > 0 || owns(inner, rest)
}

/** Paths at which the two differ, the nearest ones to the root; lists as a whole. */
export function differences(wanted: unknown, found: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (isDeepStrictEqual(wanted, found)) return []
  if (!isJson(wanted) || !isJson(found)) return [path]
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)])
  return [...names].flatMap(name => differences(wanted[name], found[name], [...path, name]))
}

/** As it goes over the wire: without fields that are undefined, and with null left out as apply does. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (!isJson(value)) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null)
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]))
}
