// Plain JSON values, as the fake API server keeps them.

export type JsonObject = { [field: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object at the field; an empty one when there is none. */
export function objectAt(value: JsonObject, field: string): JsonObject {
  const inner = value[field]
  return isObject(inner) ? inner : {}
}

/** The value at a path such as `spec.replicas`. */
export const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, field) => (isObject(inner) ? inner[field] : undefined), value)

/** The object with another value at the path. */
export function withValueAt(object: JsonObject, [field, ...rest]: readonly string[], value: unknown): JsonObject {
  if (field === undefined) return object
  return { ...object, [field]: rest.length === 0 ? value : withValueAt(objectAt(object, field), rest, value) }
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: JsonObject = isObject(target) ? { ...target } : {}
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field]
    else merged[field] = mergePatch(merged[field], value)
  }
  return merged
}
