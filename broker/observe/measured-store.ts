// An object store whose requests show in the metrics: count, time, bytes and failures by verb.

import type { Clock } from '../clock.ts'
import type { ByteRange, ObjectStore, StoredObject } from '../objects/object-store.ts'
import type { Metrics, StoreVerb } from './metrics.ts'

export class MeasuredStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #metrics: Metrics
  readonly #clock: Clock

  constructor(inner: ObjectStore, metrics: Metrics, clock: Clock) {
    this.#inner = inner
    this.#metrics = metrics
    this.#clock = clock
  }

  put(key: string, body: readonly Uint8Array[]): Promise<void> {
    let bytes = 0
    for (const piece of body) bytes += piece.length
    return this.#measure('put', this.#inner.put(key, body), () => bytes)
  }

  get(key: string, range?: ByteRange): Promise<Buffer> {
    return this.#measure('get', this.#inner.get(key, range), body => body.length)
  }

  size(key: string): Promise<number> {
    return this.#measure('size', this.#inner.size(key))
  }

  /** The time until the last object, that of the consumer between them included. */
  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const began = this.#clock.monotonic()
    let failure: string | null = null
    try {
      yield* this.#inner.list(prefix)
    } catch (error) {
      failure = nameOf(error)
      throw error
    } finally {
      if (failure === null) this.#metrics.storeAnswered('list', this.#secondsSince(began), 0)
      else this.#metrics.storeFailed('list', this.#secondsSince(began), failure)
    }
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#measure('delete', this.#inner.delete(keys))
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async #measure<T>(verb: StoreVerb, request: Promise<T>, bytes: (result: T) => number = () => 0): Promise<T> {
    const began = this.#clock.monotonic()
    try {
      const result = await request
      this.#metrics.storeAnswered(verb, this.#secondsSince(began), bytes(result))
      return result
    } catch (error) {
      this.#metrics.storeFailed(verb, this.#secondsSince(began), nameOf(error))
      throw error
    }
  }

  #secondsSince(began: number): number {
    return (this.#clock.monotonic() - began) / 1000
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')
