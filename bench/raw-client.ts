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
  /** What has come of the next frames, and how much it takes to read on. */
  #chunks: Buffer[] = []
  #length = 0
  #wanted = 4
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
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#wanted) return
    let received = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    this.#wanted = 4
    while (received.length >= 4) {
      const end = 4 + received.readInt32BE(0)
      if (received.length < end) {
        this.#wanted = end
        break
      }
      const frame = received.subarray(4, end)
      received = received.subarray(end)
      this.#waiting.shift()?.(frame)
    }
    this.#chunks = received.length === 0 ? [] : [received]
    this.#length = received.length
  }
}
