/**
 * What the brokers' own metrics say: traffic, lag in seconds, what S3 costs. They are looked at every few seconds, as
 * counters tell of a rate only by two looks; a short history is kept for the lines of the overview.
 *
 * Promises: an address that names several brokers, as a headless Service does, is asked for each of them; a broker that
 * began anew or does not answer gives a gap and no wrong rate.
 */
import { lookup } from 'node:dns/promises'
import type { Address } from '../broker/client/address.ts'
import type { Clock, Timer } from '../broker/clock.ts'
import { type Series, seriesOf } from '../operator/signals/exposition.ts'
import { scrape } from '../operator/signals/scrape.ts'

export interface TrafficPoint {
  /** ms since 1970. */
  readonly at: number
  /** Per second, of all brokers. */
  readonly bytesIn: number
  readonly bytesOut: number
  readonly recordsIn: number
  readonly requests: number
}

export interface Spending {
  /** Requests to the S3 service since the brokers began, by operation. */
  readonly requests: ReadonlyMap<string, number>
  /** Dollars since the brokers began, by class of request. */
  readonly dollars: ReadonlyMap<string, number>
  /** Dollars in an hour at the present pace, of requests alone. */
  readonly dollarsPerHour: number | undefined
  readonly storedBytes: number | undefined
}

export interface BrokerLook {
  readonly address: string
  readonly version: string | undefined
  /** Seconds since it began. */
  readonly uptime: number | undefined
  readonly connections: number | undefined
  readonly residentBytes: number | undefined
  readonly problem: string | undefined
}

export interface MetricsView {
  readonly history: readonly TrafficPoint[]
  readonly brokers: readonly BrokerLook[]
  readonly spending: Spending
  /** Seconds behind by group and topic, as `group` and `topic` joined by a line feed. */
  readonly lagSeconds: ReadonlyMap<string, number>
}

export interface MetricsWatchOptions {
  readonly clock: Clock
  readonly addresses: readonly Address[]
}

export const LOOK_EVERY_MS = 5000
const LOOK_LIMIT_MS = 4000
const POINTS = 120

const WANTED = new Set([
  'kafscale_build_info',
  'kafscale_connections',
  'kafscale_group_lag_seconds',
  'kafscale_requests_total',
  'kafscale_s3_request_dollars_total',
  'kafscale_s3_requests_total',
  'kafscale_stored_bytes',
  'kafscale_topic_bytes_in_total',
  'kafscale_topic_bytes_out_total',
  'kafscale_topic_records_in_total',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
])

type Page = ReadonlyMap<string, readonly Series[]>

interface Look {
  readonly at: number
  readonly pages: ReadonlyMap<string, Page>
  readonly problems: ReadonlyMap<string, string>
}

export const lagKey = (group: string, topic: string): string => `${group}\n${topic}`

export class MetricsWatch {
  readonly #options: MetricsWatchOptions
  readonly #history: TrafficPoint[] = []
  #last: Look = { at: 0, pages: new Map(), problems: new Map() }
  #dollarsPerHour: number | undefined
  #timer: Timer | undefined
  #closed = false

  constructor(options: MetricsWatchOptions) {
    this.#options = options
    if (options.addresses.length > 0) void this.#look()
  }

  /** Undefined when no address of metrics is known. */
  get view(): MetricsView | undefined {
    if (this.#options.addresses.length === 0) return undefined
    const { pages, problems, at } = this.#last
    return {
      history: this.#history,
      brokers: [
        ...[...pages].map(([address, page]) => brokerLook(address, page, at)),
        ...[...problems].map(([address, problem]) => ({ ...NOTHING_KNOWN, address, problem })),
      ].sort((a, b) => a.address.localeCompare(b.address)),
      spending: {
        requests: totals(pages, 'kafscale_s3_requests_total', 'operation'),
        dollars: totals(pages, 'kafscale_s3_request_dollars_total', 'class'),
        dollarsPerHour: this.#dollarsPerHour,
        storedBytes: largest(pages, 'kafscale_stored_bytes'),
      },
      lagSeconds: lagSeconds(pages),
    }
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    const { clock } = this.#options
    const look = await this.#lookAtAll()
    const seconds = (look.at - this.#last.at) / 1000
    if (this.#last.pages.size > 0) {
      const per = (name: string): number => growth(this.#last.pages, look.pages, name) / seconds
      this.#history.push({
        at: look.at,
        bytesIn: per('kafscale_topic_bytes_in_total'),
        bytesOut: per('kafscale_topic_bytes_out_total'),
        recordsIn: per('kafscale_topic_records_in_total'),
        requests: per('kafscale_requests_total'),
      })
      if (this.#history.length > POINTS) this.#history.shift()
      this.#dollarsPerHour = per('kafscale_s3_request_dollars_total') * 3600
    }
    this.#last = look
    if (!this.#closed) this.#timer = clock.setTimeout(() => void this.#look(), LOOK_EVERY_MS)
  }

  async #lookAtAll(): Promise<Look> {
    const pages = new Map<string, Page>()
    const problems = new Map<string, string>()
    const signal = AbortSignal.timeout(LOOK_LIMIT_MS)
    await Promise.all(
      this.#options.addresses.map(async ({ host, port }) => {
        const hosts = await lookup(host, { all: true }).catch((cause: Error) => {
          problems.set(`${host}:${port}`, cause.message)
          return []
        })
        // One family of addresses: with both each broker would be there twice.
        const family = hosts.some(found => found.family === 4) ? 4 : 6
        const each = new Set(hosts.filter(found => found.family === family).map(({ address }) => address))
        await Promise.all([...each].map(one => this.#lookAt({ host: one, port }, signal, { pages, problems })))
      }),
    )
    return { at: this.#options.clock.now(), pages, problems }
  }

  async #lookAt(
    address: Address,
    signal: AbortSignal,
    { pages, problems }: { pages: Map<string, Page>; problems: Map<string, string> },
  ): Promise<void> {
    const name = `${address.host}:${address.port}`
    try {
      pages.set(name, seriesOf(await scrape(address, signal), WANTED))
    } catch (cause) {
      problems.set(name, cause instanceof Error ? cause.message : String(cause))
    }
  }
}

const NOTHING_KNOWN = {
  version: undefined,
  uptime: undefined,
  connections: undefined,
  residentBytes: undefined,
} as const

function brokerLook(address: string, page: Page, at: number): BrokerLook {
  const started = page.get('process_start_time_seconds')?.[0]?.value
  return {
    address,
    version: page.get('kafscale_build_info')?.[0]?.labels.version,
    uptime: started === undefined ? undefined : at / 1000 - started,
    connections: page.get('kafscale_connections')?.reduce((sum, { value }) => sum + value, 0),
    residentBytes: page.get('process_resident_memory_bytes')?.[0]?.value,
    problem: undefined,
  }
}

const sumOf = (page: Page | undefined, name: string): number =>
  page?.get(name)?.reduce((sum, { value }) => sum + value, 0) ?? 0

/** Of the processes that were there at both looks. */
function growth(before: ReadonlyMap<string, Page>, now: ReadonlyMap<string, Page>, name: string): number {
  let grown = 0
  for (const [address, page] of now) {
    const earlier = before.get(address)
    if (earlier === undefined) continue
    grown += Math.max(0, sumOf(page, name) - sumOf(earlier, name))
  }
  return grown
}

function totals(pages: ReadonlyMap<string, Page>, name: string, label: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const page of pages.values()) {
    for (const { labels, value } of page.get(name) ?? []) {
      const key = labels[label] ?? ''
      found.set(key, (found.get(key) ?? 0) + value)
    }
  }
  return found
}

/** Every broker tells the same of the whole cluster, a little earlier or later. */
function largest(pages: ReadonlyMap<string, Page>, name: string): number | undefined {
  const values = [...pages.values()].flatMap(page => page.get(name) ?? []).map(({ value }) => value)
  return values.length === 0 ? undefined : Math.max(...values)
}

function lagSeconds(pages: ReadonlyMap<string, Page>): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const page of pages.values()) {
    for (const { labels, value } of page.get('kafscale_group_lag_seconds') ?? []) {
      const key = lagKey(labels.group ?? '', labels.topic ?? '')
      found.set(key, Math.max(found.get(key) ?? 0, value))
    }
  }
  return found
}
