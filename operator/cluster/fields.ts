// Fields of objects that came from the API server unparsed.

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object at the end of the path, if there is one. */
export function objectAt(value: unknown, ...path: readonly string[]): Record<string, unknown> | undefined {
  let found = value
  for (const step of path) {
    if (!isObject(found)) return undefined
    found = found[step]
  }
  return isObject(found) ? found : undefined
}

/** The text at the end of the path, if there is one. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const last = path.at(-1)
  const found = last === undefined ? undefined : objectAt(value, ...path.slice(0, -1))?.[last]
  return typeof found === 'string' ? found : undefined
}
