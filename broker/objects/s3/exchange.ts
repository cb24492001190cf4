// One HTTP request and its whole answer, over an undici pool. Promises: the answer has as many bytes as it announced, or
// the exchange fails; it fails when its time is up; after `abort` nothing of it goes on.

import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Clock, Timer } from '../../clock.ts'
import { brokenOff, S3Failure } from './failure.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** With the query. */
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: readonly Uint8Array[]
  readonly bodyLength: number
  /** An answer with more bytes than this fails. */
  readonly mostBytes: number
  /** Milliseconds until the headers of the answer are there, and again until all of it is. */
  readonly timeoutMs: number
  /** Milliseconds for an answer of so many bytes, counted from its headers. */
  readonly answerTimeoutMs: (bytes: number) => number
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Exchange {
  /** Rejects with S3Failure of status 0. */
  readonly answer: Promise<Answer>
  abort(): void
}

/** Sends the request. */
export const exchange = (pool: Dispatcher, clock: Clock, request: HttpRequest): Exchange => {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const handler = new Receiver(clock, request, resolve, reject)
  const { path, method, bodyLength } = request
  // Otherwise a body that is a stream goes out in chunks, which S3 refuses.
  const headers = bodyLength === 0 ? request.headers : { ...request.headers, 'content-length': String(bodyLength) }
  try {
    // Never replayed by the pool: retries have a budget, and an upload that was cut off has an unknown outcome.
    pool.dispatch({ path, method, headers, body: bodyOf(request), idempotent: false }, handler)
  } catch (error) {
    handler.fail(brokenOff(error))
  }
  return { answer: promise, abort: () => handler.fail(aborted()) }
}

const aborted = (): S3Failure => new S3Failure(0, 'Aborted', 'the request was given up', { retry: 'yes' })

class Receiver implements Dispatcher.DispatchHandler {
  readonly #clock: Clock
  readonly #request: HttpRequest
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (failure: S3Failure) => void
  #timer: Timer
  #controller: Dispatcher.DispatchController | undefined
  #failure: S3Failure | undefined
  #done = false
  #status = 0
  #headers: IncomingHttpHeaders = {}
  /** Announced bytes; undefined with chunked transfer, which shows by itself where the body ends. */
  #length: number | undefined
  #whole: Buffer | undefined
  #chunks: Buffer[] = []
  #received = 0

  constructor(
    clock: Clock,
    request: HttpRequest,
    resolve: (answer: Answer) => void,
    reject: (failure: S3Failure) => void,
  ) {
    this.#clock = clock
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = this.#timeout(request.timeoutMs)
  }

  /** Settles at once; the connection is cut if the request was already on it, and never used for it otherwise. */
  fail(failure: S3Failure): void {
    if (this.#done) return
    this.#done = true
    this.#failure = failure
    this.#clock.clearTimeout(this.#timer)
    this.#chunks = []
    this.#whole = undefined
    this.#controller?.abort(failure)
    this.#reject(failure)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) controller.abort(this.#failure)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#done || status < 200) return
    this.#status = status
    this.#headers = headers
    const announced = headers['content-length']
    const length = announced === undefined ? undefined : Number(announced)
    if (this.#request.method === 'HEAD') return
    if (length === undefined) {
      // The end of the connection may be the end of an error, but not that of data.
      if (headers['transfer-encoding'] === undefined && status < 300 && status !== 204)
        this.fail(truncated('an answer that does not say where it ends'))
      return
    }
    this.#length = length
    if (length > this.#request.mostBytes) {
      this.#tooMuch()
      return
    }
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#timeout(this.#request.answerTimeoutMs(length))
    // Not of the shared pool of small buffers: a cache may hold it for long.
    this.#whole = Buffer.allocUnsafeSlow(length)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return
    const before = this.#received
    this.#received += chunk.length
    if (this.#received > (this.#length ?? this.#request.mostBytes)) this.#tooMuch()
    else if (this.#whole !== undefined) chunk.copy(this.#whole, before)
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#done) return
    if (this.#length !== undefined && this.#received !== this.#length) {
      this.fail(truncated(`${this.#received} of ${this.#length} bytes came`))
      return
    }
    this.#done = true
    this.#clock.clearTimeout(this.#timer)
    const body = this.#whole ?? Buffer.concat(this.#chunks)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.fail(brokenOff(error))
  }

  #tooMuch(): void {
    const most = this.#request.mostBytes
    this.fail(new S3Failure(0, 'AnswerTooLong', `an answer of more than ${most} bytes`, { retry: 'no' }))
  }

  #timeout(ms: number): Timer {
    return this.#clock.setTimeout(() => {
      this.fail(new S3Failure(0, 'TimedOut', `no whole answer in ${Math.round(ms)} ms`, { retry: 'yes' }))
    }, ms)
  }
}

const truncated = (what: string): S3Failure => new S3Failure(0, 'Truncated', what, { retry: 'yes' })

/** Below this many bytes one copy costs less than a stream. */
const copiedBytes = 128 * 1024
/** Pieces are gathered into writes of at least this size; larger ones go out as they are. */
const writeBytes = 64 * 1024

const bodyOf = ({ body, bodyLength }: HttpRequest): Buffer | Readable | null => {
  const [first] = body
  if (bodyLength === 0) return null
  if (first?.length === bodyLength) return Buffer.from(first.buffer, first.byteOffset, first.byteLength)
  if (bodyLength <= copiedBytes) return Buffer.concat(body)
  const writes = gathered(body)
  return new Readable({
    highWaterMark: 4 * writeBytes,
    read() {
      for (;;) {
        const { value, done } = writes.next()
        if (!this.push(done === true ? null : value) || done === true) return
      }
    },
  })
}

function* gathered(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = []
  let bytes = 0
  for (const piece of pieces) {
    if (piece.length < writeBytes) {
      small.push(piece)
      bytes += piece.length
      if (bytes < writeBytes) continue
    }
    if (bytes > 0) yield small.length === 1 && small[0] !== undefined ? small[0] : Buffer.concat(small)
    if (piece.length >= writeBytes) yield piece
    small = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(small)
}
