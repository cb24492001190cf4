/**
 * A connection to a Kafka broker by our own codecs: for brokers that pass requests on to each other, and for the operator.
 *
 * Promises: versions are negotiated (KIP-35), every call ends within its time limit, a connection that broke or was too
 * slow, or was given up, rejects all its calls and takes no new ones. Answers come in the order of the calls, so a call that waits
 * long holds up those behind it: use one connection for each such call.
 */
import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Clock } from '../clock.ts'
import { FrameReader } from '../net/frame-reader.ts'
import {
  type ApiName,
  apis,
  type RequestOf,
  type ResponseOf,
  requestHeaderVersion,
  responseHeaderVersion,
} from '../wire/api.ts'
import { newApiVersionsRequest, readResponseHeader, writeRequestHeader } from '../wire/messages.gen.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { addressText } from './address.ts'
import { type Login, logIn } from './login.ts'

export interface BrokerConnectionOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly clock: Clock
  /** For connecting, and for calls that name no limit of their own, ms. */
  readonly timeoutMs: number
  /** For a listener with SASL. */
  readonly login?: Login
  /** For a listener with TLS: whom to trust, and what to show. */
  readonly tls?: Pick<
    ConnectionOptions,
    'ca' | 'cert' | 'key' | 'passphrase' | 'rejectUnauthorized' | 'checkServerIdentity'
  >
  /** An answer of more bytes breaks the connection. */
  readonly largestAnswer?: number
  /** Breaks the connection, or the try to make it, when it aborts. */
  readonly signal?: AbortSignal
}

export interface CallOptions {
  readonly timeoutMs?: number
  readonly clientId?: string
  /** A version above this is not used although both sides know it. */
  readonly atMostVersion?: number
}

/** The broker could not be reached, went away, or did not answer in time. */
export class BrokerUnreachable extends Error {
  override readonly name = 'BrokerUnreachable'
}

const LARGEST_ANSWER = 256 * 1024 * 1024
/** Since then ApiVersions is answered as others are; software names are asked for only later. */
const FIRST_API_VERSIONS = 0

interface Waiting {
  readonly correlationId: number
  readonly resolve: (frame: Buffer) => void
  readonly reject: (cause: Error) => void
}

export class BrokerConnection {
  readonly #options: BrokerConnectionOptions
  readonly #socket: Socket
  readonly #frames = new FrameReader()
  readonly #waiting: Waiting[] = []
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>()
  #correlationId = 0
  #broken: BrokerUnreachable | undefined
  readonly #giveUp = (): void => this.#break(`${address(this.#options)} was not waited for`)

  /** Rejects with BrokerUnreachable, and with AuthenticationFailed when the broker does not accept the login. */
  static async open(options: BrokerConnectionOptions): Promise<BrokerConnection> {
    const connection = new BrokerConnection(options, await openSocket(options))
    const { apiKeys } = await connection.#exchange('ApiVersions', FIRST_API_VERSIONS, newApiVersionsRequest({}))
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      connection.#versions.set(apiKey, { min: minVersion, max: maxVersion })
    }
    const { login } = options
    if (login === undefined) return connection
    try {
      await logIn(login, { call: (name, request) => connection.call(name, request) })
      return connection
    } catch (cause) {
      connection.close()
      throw cause
    }
  }

  private constructor(options: BrokerConnectionOptions, socket: Socket) {
    this.#options = options
    this.#socket = socket
    socket.on('data', chunk => this.#take(chunk))
    socket.on('error', cause => this.#break(`${address(options)}: ${cause.message}`))
    socket.on('close', () => this.#break(`${address(options)} closed the connection`))
    options.signal?.addEventListener('abort', this.#giveUp)
    if (options.signal?.aborted === true) this.#giveUp()
  }

  /** False once it broke or was closed. */
  get isOpen(): boolean {
    return this.#broken === undefined
  }

  /** Rejects with BrokerUnreachable, also when the broker has no version of the API in common with us. */
  async call<Name extends ApiName>(
    name: Name,
    request: RequestOf<Name>,
    options: CallOptions = {},
  ): Promise<ResponseOf<Name>> {
    const { key, firstVersion, lastVersion } = apis[name]
    const theirs = this.#versions.get(key)
    const version = Math.min(lastVersion, theirs?.max ?? -1, options.atMostVersion ?? lastVersion)
    if (version < Math.max(firstVersion, theirs?.min ?? 0)) {
      throw new BrokerUnreachable(
        `${address(this.#options)} does not serve ${name} in a version that this software knows`,
      )
    }
    return this.#exchange(name, version, request, options)
  }

  close(): void {
    this.#break('the connection was closed')
  }

  async #exchange<Name extends ApiName>(
    name: Name,
    version: number,
    request: RequestOf<Name>,
    { timeoutMs = this.#options.timeoutMs, clientId = this.#options.clientId }: CallOptions = {},
  ): Promise<ResponseOf<Name>> {
    if (this.#broken !== undefined) throw this.#broken
    // A request that cannot be written throws before anybody waits for its answer.
    const { correlationId, buffers } = this.#encode(name, version, request, clientId)
    const answer = Promise.withResolvers<Buffer>()
    this.#waiting.push({ ...answer, correlationId })
    this.#send(buffers)
    const { clock } = this.#options
    const late = `${address(this.#options)} did not answer ${name} in time`
    const timer = clock.setTimeout(() => this.#break(late), timeoutMs)
    try {
      const reader = new Reader(await answer.promise)
      readResponseHeader(reader, responseHeaderVersion(name, version))
      return apis[name].readResponse(reader, version)
    } finally {
      clock.clearTimeout(timer)
    }
  }

  #encode<Name extends ApiName>(name: Name, version: number, request: RequestOf<Name>, clientId: string) {
    const writer = new Writer()
    const correlationId = (this.#correlationId = (this.#correlationId + 1) % 0x7fffffff)
    const header = { requestApiKey: apis[name].key, requestApiVersion: version, correlationId, clientId }
    writeRequestHeader(writer, header, requestHeaderVersion(name, version))
    apis[name].writeRequest(writer, request, version)
    const { buffers, length } = writer.finish()
    const prefix = Buffer.allocUnsafe(4)
    prefix.writeInt32BE(length)
    return { correlationId, buffers: [prefix, ...buffers] }
  }

  #send(buffers: readonly Buffer[]): void {
    this.#socket.cork()
    for (const buffer of buffers) this.#socket.write(buffer)
    this.#socket.uncork()
  }

  #take(chunk: Buffer): void {
    this.#frames.push(chunk)
    for (;;) {
      if ((this.#frames.length() ?? 0) > (this.#options.largestAnswer ?? LARGEST_ANSWER)) {
        this.#break(`${address(this.#options)} sent an answer that is too large`)
        return
      }
      const frame = this.#frames.take()
      if (frame === null) return
      const next = this.#waiting.shift()
      // It stands first in every version of the header.
      if (next !== undefined && (frame.length < 4 || frame.readInt32BE(0) !== next.correlationId)) {
        next.reject(
          new BrokerUnreachable(`${address(this.#options)} answered another request than the one that was due`),
        )
        this.#break(`${address(this.#options)} answers out of turn`)
        return
      }
      next?.resolve(frame)
    }
  }

  #break(why: string): void {
    if (this.#broken !== undefined) return
    this.#broken = new BrokerUnreachable(why)
    this.#options.signal?.removeEventListener('abort', this.#giveUp)
    this.#socket.destroy()
    for (const { reject } of this.#waiting.splice(0)) reject(this.#broken)
  }
}

function openSocket(options: BrokerConnectionOptions): Promise<Socket> {
  const { host, port, timeoutMs, clock, tls, signal } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(new BrokerUnreachable(`${address(options)} was not asked`))
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const socket =
      tls === undefined ? connect({ host, port, noDelay: true }) : connectTls({ host, port, ...servername, ...tls })
    socket.setNoDelay(true)
    const end = (): void => {
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const fail = (why: string): void => {
      end()
      socket.destroy()
      reject(new BrokerUnreachable(`${address(options)}: ${why}`))
    }
    const timer = clock.setTimeout(() => fail('no connection in time'), timeoutMs)
    const onAbort = (): void => fail('was not waited for')
    signal?.addEventListener('abort', onAbort)
    const onError = (cause: Error): void => fail(cause.message)
    socket.once('error', onError)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      end()
      socket.off('error', onError)
      resolve(socket)
    })
  })
}

const address = (options: BrokerConnectionOptions): string => addressText(options)
