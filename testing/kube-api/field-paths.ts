// An object as the set of its fields: each leaf by its path in the notation of `fieldsV1` (`f:spec`, `k:{"name":"a"}`,
// `v:"x"`, `.` for the item itself). Two objects are compared, and shared between managers, leaf by leaf.

import { isObject, type JsonObject } from './json.ts'
import { type ListKind, listKind } from './list-keys.ts'

/** A path as one string, so that it can be an entry of a set. */
export type Path = string

const join = (steps: readonly string[]): Path => JSON.stringify(steps)

export function split(path: Path): readonly string[] {
  const steps: unknown = JSON.parse(path)
  return Array.isArray(steps) ? steps.map(String) : []
}

/** Every leaf of the value, by path. */
export function leaves(value: unknown): Map<Path, unknown> {
  const found = new Map<Path, unknown>()
  collect(value, [], [], found)
  return found
}

function collect(value: unknown, steps: readonly string[], names: readonly string[], found: Map<Path, unknown>): void {
  if (isObject(value) && Object.keys(value).length > 0) {
    for (const [name, inner] of Object.entries(value)) collect(inner, [...steps, `f:${name}`], [...names, name], found)
    return
  }
  const list = Array.isArray(value) ? listKind(names) : undefined
  if (!Array.isArray(value) || list === undefined || list.kind === 'atomic') {
    found.set(join(steps), value)
    return
  }
  for (const item of value) {
    const step = itemStep(list, item)
    if (list.kind === 'set') found.set(join([...steps, step]), item)
    else {
      found.set(join([...steps, step, '.']), null)
      collect(item, [...steps, step], names, found)
    }
  }
}

export function itemStep(list: ListKind, item: unknown): string {
  if (list.kind !== 'map') return `v:${JSON.stringify(item)}`
  const whole: JsonObject = { ...list.defaults, ...(isObject(item) ? item : {}) }
  return `k:${JSON.stringify(Object.fromEntries(list.keys.map(key => [key, whole[key]])))}`
}

/** As `managedFields` writes it. */
export function toFieldsV1(paths: Iterable<Path>): JsonObject {
  const root: JsonObject = {}
  for (const path of paths) {
    let node = root
    for (const step of split(path)) {
      const inner = node[step]
      const below = isObject(inner) ? inner : {}
      node[step] = below
      node = below
    }
  }
  return root
}

/** The reverse. */
export function fromFieldsV1(fields: unknown): Set<Path> {
  const found = new Set<Path>()
  const walk = (node: unknown, steps: readonly string[]): void => {
    const inner = isObject(node) ? Object.entries(node) : []
    if (inner.length === 0 && steps.length > 0) found.add(join(steps))
    for (const [step, below] of inner) walk(below, [...steps, step])
  }
  walk(fields, [])
  return found
}

/** The object without the leaf; objects and items that become empty by it go too. */
export function without(value: unknown, steps: readonly string[], names: readonly string[] = []): unknown {
  const [step, ...rest] = steps
  if (step === undefined || step === '.') return undefined
  if (step.startsWith('f:') && isObject(value)) {
    const name = step.slice(2)
    const inner = without(value[name], rest, [...names, name])
    const { [name]: _, ...others } = value
    if (inner !== undefined) return { ...others, [name]: inner }
    return Object.keys(others).length === 0 ? undefined : others
  }
  if (!Array.isArray(value)) return value
  const list = listKind(names)
  const kept = value.flatMap(item => {
    if (itemStep(list, item) !== step) return [item]
    const inner = without(item, rest, names)
    return inner === undefined ? [] : [inner]
  })
  return kept.length === 0 ? undefined : kept
}

/** `live` with all that `config` says. */
export function merged(live: unknown, config: unknown, names: readonly string[] = []): unknown {
  if (isObject(live) && isObject(config)) {
    const both: JsonObject = { ...live }
    for (const [name, value] of Object.entries(config)) both[name] = merged(live[name], value, [...names, name])
    return both
  }
  if (!Array.isArray(live) || !Array.isArray(config)) return config
  const list = listKind(names)
  if (list.kind === 'atomic') return config
  const wanted = new Map(config.map(item => [itemStep(list, item), item]))
  const kept = live.map(item => {
    const step = itemStep(list, item)
    const change = wanted.get(step)
    wanted.delete(step)
    return change === undefined ? item : merged(item, change, names)
  })
  return [...kept, ...wanted.values()]
}
