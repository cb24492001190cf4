// An object store that misbehaves on schedule: late answers, slow ones, failures before anything happened and failures
// after all of it did. Chances come from a seeded random source and time from a clock, so a run can be replayed.
// What it stores, it stores right: a fault is always an error or a delay, never wrong bytes.

import { type Clock, sleep } from '../broker/clock.ts'
import { type ByteRange, type ObjectStore, type StoredObject, StoreError } from '../broker/objects/object-store.ts'

/** Milliseconds, both ends included. */
export type Span = readonly [least: number, most: number]

export interface StoreFaults {
  /** How long an ordinary request takes, half of it before and half of it after the request reaches the store. */
  readonly delay: Span
  /** Chance, 0 to 1, that a request takes `slowDelay` instead. */
  readonly slow: number
  readonly slowDelay: Span
  /** Chance that a request fails and did nothing. */
  readonly failBefore: number
  /** Chance that a put or a delete is carried out and yet fails. */
  readonly failAfter: number
}

export const noFaults: StoreFaults = { delay: [0, 0], slow: 0, slowDelay: [0, 0], failBefore: 0, failAfter: 0 }

export class FaultyStore implements ObjectStore {
  /** In force for requests that begin from now on; a simulation changes it to make an outage begin or end. */
  faults: StoreFaults
  readonly #inner: ObjectStore
  readonly #clock: Clock
  readonly #random: () => number

  /** `random` gives numbers from 0 to below 1. `inner` stays open when this store is closed: several may share it. */
  constructor(inner: ObjectStore, clock: Clock, random: () => number, faults: Partial<StoreFaults> = {}) {
    this.#inner = inner
    this.#clock = clock
    this.#random = random
    this.faults = { ...noFaults, ...faults }
  }

  put(key: string, body: readonly Uint8Array[]): Promise<void> {
    return this.#request(`put ${key}`, true, () => this.#inner.put(key, body))
  }

  get(key: string, range?: ByteRange): Promise<Buffer> {
    return this.#request(`get ${key}`, false, () => this.#inner.get(key, range))
  }

  size(key: string): Promise<number> {
    return this.#request(`size ${key}`, false, () => this.#inner.size(key))
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    yield* await this.#request(`list ${prefix}`, false, async () => this.#inner.list(prefix))
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#request(`delete of ${keys.length}`, true, () => this.#inner.delete(keys))
  }

  async close(): Promise<void> {}

  async #request<T>(name: string, changes: boolean, run: () => Promise<T>): Promise<T> {
    // Every request draws the same numbers whatever the outcome, so that one more fault does not reshuffle the rest.
    const [slow, time, before, after] = [this.#random(), this.#random(), this.#random(), this.#random()]
    const { faults } = this
    const [least, most] = slow < faults.slow ? faults.slowDelay : faults.delay
    const half = Math.round(least + time * (most - least)) / 2

    if (half > 0) await sleep(this.#clock, half)
    if (before < faults.failBefore) throw new StoreError(`${name}: failed before it was done, as scheduled`)
    const result = await run()
    if (half > 0) await sleep(this.#clock, half)
    if (changes && after < faults.failAfter) throw new StoreError(`${name}: failed after it was done, as scheduled`)
    return result
  }
}
