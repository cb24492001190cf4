/**
 * A lease: what keeps a session open while its owner lives.
 *
 * Its clock is our own and monotonic, counted from the moment at which the last successful renewal was asked for: etcd
 * counts from a later one, so that the lease never ends at etcd before it has ended here. (etcd3's own rule is twice the
 * time, which is too late.)
 */
import type { Clock, Timer } from '../../clock.ts'
import type { EtcdClient } from './client.ts'
import { problemOf } from './problems.ts'
import { Trouble } from './retry.ts'

/** A lease counts as ended by this part of its time early. */
const MARGIN = 1 / 6

/** Renewals come three to a lease's time; a failed one is tried again sooner. */
const RENEWALS = 3
/** Of a lease's time: so there is some left when a member did not answer. */
const RENEWAL_LIMIT = 1 / 6
const AGAIN_MS = 200

export interface LeaseOptions {
  readonly client: EtcdClient
  readonly clock: Clock
  readonly ttlSeconds: number
  /** Called when etcd says that the lease is gone; answers whether it was believed. */
  readonly onGone: () => Promise<boolean>
  readonly warn: (message: string) => void
}

export class Lease {
  readonly id: string
  readonly #options: LeaseOptions
  readonly #ttlMs: number
  readonly #trouble: Trouble
  #renewed: number
  #gone = false
  #stopped = false
  #timer: Timer | undefined

  private constructor(options: LeaseOptions, id: string, ttlMs: number, granted: number) {
    this.id = id
    this.#options = options
    this.#ttlMs = ttlMs
    this.#renewed = granted
    this.#trouble = new Trouble('the session cannot be kept alive in etcd', options.warn)
    this.#schedule(ttlMs / RENEWALS)
  }

  /** One try. A grant whose answer was lost ends by itself. */
  static async grant(options: LeaseOptions): Promise<Lease> {
    const granted = options.clock.monotonic()
    const { ID, TTL } = await options.client.call(etcd => etcd.leaseClient.leaseGrant({ TTL: options.ttlSeconds }))
    return new Lease(options, ID, Number(TTL) * 1000, granted)
  }

  /** True once the lease may have ended. */
  get mayBeOver(): boolean {
    return this.#gone || this.#options.clock.monotonic() > this.#renewed + this.#ttlMs * (1 - MARGIN)
  }

  /** Renews it no longer: it ends when its time is over. */
  stop(): void {
    this.#stopped = true
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
  }

  /** Ends it at once, if etcd can be reached. */
  async revoke(): Promise<void> {
    this.stop()
    try {
      await this.#options.client.call(etcd => etcd.leaseClient.leaseRevoke({ ID: this.id }))
    } catch (cause) {
      if (problemOf(cause) !== 'no-lease') throw cause
    }
  }

  #schedule(ms: number): void {
    if (!this.#stopped) this.#timer = this.#options.clock.setTimeout(() => void this.#renew(), ms)
  }

  async #renew(): Promise<void> {
    const { client, clock, onGone } = this.#options
    const asked = clock.monotonic()
    try {
      const seconds = await client.keepAlive(this.id, this.#ttlMs * RENEWAL_LIMIT)
      // A leader that has not yet applied the grant knows nothing of the lease either, hence the question.
      if (seconds <= 0 && (await onGone())) {
        this.#gone = true
        return
      }
      if (seconds > 0) this.#renewed = asked
      this.#trouble.over()
      this.#schedule(seconds > 0 ? this.#ttlMs / RENEWALS : AGAIN_MS)
    } catch (cause) {
      if (client.isClosed || this.#stopped) return
      // One failed renewal does no harm: another member is asked next.
      if (clock.monotonic() - this.#renewed > this.#ttlMs / 2) this.#trouble.note(cause)
      this.#schedule(AGAIN_MS)
    }
  }
}
