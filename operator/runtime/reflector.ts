// Keeps a store equal to what the API server has, for as long as it runs, whatever happens in between.
//
//   empty     nothing is known            -> paging, by the first page of a list
//   paging    some pages are there        -> listed, by the last page; empty, when the list expired (410)
//   listed    the store is that list      -> watching, at the version of the list
//   watching  the store follows           -> watching, when the server or the network ends the watch; empty, at 410
//
// A failure waits, longer each time, or as long as the server says (Retry-After), and goes on in the same state. The wait is
// short again after `healthyMs` without a failure. A watch on which nothing comes for a little longer than the server lets a
// watch live is a half-open connection, and is ended (client-side idle timer, as in kube-rs).
//
// Promises: `synced` resolves when the store has everything that there was at the start; after that the store is at worst
// late, never wrong.

import type { Clock } from '../../broker/clock.ts'
import type { Logger } from '../../broker/observe/logger.ts'
import { type Backoff, backoffDelay, type Random } from './backoff.ts'
import { deadline, pause } from './deadline.ts'
import { isKubeError, KubeError } from './errors.ts'
import type { KubeClient, Scope, WatchEvent } from './kube-client.ts'
import type { KubeObject, Manifest } from './object.ts'
import { type Resource, resourceName } from './resource.ts'
import type { Store } from './store.ts'

type State =
  | { readonly name: 'empty' }
  | { readonly name: 'paging'; readonly pages: readonly Manifest[]; readonly next: string }
  | { readonly name: 'listed'; readonly objects: readonly Manifest[]; readonly version: string }
  | { readonly name: 'watching'; readonly version: string }

export interface ReflectorTimes {
  /** After which the server ends a watch. */
  readonly watchSeconds: number
  /** A watch that is silent for longer is dead. Above `watchSeconds`. */
  readonly idleMs: number
  readonly backoff: Backoff
  readonly healthyMs: number
}

export const REFLECTOR_TIMES: ReflectorTimes = {
  watchSeconds: 290,
  idleMs: 300_000,
  backoff: { baseMs: 800, capMs: 30_000 },
  healthyMs: 120_000,
}

const PAGE = 500

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient
  readonly resource: Resource
  readonly scope?: Scope
  readonly store: Store<T>
  /** Makes of what came what the store keeps. What it throws for is logged and left out. */
  readonly read: (manifest: Manifest) => T
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly times?: ReflectorTimes
}

export class Reflector<T extends KubeObject> {
  readonly resource: Resource
  readonly #options: ReflectorOptions<T>
  readonly #times: ReflectorTimes
  readonly #scope: Scope
  readonly #synced = Promise.withResolvers<void>()
  #isSynced = false
  #state: State = { name: 'empty' }
  #failures = 0
  #failedAt = Number.NEGATIVE_INFINITY
  #heardAt: number

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.resource = options.resource
    this.#times = options.times ?? REFLECTOR_TIMES
    this.#scope = options.scope ?? {}
    this.#heardAt = options.clock.monotonic()
  }

  /** Resolves when the store has everything for the first time. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  get state(): State['name'] {
    return this.#state.name
  }

  /** Seconds since the server last said anything: an event, a bookmark, a list. */
  get silenceSeconds(): number {
    return (this.#options.clock.monotonic() - this.#heardAt) / 1000
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#state = await this.#step(this.#state, signal)
      } catch (error) {
        if (signal.aborted) return
        await this.#recover(error, signal)
      }
    }
  }

  async #step(state: State, signal: AbortSignal): Promise<State> {
    switch (state.name) {
      case 'empty':
        return this.#page([], undefined, signal)
      case 'paging':
        return this.#page(state.pages, state.next, signal)
      case 'listed':
        this.#options.store.replace(
          state.objects.flatMap(object => this.#read(object)),
          state.version,
          this.#scope.namespace,
        )
        this.#isSynced = true
        this.#synced.resolve()
        return { name: 'watching', version: state.version }
      case 'watching':
        return this.#watch(state.version, signal)
    }
  }

  async #page(pages: readonly Manifest[], next: string | undefined, signal: AbortSignal): Promise<State> {
    const { client, resource } = this.#options
    const page = await client.list(resource, { ...this.#scope, limit: PAGE, continue: next, signal })
    this.#heard()
    const objects = [...pages, ...page.items]
    return page.continue === undefined
      ? { name: 'listed', objects, version: page.resourceVersion }
      : { name: 'paging', pages: objects, next: page.continue }
  }

  async #watch(from: string, signal: AbortSignal): Promise<State> {
    const { client, resource, clock } = this.#options
    using idle = deadline(clock, this.#times.idleMs, signal)
    const options = { ...this.#scope, resourceVersion: from, timeoutSeconds: this.#times.watchSeconds }
    const started = clock.monotonic()
    let version = from
    let events = 0
    try {
      for await (const event of client.watch(resource, { ...options, signal: idle.signal })) {
        idle.restart()
        this.#heard()
        events++
        version = this.#take(event)
        // Kept at once: a watch that breaks off goes on from here.
        this.#state = { name: 'watching', version }
      }
    } catch (error) {
      if (!idle.hasPassed) throw error
    }
    // A server that ends watches as soon as they begin is asked more slowly.
    if (events === 0 && clock.monotonic() - started < this.#times.backoff.baseMs && !signal.aborted) {
      throw new KubeError('NoConnection', 'the watch ended as soon as it began')
    }
    return { name: 'watching', version }
  }

  /** The version that the store is at afterwards. */
  #take(event: WatchEvent): string {
    const { store } = this.#options
    if (event.type === 'BOOKMARK') {
      store.advance(event.resourceVersion, this.#scope.namespace)
      return event.resourceVersion
    }
    for (const object of this.#read(event.object)) {
      if (event.type === 'DELETED') store.remove(object)
      else store.put(object)
    }
    return event.object.metadata.resourceVersion ?? '0'
  }

  #read(manifest: Manifest): [T] | [] {
    try {
      return [this.#options.read(manifest)]
    } catch (error) {
      const { namespace, name } = manifest.metadata
      this.#options.log.warn({ err: error, kind: manifest.kind, namespace, name }, 'an object cannot be read')
      return []
    }
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options
    if (isKubeError(error, 'Expired')) {
      this.#state = { name: 'empty' }
      if (this.#failures === 0) {
        this.#failures = 1
        this.#failedAt = clock.monotonic()
        return
      }
    }
    if (clock.monotonic() - this.#failedAt > this.#times.healthyMs) this.#failures = 0
    this.#failures++
    this.#failedAt = clock.monotonic()
    const retryAfter = error instanceof KubeError ? error.retryAfterMs : undefined
    const wait = Math.max(retryAfter ?? 0, backoffDelay(this.#failures, this.#times.backoff, random))
    const level = isKubeError(error) && !error.isLasting ? 'info' : 'warn'
    log[level](
      { err: error, resource: resourceName(this.resource), state: this.#state.name, waitMs: Math.round(wait) },
      'list or watch failed',
    )
    await pause(clock, wait, signal)
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.monotonic()
  }
}
