/** Bytes that are no message, or a message that a version cannot express. The connection it came from cannot go on. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** Refuses a message version that the schema does not have. */
export function checkVersion(message: string, version: number, first: number, last: number): void {
  if (!(version >= first && version <= last)) {
    throw new WireError(`${message} has versions ${first} to ${last}, not ${version}`)
  }
}

/** A field holds something that this version has no place for. */
export function unsupported(field: string, version: number): WireError {
  return new WireError(`version ${version} cannot express ${field}`)
}

/** Refuses null in a version that cannot say null. */
export function notNull<T>(value: T | null, field: string, version: number): T {
  if (value === null) throw new WireError(`${field} is null in version ${version}`)
  return value
}

/** Refuses tagged fields from elsewhere in a version that has no tagged fields. */
export function refuseTags(fields: readonly unknown[] | undefined, struct: string, version: number): void {
  if (fields !== undefined && fields.length > 0) throw unsupported(`tagged fields of ${struct}`, version)
}
