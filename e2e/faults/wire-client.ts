// A connection that speaks the protocol by our codecs, with nothing hidden: no retries, no metadata, no buffering.

import { connect, type Socket } from 'node:net'
import {
  type ApiName,
  apis,
  type RequestOf,
  type ResponseOf,
  requestHeaderVersion,
  responseHeaderVersion,
} from '../../broker/wire/api.ts'
import { newRequestHeader, readResponseHeader, writeRequestHeader } from '../../broker/wire/messages.gen.ts'
import { Reader } from '../../broker/wire/reader.ts'
import { Writer } from '../../broker/wire/writer.ts'

interface Waiting {
  readonly resolve: (frame: Buffer) => void
  readonly reject: (cause: Error) => void
}

export class WireClient {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  #received = Buffer.alloc(0)
  #correlation = 0
  #closed: Error | undefined
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>

  static open(port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new WireClient(socket)))
    })
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    const closed = Promise.withResolvers<void>()
    this.closed = closed.promise
    socket.on('data', bytes => this.#take(bytes))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = new Error('the connection was closed')
      for (const { reject } of this.#waiting.values()) reject(this.#closed)
      this.#waiting.clear()
      closed.resolve()
    })
  }

  /** Rejects when the connection closes before the answer. */
  async call<Name extends ApiName>(name: Name, version: number, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    if (this.#closed !== undefined) throw this.#closed
    const correlationId = ++this.#correlation
    const answer = new Promise<Buffer>((resolve, reject) => this.#waiting.set(correlationId, { resolve, reject }))
    this.#socket.write(frameOf(name, version, correlationId, request))
    const reader = new Reader(await answer)
    readResponseHeader(reader, responseHeaderVersion(name, version))
    return apis[name].readResponse(reader, version)
  }

  /** Bytes as they are. */
  send(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    while (this.#received.length >= 8) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      const correlationId = frame.readInt32BE(0)
      this.#waiting.get(correlationId)?.resolve(frame)
      this.#waiting.delete(correlationId)
    }
  }
}

/** A whole request with its length in front. */
export function frameOf<Name extends ApiName>(
  name: Name,
  version: number,
  correlationId: number,
  request: RequestOf<Name>,
): Buffer {
  const { key, writeRequest } = apis[name]
  const writer = new Writer()
  const header = { requestApiKey: key, requestApiVersion: version, correlationId, clientId: 'faults' }
  writeRequestHeader(writer, newRequestHeader(header), requestHeaderVersion(name, version))
  writeRequest(writer, request, version)
  const body = Buffer.concat(writer.finish().buffers)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}
