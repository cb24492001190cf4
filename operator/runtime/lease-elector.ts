// Lets one of several operators lead, by a Lease (coordination.k8s.io/v1).
//
//   following   somebody else leads, or nobody yet    -> leading, when the lease is free or was not renewed for its time
//   leading     the lease is ours                     -> following, when it could not be renewed within the deadline
//
// Clocks of two machines are never compared: another's lease has run out when we have watched it unchanged for its whole
// duration, on our monotonic clock. Our own runs out a renewal deadline after the last renewal was *sent*, which is before
// others may take it. A lease is written only if it is as it was read (resourceVersion), so two can never take it at once.

import { z } from 'zod'
import type { Clock } from '../../broker/clock.ts'
import type { Logger } from '../../broker/observe/logger.ts'
import { backoffDelay, type Random } from './backoff.ts'
import { deadline, pause } from './deadline.ts'
import { ifFound, isKubeError } from './errors.ts'
import type { KubeClient } from './kube-client.ts'
import type { Manifest } from './object.ts'
import { RESOURCES } from './resource.ts'

const leaseSchema = z.object({
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      acquireTime: z.string().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.number().nullish(),
    })
    .default({}),
})

type LeaseSpec = z.output<typeof leaseSchema>['spec']

/** The values of controller-runtime; each below the one before. */
export interface LeaseTimes {
  /** After which others may take a lease that is not renewed. */
  readonly leaseMs: number
  /** After which the holder gives up a lease that it could not renew. */
  readonly renewDeadlineMs: number
  /** Between tries. Who follows looks twice as often: a lease that is given back is soon taken. */
  readonly retryMs: number
}

export const LEASE_TIMES: LeaseTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 }

export interface LeaseElectorOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly namespace: string
  readonly name: string
  /** Nobody else's: pod name and something random. */
  readonly identity: string
  readonly times?: LeaseTimes
  readonly onChange?: (isLeader: boolean) => void
}

interface Observed {
  readonly version: string | undefined
  /** By our monotonic clock. */
  readonly since: number
}

export class LeaseElector {
  readonly #options: LeaseElectorOptions
  readonly #times: LeaseTimes
  /** Monotonic time at which the last successful renewal was sent. */
  #renewedAt = Number.NEGATIVE_INFINITY
  #isLeading = false
  #observed: Observed | undefined

  constructor(options: LeaseElectorOptions) {
    this.#options = options
    this.#times = options.times ?? LEASE_TIMES
  }

  /** Whether we lead at this very moment. Ask before every write. */
  stillLeader(): boolean {
    return this.#isLeading && this.#leftMs() > 0
  }

  /** Tries to lead until the signal aborts, then releases the lease if it is ours. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options
    while (!signal.aborted) {
      await this.#attempt(signal).catch((error: unknown) => {
        if (!signal.aborted) log.info({ err: error }, 'the lease could not be renewed')
      })
      if (this.#isLeading && this.#leftMs() <= 0) this.#become(false)
      const retryMs = backoffDelay(1, { baseMs: this.#times.retryMs, capMs: this.#times.retryMs }, random)
      await pause(clock, this.#isLeading ? Math.min(retryMs, this.#leftMs()) : retryMs / 2, signal)
    }
  }

  /** Gives the lease back, so that another one leads at once. Call it when nothing is written any more. */
  async release(): Promise<void> {
    if (!this.stillLeader()) return this.#become(false)
    using limit = deadline(this.#options.clock, this.#leftMs())
    try {
      const lease = await this.#read(limit.signal)
      const spec = lease && leaseSchema.parse(lease).spec
      if (lease !== undefined && spec?.holderIdentity === this.#options.identity) {
        await this.#write(lease, { ...spec, holderIdentity: '', leaseDurationSeconds: 1 }, limit.signal)
      }
    } catch (error) {
      this.#options.log.info({ err: error }, 'the lease could not be released; it runs out by itself')
    }
    this.#become(false)
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { clock, identity } = this.#options
    using limit = deadline(clock, this.#times.renewDeadlineMs / 2, signal)
    const sentAt = clock.monotonic()
    const lease = await this.#read(limit.signal)
    if (lease === undefined) {
      if (await this.#create(limit.signal)) this.#renewed(sentAt)
      return
    }
    const { spec } = leaseSchema.parse(lease)
    this.#observe(lease)
    const isOurs = spec.holderIdentity === identity
    if (!isOurs && !this.#isFree(spec)) {
      if (this.#isLeading) this.#become(false)
      return
    }
    const transitions = (spec.leaseTransitions ?? 0) + (isOurs ? 0 : 1)
    const now = microTime(clock.now())
    const acquireTime = isOurs ? (spec.acquireTime ?? now) : now
    try {
      await this.#write(lease, this.#claim(now, acquireTime, transitions), limit.signal)
      this.#renewed(sentAt)
    } catch (error) {
      // Somebody else was quicker; who it was shows at the next look.
      if (!isKubeError(error, 'Conflict')) throw error
    }
  }

  #isFree({ holderIdentity, leaseDurationSeconds }: LeaseSpec): boolean {
    if (holderIdentity === undefined || holderIdentity === null || holderIdentity === '') return true
    const unchangedMs = this.#options.clock.monotonic() - (this.#observed?.since ?? 0)
    return unchangedMs >= (leaseDurationSeconds ?? this.#times.leaseMs / 1000) * 1000
  }

  #observe({ metadata: { resourceVersion: version } }: Manifest): void {
    if (this.#observed?.version === version) return
    this.#observed = { version, since: this.#options.clock.monotonic() }
  }

  #read(signal: AbortSignal): Promise<Manifest | undefined> {
    const { client, namespace, name } = this.#options
    return ifFound(client.get(RESOURCES.leases, { namespace, name }, { signal }))
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { client, clock, namespace, name, identity } = this.#options
    const now = microTime(clock.now())
    const lease: Manifest = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace },
      spec: this.#claim(now, now, 0),
    }
    try {
      await client.create(RESOURCES.leases, lease, { manager: identity, signal })
      return true
    } catch (error) {
      if (isKubeError(error, 'AlreadyExists')) return false
      throw error
    }
  }

  async #write(lease: Manifest, spec: LeaseSpec, signal: AbortSignal): Promise<void> {
    const { client, identity } = this.#options
    await client.update(RESOURCES.leases, { ...lease, spec }, { manager: identity, signal })
  }

  #claim(renewTime: string, acquireTime: string, leaseTransitions: number): LeaseSpec {
    const leaseDurationSeconds = Math.ceil(this.#times.leaseMs / 1000)
    return { holderIdentity: this.#options.identity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions }
  }

  #renewed(sentAt: number): void {
    this.#renewedAt = sentAt
    this.#become(this.#leftMs() > 0)
  }

  #leftMs(): number {
    return this.#renewedAt + this.#times.renewDeadlineMs - this.#options.clock.monotonic()
  }

  #become(isLeading: boolean): void {
    if (this.#isLeading === isLeading) return
    this.#isLeading = isLeading
    this.#options.log.info({ identity: this.#options.identity }, isLeading ? 'leading' : 'not leading any more')
    this.#options.onChange?.(isLeading)
  }
}

/** As metav1.MicroTime: the API server takes nothing shorter. `ms` since 1970. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')
