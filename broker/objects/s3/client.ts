// Sends requests to one S3 origin: signed, limited in number, tried again, hedged.
//
// try    = one request, or two when the first takes longer than 95 % of its kind: a first success wins, the other is cut
// call   = tries with pauses between them, until one succeeds, the failure is final, or the time is up
// Each request under way holds a place (concurrency.ts); none is held while waiting. Retries and hedges are paid from
// budgets, so trouble at the store never multiplies the load on it.

import type { LookupFunction } from 'node:net'
import { Pool } from 'undici'
import { type Clock, sleep } from '../../clock.ts'
import { Concurrency, type Place } from './concurrency.ts'
import { type CredentialSource, NoCredentials } from './credentials.ts'
import { type Answer, type Exchange, exchange, type HttpRequest } from './exchange.ts'
import { brokenOff, failureOf, S3Failure } from './failure.ts'
import { Latencies } from './latencies.ts'
import { type Backoff, ExtraRequests, pauseMs } from './retry.ts'
import { type Credentials, Signer, unsignedPayload } from './sigv4.ts'

/** Prices are per request of these kinds: PUT and LIST cost, GET and HEAD cost less, deletes are free. */
export type Operation = 'put' | 'get' | 'head' | 'list' | 'delete'

export interface S3Request {
  readonly operation: Operation
  readonly method: HttpRequest['method']
  /** Object key; empty for requests about the bucket. */
  readonly key: string
  /** As `queryString` makes it. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: readonly Uint8Array[]
  readonly bodyLength?: number
  /** Bytes that come back if all goes well, as far as known; for time limits and latency classes. */
  readonly expectedBytes?: number
  readonly mostBytes: number
  readonly hedged: boolean
}

/** One HTTP request that was sent, for metrics and for counting costs. */
export interface RequestReport {
  readonly operation: Operation
  /** From sending to the last byte, or to the failure. */
  readonly ms: number
  /** HTTP status; 0 when no whole answer came. */
  readonly status: number
  /** Bytes of the body that was sent or received. */
  readonly bytes: number
  /** Not the first request of its call. */
  readonly retried: boolean
  readonly hedged: boolean
}

export interface Patience {
  /** For one request; a body gets more, by `slowestBytesPerMs`. */
  readonly requestTimeoutMs: number
  /** For a call with all its tries; more for a body. */
  readonly totalTimeoutMs: number
  readonly slowestBytesPerMs: number
  readonly backoff: Backoff
  /** A request is not hedged before. */
  readonly hedgeFloorMs: number
}

export interface Origin {
  /** `https://host:port`, no path. */
  readonly origin: string
  /** Value of the Host header. */
  readonly host: string
  /** What comes before the key, with a slash at the end. */
  readonly path: string
  readonly region: string
}

export interface ClientConfig {
  readonly origin: Origin
  readonly credentials: CredentialSource
  readonly concurrency: number
  readonly patience: Patience
  readonly clock: Clock
  readonly random: () => number
  readonly onRequest: (report: RequestReport) => void
  readonly onWarning: (line: string) => void
  /** Certificates of authorities to trust, PEM; undefined: those that Node trusts. */
  readonly ca?: string | undefined
  /** Name resolution; undefined: the system's. */
  readonly lookup?: LookupFunction | undefined
}

/** Tells how many requests of a call were sent: after a second one, "exists" may mean "your first one". */
export interface Tally {
  sent: number
}

const retryShare = 0.2
const retriesPerSecond = 5
const hedgeShare = 0.05
const connectTimeoutMs = 5_000
/** S3 closes connections that were idle for longer at times; a new one costs two or three round trips. */
const idleConnectionMs = 20_000
/** Connections are renewed, so that new addresses of the store's name are used. */
const connectionLifeMs = 10 * 60_000

export class S3Client {
  readonly #config: ClientConfig
  readonly #pool: Pool
  readonly #signer: Signer
  readonly #places: Concurrency
  readonly #latencies = new Latencies()
  readonly #retries: ExtraRequests
  readonly #hedges: ExtraRequests
  /** The store's clock minus ours, as far as it complained. */
  #skewMs = 0
  #followsServerTime = false
  #isClosed = false

  constructor(config: ClientConfig) {
    this.#config = config
    this.#signer = new Signer(config.origin.region)
    this.#places = new Concurrency(config.clock, config.concurrency)
    this.#retries = new ExtraRequests(config.clock, retryShare, retriesPerSecond)
    this.#hedges = new ExtraRequests(config.clock, hedgeShare, 0)
    const { ca, lookup } = config
    this.#pool = new Pool(config.origin.origin, {
      connections: Math.max(2, config.concurrency),
      pipelining: 1,
      allowH2: false,
      // Time limits are ours, by the clock.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleConnectionMs,
      clientTtl: connectionLifeMs,
      connect: {
        timeout: connectTimeoutMs,
        noDelay: true,
        ...(ca === undefined ? {} : { ca }),
        ...(lookup === undefined ? {} : { lookup }),
      },
    })
  }

  get origin(): Origin {
    return this.#config.origin
  }

  /** From now on a wrong clock is made up for; at the start it is reported instead. */
  followServerTime(): void {
    this.#followsServerTime = true
  }

  /** Rejects with NoCredentials when there are none. */
  async demandCredentials(): Promise<void> {
    await this.#config.credentials.get()
  }

  get clock(): Clock {
    return this.#config.clock
  }

  /** Requests that may be under way at present. */
  get concurrency(): number {
    return this.#places.limit
  }

  /** When a call that begins now and moves so many bytes has to be over, in monotonic time. */
  deadline(bytes: number): number {
    return this.clock.monotonic() + this.#config.patience.totalTimeoutMs + this.#movingMs(bytes)
  }

  /** The answer, of status below 300. Rejects with S3Failure. */
  async call(request: S3Request, deadline = this.deadline(bytesOf(request))): Promise<Answer> {
    const tally = { sent: 0 }
    return this.retrying(deadline, () => this.try(request, deadline, tally))
  }

  /** Runs `work` until it succeeds, rejects with something that trying again does not cure, or the time is up. */
  async retrying<T>(deadline: number, work: () => Promise<T>): Promise<T> {
    this.#retries.earn()
    let telling: unknown
    for (let failures = 1; ; failures++) {
      try {
        return await work()
      } catch (error) {
        if (!this.#curable(error)) throw error
        // A last try that is cut off by the end of the time says nothing; the one before it may have.
        if (telling === undefined || !isTimeOut(error)) telling = error
        await this.#pause(failures, deadline, telling)
      }
    }
  }

  /** One request, or two when hedged. */
  async try(request: S3Request, deadline: number, tally: Tally = { sent: 0 }): Promise<Answer> {
    const credentials = await this.#config.credentials.get()
    const place = await this.#places.take(Math.max(1, deadline - this.clock.monotonic()))
    const send = (place: Place, hedged: boolean): Exchange => {
      tally.sent++
      return this.#send(request, credentials, place, deadline, { retried: tally.sent > 1 && !hedged, hedged })
    }
    const first = send(place, false)
    const usual = request.hedged ? this.#latencies.p95(request.operation, bytesOf(request)) : undefined
    if (usual === undefined) return first.answer
    this.#hedges.earn()
    return this.#hedging(first, Math.max(usual, this.#config.patience.hedgeFloorMs), place => send(place, true))
  }

  /** Cuts all connections; nothing is tried again. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool.destroy()
  }

  #hedging(first: Exchange, afterMs: number, sendAgain: (place: Place) => Exchange): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const running = new Set<Exchange>([first])
    const watch = (one: Exchange): void => {
      const failed = (error: unknown): void => {
        running.delete(one)
        // A put that finds its key taken is final too: what is there may be what the other one wrote, and the caller looks.
        if (running.size > 0 && !(error instanceof S3Failure && error.retry === 'no')) return
        end()
        reject(error)
      }
      one.answer.then(answer => {
        running.delete(one)
        end()
        resolve(answer)
      }, failed)
    }
    const timer = this.clock.setTimeout(() => {
      const place = this.#places.takeNow()
      if (place === undefined) return
      if (!this.#hedges.take()) return place.done('failure')
      const second = sendAgain(place)
      running.add(second)
      watch(second)
    }, afterMs)
    const end = (): void => {
      this.clock.clearTimeout(timer)
      for (const other of running) other.abort()
    }
    watch(first)
    return promise
  }

  #send(
    request: S3Request,
    credentials: Credentials,
    place: Place,
    deadline: number,
    kind: { retried: boolean; hedged: boolean },
  ): Exchange {
    const { clock, onRequest, patience } = this.#config
    const started = clock.monotonic()
    const bodyLength = request.bodyLength ?? 0
    const limit = patience.requestTimeoutMs + this.#movingMs(bytesOf(request))
    const sent = exchange(this.#pool, clock, {
      ...this.#signed(request, credentials),
      method: request.method,
      body: request.body ?? [],
      bodyLength,
      mostBytes: request.mostBytes,
      timeoutMs: Math.max(1, Math.min(limit, deadline - started)),
      answerTimeoutMs: bytes => patience.requestTimeoutMs + this.#movingMs(bytes),
    })
    const over = (status: number, received: number): void => {
      const ms = clock.monotonic() - started
      onRequest({ operation: request.operation, ms, status, bytes: bodyLength + received, ...kind })
    }
    const answer = sent.answer.then(
      answer => {
        over(answer.status, answer.body.length)
        if (answer.status < 300) {
          place.done('success')
          this.#latencies.record(request.operation, bytesOf(request), clock.monotonic() - started)
          return answer
        }
        const failure = failureOf(answer)
        place.done(failure.retry === 'slow-down' ? 'slow-down' : 'failure')
        this.#learn(failure, credentials)
        throw failure
      },
      error => {
        over(0, 0)
        place.done('failure')
        const failure = brokenOff(error)
        // How long it would have taken is not known, but it was at least this long.
        if (failure.code === 'Aborted' || failure.code === 'TimedOut')
          this.#latencies.record(request.operation, bytesOf(request), clock.monotonic() - started)
        throw failure
      },
    )
    // The one that lost a race is awaited by nobody.
    answer.catch(() => {})
    return { answer, abort: sent.abort }
  }

  #signed(request: S3Request, credentials: Credentials): { path: string; headers: Record<string, string> } {
    const { host, path: before } = this.#config.origin
    const path = before + request.key
    const query = request.query ?? ''
    const headers = this.#signer.sign(
      {
        method: request.method,
        path,
        query,
        headers: { host, 'x-amz-content-sha256': unsignedPayload, ...request.headers },
        payloadHash: unsignedPayload,
      },
      credentials,
      this.clock.now() + this.#skewMs,
    )
    return { path: query === '' ? path : `${path}?${query}`, headers }
  }

  #learn(failure: S3Failure, credentials: Credentials): void {
    if (failure.retry === 'new-credentials') this.#config.credentials.refuse(credentials)
    const time = failure.serverTime
    if (failure.retry !== 'new-time' || !this.#followsServerTime || time === undefined) return
    this.#skewMs = time - this.clock.now()
    const seconds = Math.round(this.#skewMs / 1000)
    this.#config.onWarning(`the clock of this machine and that of the S3 server are ${Math.abs(seconds)} s apart`)
  }

  #curable(error: unknown): boolean {
    if (this.#isClosed) return false
    if (error instanceof NoCredentials) return true
    if (!(error instanceof S3Failure)) return false
    return error.retry === 'new-time' ? this.#followsServerTime : error.retry !== 'no'
  }

  /** Waits before the next try; rejects with `error` when there is no time for one. */
  async #pause(failures: number, deadline: number, error: unknown): Promise<void> {
    const { clock, random, patience } = this.#config
    for (let pauses = failures; ; pauses++) {
      const ms = pauseMs(patience.backoff, pauses, random())
      if (clock.monotonic() + ms >= deadline) throw error
      await sleep(clock, ms)
      if (this.#retries.take()) return
    }
  }

  #movingMs(bytes: number): number {
    return bytes / this.#config.patience.slowestBytesPerMs
  }
}

const bytesOf = (request: S3Request): number => (request.bodyLength ?? 0) + (request.expectedBytes ?? 0)

/** "Precondition Failed": the key of a conditional put is taken. */
export const isTaken = (error: unknown): boolean => error instanceof S3Failure && error.status === 412

const isTimeOut = (error: unknown): boolean => error instanceof S3Failure && error.code === 'TimedOut'
