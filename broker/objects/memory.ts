// Objects in memory, for tests and the simulation. Nothing survives the process, so no setting may select it.

import {
  assertKey,
  assertRange,
  type ByteRange,
  ObjectExists,
  ObjectNotFound,
  type ObjectStore,
  type StoredObject,
} from './object-store.ts'

export class MemoryStore implements ObjectStore {
  readonly #objects = new Map<string, Buffer>()

  /** Bytes of all objects together. */
  get bytes(): number {
    let sum = 0
    for (const object of this.#objects.values()) sum += object.length
    return sum
  }

  async put(key: string, body: readonly Uint8Array[]): Promise<void> {
    assertKey(key)
    if (this.#objects.has(key)) throw new ObjectExists(key)
    this.#objects.set(key, Buffer.concat(body))
  }

  async get(key: string, range?: ByteRange): Promise<Buffer> {
    const object = this.#find(key)
    if (range === undefined) return Buffer.from(object)
    assertRange(key, range, object.length)
    return Buffer.from(object.subarray(range.position, range.position + range.length))
  }

  async size(key: string): Promise<number> {
    return this.#find(key).length
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const keys = [...this.#objects.keys()].filter(key => key.startsWith(prefix)).sort()
    for (const key of keys) {
      const object = this.#objects.get(key)
      if (object !== undefined) yield { key, size: object.length }
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      assertKey(key)
      this.#objects.delete(key)
    }
  }

  async close(): Promise<void> {}

  #find(key: string): Buffer {
    assertKey(key)
    const object = this.#objects.get(key)
    if (object === undefined) throw new ObjectNotFound(key)
    return object
  }
}
