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

export interface Refusal {
  readonly reason: string
  /** Whether the client's certificate, or that it has shown none, is why. */
  readonly byCertificate: boolean
  /** Node does not tell whose certificate it has refused: it ends that connection by itself. */
  readonly address: string | undefined
}

const HANDSHAKE_MS = 10_000

export class TlsAcceptor {
  readonly #server: Server
  /** By the client's address and port: the socket itself cannot be told from what wraps it. */
  readonly #handshaking = new Map<string, Socket>()

  constructor(
    { material, clientAuth, onRenewed }: TlsServing,
    accept: (socket: TLSSocket, certificate: X509Certificate | undefined) => void,
    refused: (refusal: Refusal) => void,
  ) {
    this.#server = createServer({
      ...material(),
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
    })
    this.#server.on('tlsClientError', (error, socket) => refused(refusalOf(error, socket)))
    this.#server.on('secureConnection', socket => {
      this.#handshaking.delete(nameOf(socket))
      const certificate = socket.getPeerX509Certificate()
      if (certificate !== undefined && !socket.authorized) {
        refused(notTrusted(socket))
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

const notTrusted = ({ authorizationError, remoteAddress }: TLSSocket): Refusal => ({
  reason: `the client has shown a certificate that is not trusted: ${String(authorizationError)}`,
  ...{ byCertificate: true, address: remoteAddress },
})

function refusalOf(error: Error, socket: TLSSocket): Refusal {
  // Typed as an error, but null where there is none.
  if (socket.authorizationError) return notTrusted(socket)
  const byCertificate = 'code' in error && error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'
  return {
    reason: byCertificate ? 'the client has shown no certificate' : error.message.trim(),
    ...{ byCertificate, address: socket.remoteAddress },
  }
}

const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
