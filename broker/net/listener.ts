// One listening address of the broker: accepts connections within the limits and ends them in good order.

import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '../observe/logger.ts'
import type { Admission } from './admission.ts'
import { Connection, type ConnectionParts, type Peer } from './connection.ts'

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
  /** Makes what the service keeps for a connection. */
  readonly newContext: (peer: Peer) => Context
}

const backlog = 1024
const keepAliveMs = 60_000

export class Listener<Context> {
  readonly #settings: ListenerSettings
  readonly #parts: ListenerParts<Context>
  readonly #log: Logger
  readonly #server: Server
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
    const { admission, newContext } = this.#parts
    const peer = this.#peerOf(socket)
    const refused = peer === null ? 'gone already' : this.#refusal(peer)
    if (refused !== null || peer === null) {
      this.#log.info({ peer: peer?.remoteAddress, reason: refused }, 'connection refused')
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const log = this.#log.child({ connection: peer.id })
    const connection = new Connection(socket, peer, newContext(peer), log, this.#parts)
    this.#connections.add(connection)
    log.debug({ peer: peer.remoteAddress, port: peer.remotePort }, 'connection accepted')
    socket.on('close', () => {
      this.#connections.delete(connection)
      admission.leave(peer.remoteAddress)
      log.debug('connection closed')
      if (this.#connections.size === 0) this.#allClosed()
    })
  }

  #refusal(peer: Peer): string | null {
    return this.#drained === null ? this.#parts.admission.enter(peer.remoteAddress) : 'shutting down'
  }

  #peerOf(socket: Socket): Peer | null {
    const { remoteAddress, remotePort, localPort } = socket
    if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return null
    return {
      id: `${this.name}-${++this.#accepted}`,
      listener: this.name,
      remoteAddress: remoteAddress.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, ''),
      remotePort,
      localPort,
    }
  }
}
