/** A bare client over the generated codecs: one socket, requests in flight as many as one likes, no client library in between. */
import { connect, type Socket } from 'node:net'
import {
  type ApiName,
  apis,
  type RequestOf,
  type ResponseOf,
  requestHeaderVersion,
  responseHeaderVersion,
} from '../broker/wire/api.ts'
import { newRequestHeader, readResponseHeader, writeRequestHeader } from '../broker/wire/messages.gen.ts'
import { Reader } from '../broker/wire/reader.ts'
import { Writer } from '../broker/wire/writer.ts'

export class RawClient {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #received: Buffer = Buffer.alloc(0)
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#take(chunk))
  }

  static connect(host: string, port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port }, () => resolve(new RawClient(socket)))
      socket.once('error', reject)
    })
  }

  call<Name extends ApiName>(name: Name, version: number, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    const writer = new Writer()
    const header = newRequestHeader({
      requestApiKey: apis[name].key,
      requestApiVersion: version,
      correlationId: this.#correlationId++,
      clientId: 'bench',
    })
    writeRequestHeader(writer, header, requestHeaderVersion(name, version))
    apis[name].writeRequest(writer, request, version)
    const { buffers, length } = writer.finish()
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(length)
    this.#socket.write(Buffer.concat([prefix, ...buffers]))
    return new Promise(resolve => {
      this.#waiting.push(frame => {
        const reader = new Reader(frame)
        readResponseHeader(reader, responseHeaderVersion(name, version))
        resolve(apis[name].readResponse(reader, version))
      })
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      this.#waiting.shift()?.(frame)
    }
  }
}
