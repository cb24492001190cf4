// The seam to where record data lives: immutable objects under keys that are never used twice (BROKER.md, invariant 4).
// Every implementation passes the contract test in object-store.contract.ts.

export interface ObjectStore {
  /**
   * Stores an object under a key that was never used; resolves once it is durable. The bytes may be kept by reference
   * until then: the caller must not change them, and neither does the store. When it rejects, the object may or may not
   * be there, and the key must not be tried again.
   * Rejects with ObjectExists (the key is taken), StoreFull or another StoreError.
   */
  put(key: string, body: readonly Uint8Array[]): Promise<void>
  /**
   * `length` bytes from `position`; the whole object without a range.
   * Rejects with ObjectNotFound, StoreError, or RangeError when the range goes beyond the end.
   */
  get(key: string, range?: ByteRange): Promise<Buffer>
  /** Bytes of an object. Rejects with ObjectNotFound or StoreError. */
  size(key: string): Promise<number>
  /** All objects whose key starts with the prefix, in key order. One that comes or goes meanwhile may show or not. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** Resolves once the objects are gone for good. Deleting what is not there is no error. Rejects with StoreError. */
  delete(keys: readonly string[]): Promise<void>
  /** Waits for what is under way and lets go of everything held open. */
  close(): Promise<void>
}

export interface ByteRange {
  readonly position: number
  readonly length: number
}

export interface StoredObject {
  readonly key: string
  readonly size: number
}

/** The store could not do what it was asked; `cause` says why. Trying again later, with a new key for a put, may help. */
export class StoreError extends Error {
  override name = 'StoreError'
}

/** There is no room for the object. Reads and deletes go on. */
export class StoreFull extends StoreError {
  override name = 'StoreFull'
}

/** The key of a put is taken. It does not mean that an earlier try of the same put succeeded. */
export class ObjectExists extends Error {
  override name = 'ObjectExists'

  constructor(key: string) {
    super(`object ${key} exists`)
  }
}

export class ObjectNotFound extends Error {
  override name = 'ObjectNotFound'

  constructor(key: string) {
    super(`object ${key} not found`)
  }
}

const segment = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/
const longestKey = 900

/**
 * Throws RangeError unless the key is made of segments of letters, digits, `.`, `_` and `-`, joined by `/`, none of them
 * empty or beginning with a dot. So every key is a safe path, and plain string order is the order of its bytes.
 * No key may be the folder of another one (`a` and `a/b`).
 */
export const assertKey = (key: string): void => {
  if (key.length > longestKey || !key.split('/').every(part => segment.test(part)))
    throw new RangeError(`invalid object key ${JSON.stringify(key.slice(0, 100))}`)
}

/** Throws RangeError when a range does not lie inside an object of `size` bytes. */
export const assertRange = (key: string, range: ByteRange, size: number): void => {
  const { position, length } = range
  if (
    !Number.isSafeInteger(position) ||
    !Number.isSafeInteger(length) ||
    position < 0 ||
    length < 0 ||
    position + length > size
  )
    throw new RangeError(`range ${position}+${length} is outside object ${key} of ${size} bytes`)
}
