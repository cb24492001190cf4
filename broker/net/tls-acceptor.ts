/**
 * The server's side of TLS: takes accepted sockets and hands on those whose handshake succeeded. It ends handshakes that
 * fail or take too long, and connections whose certificate nobody trusts. Renewed material counts from the next handshake.
 */
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'

export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  /** Who may sign the certificates of clients. */
  readonly ca?: Buffer
}

export interface TlsServing {
  readonly material: () => TlsMaterial
  /** `ssl.client.auth` */
  readonly clientAuth: 'none' | 'requested' | 'required'
  /** Calls back when there is new material. */
  readonly onRenewed: (callback: (material: TlsMaterial) => void) => void
}

const HANDSHAKE_MS = 10_000

export class TlsAcceptor {
  readonly #server: Server
  /** By the client's address and port: the socket itself cannot be told from what wraps it. */
  readonly #handshaking = new Map<string, Socket>()

  constructor(
    { material, clientAuth, onRenewed }: TlsServing,
    accept: (socket: TLSSocket, certificate: X509Certificate | undefined) => void,
    refused: (reason: string) => void,
  ) {
    this.#server = createServer({
      ...material(),
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
    })
    this.#server.on('tlsClientError', error => refused(error.message))
    this.#server.on('secureConnection', socket => {
      this.#handshaking.delete(nameOf(socket))
      const certificate = socket.getPeerX509Certificate()
      if (certificate !== undefined && !socket.authorized) {
        refused(`the client's certificate is not trusted: ${String(socket.authorizationError)}`)
        socket.destroy()
      } else accept(socket, certificate)
    })
    onRenewed(renewed => this.#server.setSecureContext(renewed))
  }

  /** Begins the handshake. */
  take(socket: Socket): void {
    const name = nameOf(socket)
    this.#handshaking.set(name, socket)
    socket.on('close', () => this.#handshaking.delete(name))
    this.#server.emit('connection', socket)
  }

  /** Ends the handshakes in progress; connections whose handshake is over are not its own any more. */
  close(): void {
    for (const socket of this.#handshaking.values()) socket.destroy()
  }
}

const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
