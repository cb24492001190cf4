// One listening address of the broker: accepts connections within the limits, does the handshake of TLS where there is one,
// and ends connections in good order.

import type { X509Certificate } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '../observe/logger.ts'
import type { Admission } from './admission.ts'
import { Connection, type ConnectionParts, type Peer } from './connection.ts'
import { type Refusal, TlsAcceptor, type TlsServing } from './tls-acceptor.ts'

export interface ListenerSettings {
  /** Kafka's listener name, for example `PLAINTEXT`. */
  readonly name: string
  /** Address to listen on; undefined is every address. */
  readonly host: string | undefined
  /** 0 takes any free port. */
  readonly port: number
}

export interface ListenerParts<Context> extends ConnectionParts<Context> {
  readonly admission: Admission
  readonly log: Logger
  /** Undefined for connections in clear. */
  readonly tls?: TlsServing | undefined
  /** Told of clients that TLS keeps out for their certificates. */
  readonly onCertificateRefused?: (refusal: Refusal) => void
  /** Makes what the service keeps for a connection; `certificate` is that of the client, if it has shown one. */
  readonly newContext: (peer: Peer, certificate: X509Certificate | undefined) => Context
}

const backlog = 1024
const keepAliveMs = 60_000

export class Listener<Context> {
  readonly #settings: ListenerSettings
  readonly #parts: ListenerParts<Context>
  readonly #log: Logger
  readonly #server: Server
  readonly #tls: TlsAcceptor | undefined
  readonly #connections = new Set<Connection<Context>>()
  #accepted = 0
  #drained: Promise<void> | null = null
  #allClosed: () => void = () => {}

  private constructor(settings: ListenerSettings, parts: ListenerParts<Context>) {
    this.#settings = settings
    this.#parts = parts
    this.#log = parts.log.child({ listener: settings.name })
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
      socket => this.#accept(socket),
    )
    const { tls, onCertificateRefused } = parts
    const refused = (refusal: Refusal): void => {
      if (refusal.byCertificate) onCertificateRefused?.(refusal)
      else this.#log.info({ reason: refusal.reason, peer: refusal.address }, 'TLS handshake refused')
    }
    this.#tls = tls && new TlsAcceptor(tls, (socket, certificate) => this.#serve(socket, certificate), refused)
  }

  /** Resolves when connections are accepted. Rejects with Node's error, EADDRINUSE for example. */
  static async open<Context>(settings: ListenerSettings, parts: ListenerParts<Context>): Promise<Listener<Context>> {
    const listener = new Listener(settings, parts)
    await listener.#listen()
    return listener
  }

  get name(): string {
    return this.#settings.name
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : this.#settings.port
  }

  get connections(): number {
    return this.#connections.size
  }

  /**
   * Accepts no more connections and reads no more requests, answers those that were read, and closes every connection
   * when it is done. What is not done after `limitMs` milliseconds is cut off. Resolves when no connection is left.
   */
  drain(limitMs: number): Promise<void> {
    this.#drained ??= this.#drain(limitMs)
    return this.#drained
  }

  async #drain(limitMs: number): Promise<void> {
    this.#server.close()
    this.#tls?.close()
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size === 0) return
    const { clock } = this.#parts
    const limit = clock.setTimeout(() => {
      this.#log.warn({ connections: this.#connections.size }, 'connections cut off: requests were still in progress')
      for (const connection of this.#connections) connection.destroy()
    }, limitMs)
    await new Promise<void>(resolve => {
      this.#allClosed = resolve
    })
    clock.clearTimeout(limit)
  }

  #listen(): Promise<void> {
    const { host, port } = this.#settings
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, backlog, ...(host === undefined ? {} : { host }) }, () => {
        this.#server.off('error', reject)
        // That connection is lost, the next one may succeed. Out of descriptors, libuv closes the connection by itself.
        this.#server.on('error', error => this.#log.warn({ error: error.message }, 'could not accept a connection'))
        resolve()
      })
    })
  }

  #accept(socket: Socket): void {
    const address = addressOf(socket)
    const refused = address === null ? 'gone already' : this.#refusal(address)
    if (refused !== null || address === null) {
      this.#log.info({ peer: address, reason: refused }, 'connection refused')
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    socket.on('close', () => this.#parts.admission.leave(address))
    if (this.#tls === undefined) this.#serve(socket, undefined)
    else this.#tls.take(socket)
  }

  #serve(socket: Socket, certificate: X509Certificate | undefined): void {
    const peer = this.#peerOf(socket)
    if (peer === null) {
      socket.destroy()
      return
    }
    const log = this.#log.child({ connection: peer.id })
    let context: Context
    try {
      context = this.#parts.newContext(peer, certificate)
    } catch (cause) {
      log.info({ peer: peer.remoteAddress, reason: String(cause) }, 'connection refused')
      socket.destroy()
      return
    }
    const connection = new Connection(socket, peer, context, log, this.#parts)
    this.#connections.add(connection)
    log.debug({ peer: peer.remoteAddress, port: peer.remotePort }, 'connection accepted')
    socket.on('close', () => {
      this.#connections.delete(connection)
      log.debug('connection closed')
      if (this.#connections.size === 0) this.#allClosed()
    })
  }

  #refusal(address: string): string | null {
    return this.#drained === null ? this.#parts.admission.enter(address) : 'shutting down'
  }

  #peerOf(socket: Socket): Peer | null {
    const { remotePort, localPort } = socket
    const remoteAddress = addressOf(socket)
    if (remoteAddress === null || remotePort === undefined || localPort === undefined) return null
    return {
      id: `${this.name}-${++this.#accepted}`,
      listener: this.name,
      remoteAddress,
      remotePort,
      localPort,
    }
  }
}

/** IPv4 addresses are written as such even on an IPv6 socket; null when the client is gone already. */
function addressOf({ remoteAddress }: Socket): string | null {
  return remoteAddress?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '') ?? null
}
