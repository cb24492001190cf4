/**
 * Quotas (KIP-13, KIP-55, KIP-124, KIP-546, KIP-599, KIP-612): how much users, clients and addresses may ask of one broker.
 *
 * Of the quotas that stand for a user and a client id, the most special one counts, in Apache Kafka's order; all clients
 * that it stands for together, those of a default each for itself. Who is above it is told for how long to be quiet, and is
 * not listened to for so long (KIP-219).
 */
import type { Clock } from '../clock.ts'
import { entityText, type QuotaEntity, type QuotaEntry } from '../state/security.ts'
import type { Principal } from './authentication.ts'
import { SampledRate } from './sampled-rate.ts'

export const USER = 'user'
export const CLIENT_ID = 'client-id'
export const IP = 'ip'

export const QUOTA_KEYS = {
  /** Bytes of records per second. */
  produce: 'producer_byte_rate',
  fetch: 'consumer_byte_rate',
  /** Percent of one processor. */
  request: 'request_percentage',
  /** Partitions created and deleted per second. */
  mutation: 'controller_mutation_rate',
  /** Connections per second, of an address. */
  connection: 'connection_creation_rate',
} as const

export type QuotaKind = keyof typeof QUOTA_KEYS

export interface Quoted {
  readonly principal: Principal
  readonly clientId: string
}

interface Limit {
  readonly limit: number
  /** Who shares it. */
  readonly shared: string
}

export interface QuotasOptions {
  readonly clock: Clock
  /** The quotas of the cluster, by `entityText`, and a number that changes with them; undefined while none are known. */
  readonly quotas: () => { readonly version: number; readonly all: ReadonlyMap<string, QuotaEntry> } | undefined
  /** Somebody was told to be quiet for so many ms. */
  readonly onThrottled?: (kind: QuotaKind, ms: number) => void
}

/** Rates are forgotten when nobody has used them for a while; looked for when there are so many. */
const MANY_RATES = 10_000

export class Quotas {
  readonly #options: QuotasOptions
  readonly #rates = new Map<string, SampledRate>()
  readonly #limits = new Map<string, Limit | undefined>()
  #version = Number.NaN

  constructor(options: QuotasOptions) {
    this.#options = options
  }

  /** Counts what a client asked for, and gives the ms for which it has to be quiet. */
  record(kind: Exclude<QuotaKind, 'connection'>, { principal, clientId }: Quoted, amount: number): number {
    const user = principal.slice('User:'.length)
    return this.#record(kind, `${user}\0${clientId}`, amount, key => limitOf(key, user, clientId))
  }

  /** The same of an address, for a new connection. */
  connected(address: string): number {
    return this.#record('connection', address, 1, key => addressLimit(key, address))
  }

  #record(
    kind: QuotaKind,
    whose: string,
    amount: number,
    find: (lookup: (entity: readonly QuotaEntity[]) => number | undefined) => Limit | undefined,
  ): number {
    const current = this.#options.quotas()
    if (current === undefined || current.all.size === 0) return 0
    if (current.version !== this.#version) {
      this.#version = current.version
      this.#limits.clear()
    }
    const name = `${kind}\0${whose}`
    if (this.#limits.size > MANY_RATES) this.#limits.clear()
    if (!this.#limits.has(name)) {
      const key = QUOTA_KEYS[kind]
      this.#limits.set(
        name,
        find(entity => current.all.get(entityText(entity))?.values.get(key)),
      )
    }
    const limit = this.#limits.get(name)
    if (limit === undefined) return 0
    const quietMs = this.#measure(`${kind}\0${limit.shared}`, amount, limit.limit)
    if (quietMs > 0) this.#options.onThrottled?.(kind, quietMs)
    return quietMs
  }

  #measure(name: string, amount: number, limit: number): number {
    const now = this.#options.clock.monotonic()
    let rate = this.#rates.get(name)
    if (rate === undefined) {
      if (this.#rates.size >= MANY_RATES) this.#forgetIdle(now)
      rate = new SampledRate()
      this.#rates.set(name, rate)
    }
    rate.record(now, amount)
    return rate.excess(now, limit)
  }

  #forgetIdle(now: number): void {
    for (const [name, rate] of this.#rates) if (rate.isIdle(now)) this.#rates.delete(name)
  }
}

type Lookup = (entity: readonly QuotaEntity[]) => number | undefined

/** The most special one first (Kafka's DefaultQuotaCallback). */
function limitOf(lookup: Lookup, userName: string, clientId: string): Limit | undefined {
  const user = { type: USER, name: userName }
  const anyUser = { type: USER, name: null }
  const client = { type: CLIENT_ID, name: clientId }
  const anyClient = { type: CLIENT_ID, name: null }
  const both = `${userName}\0${clientId}`
  const candidates: readonly (readonly [entity: readonly QuotaEntity[], shared: string])[] = [
    [[user, client], both],
    [[user, anyClient], both],
    [[user], `${userName}\0`],
    [[anyUser, client], both],
    [[anyUser, anyClient], both],
    [[anyUser], `${userName}\0`],
    [[client], `\0${clientId}`],
    [[anyClient], `\0${clientId}`],
  ]
  for (const [entity, shared] of candidates) {
    const limit = lookup(entity)
    if (limit !== undefined) return { limit, shared }
  }
  return undefined
}

function addressLimit(lookup: Lookup, address: string): Limit | undefined {
  const limit = lookup([{ type: IP, name: address }]) ?? lookup([{ type: IP, name: null }])
  return limit === undefined ? undefined : { limit, shared: address }
}
