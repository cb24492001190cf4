// A client whose writes are refused as soon as we do not lead. Reads go on: who waits to lead keeps its caches warm.
//
// A lead that is given up in order ends behind a closed fence: nothing is sent any more, and nothing that was sent is still on
// its way, so that the lease can be given back whatever else is still being read. Of a lead that was lost a write that was sent
// in time may still arrive after the lease ran out: the deadline of requests should be no longer than the time between the
// renewal deadline and the end of the lease.

import { NotLeader } from './errors.ts'
import type { KubeClient } from './kube-client.ts'

export class Fence {
  /** Writes through this fence. */
  readonly client: KubeClient
  readonly #stillLeader: () => boolean
  readonly #underway = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()

  constructor(client: KubeClient, stillLeader: () => boolean) {
    this.#stillLeader = stillLeader
    this.client = {
      get: client.get.bind(client),
      list: client.list.bind(client),
      watch: client.watch.bind(client),
      logs: client.logs.bind(client),
      discover: client.discover.bind(client),
      apply: (resource, object, options) =>
        this.#pass(options.signal, signal => client.apply(resource, object, { ...options, signal })),
      applyStatus: (resource, object, options) =>
        this.#pass(options.signal, signal => client.applyStatus(resource, object, { ...options, signal })),
      scale: (resource, name, replicas, options) =>
        this.#pass(options.signal, signal => client.scale(resource, name, replicas, { ...options, signal })),
      create: (resource, object, options) =>
        this.#pass(options.signal, signal => client.create(resource, object, { ...options, signal })),
      update: (resource, object, options) =>
        this.#pass(options.signal, signal => client.update(resource, object, { ...options, signal })),
      delete: (resource, name, options) =>
        this.#pass(options?.signal, signal => client.delete(resource, name, { ...options, signal })),
    }
  }

  /** Lets no write through from now on. Resolves when none is on its way any more. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#underway)
  }

  async #pass<Result>(
    caller: AbortSignal | undefined,
    write: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { signal: closing } = this.#closing
    if (closing.aborted) throw new NotLeader('the operator ends')
    if (!this.#stillLeader()) throw new NotLeader('another operator leads')
    const underway = write(caller === undefined ? closing : AbortSignal.any([caller, closing]))
    this.#underway.add(underway)
    try {
      return await underway
    } finally {
      this.#underway.delete(underway)
    }
  }
}
