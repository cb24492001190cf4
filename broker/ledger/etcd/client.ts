/**
 * Calls to etcd, made safe: each has a deadline, and all of them, streams included, go to one member at a time.
 *
 * The member is left for another one when it does not answer or says that it cannot serve. Those who hold streams learn
 * that by `onMoved`: a member that was cut off from its peers keeps streams open and lets them starve. Nothing here
 * is tried twice; `retrying` does that where it is right.
 */

import { rootCertificates } from 'node:tls'
import { Etcd3, type IDuplexStream, type IResponseHeader, type IWatchRequest, type IWatchResponse } from 'etcd3'
import { type Clock, systemClock, type Timer } from '../../clock.ts'
import { isElsewhereBetter, OtherCluster, problemOf } from './problems.ts'

/** Of every call: an election takes a second or two. etcd itself gives up on a request after about 7 s. */
const CALL_MS = 2000
/** In which a member must answer to be chosen. */
const PROBE_MS = 1000

export interface EtcdClientOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly endpoints: readonly string[]
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** PEM texts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
  readonly clock: Clock
}

type WatchCall = IDuplexStream<IWatchRequest, IWatchResponse>

/** Passes calls through: retries and circuit breakers of etcd3 would hide from us what became of a request. */
class PassThrough {
  declare readonly _altReturn: never
  readonly onSuccess = () => ({ dispose: () => {} })
  readonly onFailure = () => ({ dispose: () => {} })
  async execute<T>(call: (context: { signal: AbortSignal }) => PromiseLike<T> | T): Promise<T> {
    return call({ signal: neverAborted })
  }
}

const neverAborted = new AbortController().signal
const passThrough = new PassThrough()

export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #movedListeners = new Set<() => void>()
  readonly #pauses = new Set<() => void>()
  #connection: Etcd3
  #tls: EtcdClientOptions['tls']
  #current: number
  #clusterId: string | undefined
  /** While another member is looked for; calls wait for it. */
  #choosing: Promise<void> | undefined
  #closed = false

  constructor(options: EtcdClientOptions) {
    this.#options = options
    this.#tls = options.tls
    // Brokers that start at different times begin with different members.
    this.#current = Math.floor(options.clock.now()) % options.endpoints.length
    this.#connection = this.#connect(this.endpoint)
  }

  get endpoint(): string {
    return this.#options.endpoints[this.#current] ?? ''
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** One call of the current member. Rejects with what etcd3 throws; `problemOf` sorts it. */
  async call<T extends { header?: IResponseHeader }>(what: (etcd: Etcd3) => Promise<T>): Promise<T> {
    await this.#choosing
    const connection = this.#connection
    let response: T
    try {
      response = await what(connection)
    } catch (cause) {
      this.failed(connection, cause)
      throw cause
    }
    if (response.header !== undefined) this.checkCluster(response.header)
    return response
  }

  /** Seconds that the lease has left; 0 when there is no such lease. */
  async keepAlive(lease: string, limitMs: number): Promise<number> {
    await this.#choosing
    const connection = this.#connection
    try {
      return await this.#keepAliveOnce(connection, lease, limitMs)
    } catch (cause) {
      this.failed(connection, cause)
      throw cause
    }
  }

  /** A watch stream to the current member. Its owner cancels it, and reports its failure by `failed`. */
  async openWatch(): Promise<{ readonly stream: WatchCall; readonly connection: Etcd3 }> {
    await this.#choosing
    const connection = this.#connection
    const stream = await withDeadline(this.#options.clock, connection.watchClient.watch())
    return { stream, connection }
  }

  /** Notes a failed call of `connection`: looks for another member if this one is the reason. */
  failed(connection: Etcd3, cause: unknown): void {
    if (this.#closed || connection !== this.#connection || this.#choosing !== undefined) return
    const problem = problemOf(cause)
    const moves = isElsewhereBetter(problem) && this.#options.endpoints.length > 1
    if (moves) {
      this.#choosing = this.#choose().finally(() => {
        this.#choosing = undefined
      })
    } else if (isElsewhereBetter(problem) || problem === 'stale-login') {
      // A new login takes a new connection too: etcd3 does not renew one whose rights have changed.
      this.#use(this.#current, this.#connect(this.endpoint))
    }
  }

  /**
   * Goes on with the first of the other members to answer that it knows a leader, else with the next one. Going round
   * blindly would lead to members that are down or frozen while those that are up elect a leader.
   */
  async #choose(): Promise<void> {
    const { endpoints } = this.#options
    const others = endpoints.map((_, index) => index).filter(index => index !== this.#current)
    const probes = others.map(index => ({ index, connection: this.#connect(endpoints[index] ?? '') }))
    const [next] = probes
    const chosen = await Promise.any(probes.map(probe => this.#probe(probe))).catch(() => next)
    for (const probe of probes) if (probe !== chosen || this.#closed) probe.connection.close()
    if (chosen === undefined || this.#closed) return
    this.#use(chosen.index, chosen.connection)
    for (const listener of [...this.#movedListeners]) listener()
  }

  async #probe<T extends { readonly connection: Etcd3 }>(probe: T): Promise<T> {
    const { leader } = await withDeadline(this.#options.clock, probe.connection.maintenance.status(), PROBE_MS)
    if (leader === '0') throw new Error('the member knows no leader')
    return probe
  }

  #use(index: number, connection: Etcd3): void {
    const before = this.#connection
    this.#current = index
    this.#connection = connection
    before.close()
  }

  /** Throws OtherCluster when the response is from another cluster than all before. */
  checkCluster(header: IResponseHeader): void {
    this.#clusterId ??= header.cluster_id
    if (header.cluster_id !== this.#clusterId) {
      throw new OtherCluster(
        `etcd at ${this.endpoint} is cluster ${header.cluster_id}, not ${this.#clusterId} as before`,
      )
    }
  }

  /**
   * From now on connections show and trust these certificates; the one in use is replaced at once, since it would be
   * refused when it has to be made again. Throws for what is no certificate, and goes on with what it has.
   */
  renewTls(tls: NonNullable<EtcdClientOptions['tls']>): void {
    if (this.#closed) return
    const before = this.#tls
    this.#tls = tls
    try {
      this.#use(this.#current, this.#connect(this.endpoint))
    } catch (cause) {
      this.#tls = before
      throw cause
    }
    for (const listener of [...this.#movedListeners]) listener()
  }

  /** Called when calls go to another member from now on. */
  onMoved(listener: () => void): () => void {
    this.#movedListeners.add(listener)
    return () => this.#movedListeners.delete(listener)
  }

  /** Resolves after `ms` milliseconds, or at once when the client is closed. */
  async pause(ms: number): Promise<void> {
    if (this.#closed) return
    const { clock } = this.#options
    await new Promise<void>(resolve => {
      const timer = clock.setTimeout(() => wake(), ms)
      const wake = (): void => {
        clock.clearTimeout(timer)
        this.#pauses.delete(wake)
        resolve()
      }
      this.#pauses.add(wake)
    })
  }

  close(): void {
    this.#closed = true
    this.#movedListeners.clear()
    this.#connection.close()
    for (const wake of [...this.#pauses]) wake()
  }

  #connect(endpoint: string): Etcd3 {
    const { username, password } = this.#options
    const tls = this.#tls
    return new Etcd3({
      hosts: [endpoint],
      ...(tls === undefined ? {} : { credentials: credentials(tls) }),
      ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
      // gRPC compares deadlines with the clock of the process, whatever clock the broker is given.
      defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: systemClock.now() + CALL_MS }),
      faultHandling: { host: () => passThrough, global: passThrough },
      grpcOptions: {
        // etcd counts pings below 5 s as abuse.
        'grpc.keepalive_time_ms': 5000,
        'grpc.keepalive_timeout_ms': 3000,
        'grpc.keepalive_permit_without_calls': 1,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1000,
        // A watch that catches up is sent far more than 4 MiB at a time.
        'grpc.max_receive_message_length': -1,
        'grpc.max_send_message_length': -1,
      },
    })
  }

  async #keepAliveOnce(connection: Etcd3, lease: string, limitMs: number): Promise<number> {
    const stream = await withDeadline(this.#options.clock, connection.leaseClient.leaseKeepAlive())
    try {
      const answer = new Promise<number>((resolve, reject) => {
        stream.on('data', ({ TTL }) => resolve(Number(TTL)))
        stream.on('error', reject)
        stream.on('end', () => reject(new Error('etcd ended the stream of keep-alives')))
      })
      stream.write({ ID: lease })
      const seconds = await withDeadline(this.#options.clock, answer, limitMs)
      stream.end()
      return seconds
    } catch (cause) {
      endStream(stream)
      throw cause
    }
  }
}

/** Ended before it is cancelled, or else etcd3 takes the cancellation for a failure of the member. */
export function endStream(stream: { end(): void; cancel(): void }): void {
  stream.end()
  stream.cancel()
}

/** etcd3 wants a root certificate; undefined means those that Node trusts, which its types do not say. */
function credentials(tls: NonNullable<EtcdClientOptions['tls']>): {
  rootCertificate: Buffer
  privateKey?: Buffer
  certChain?: Buffer
} {
  return {
    rootCertificate: Buffer.from(tls.ca ?? rootCertificates.join('\n')),
    ...(tls.key === undefined ? {} : { privateKey: Buffer.from(tls.key) }),
    ...(tls.cert === undefined ? {} : { certChain: Buffer.from(tls.cert) }),
  }
}

async function withDeadline<T>(clock: Clock, promise: Promise<T>, ms = CALL_MS): Promise<T> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => reject(new Error(`etcd gave no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    if (timer !== undefined) clock.clearTimeout(timer)
  }
}
