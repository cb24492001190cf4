// One client connection: frames in, responses out in the order of the requests.
//
// A request is
//   waiting     read, not started
//   running     given to the service, which has done its ordering-sensitive part before `handle` returned
//   answered    its response is known, but an earlier one of the connection is not
// and leaves when its response has been handed to the socket.
//
//   waiting -> running    a Produce request: as soon as all unanswered requests before it are Produce requests too
//                         any other request: when all requests before it have left
// So a client sees what Kafka's one-at-a-time processing shows, and Produce requests in flight still overlap.
//
// Reading stops (the socket is paused, so the peer is held back by TCP) between two frames while
//   - `unansweredRequests` requests, or `unbudgetedBytes` bytes of those outside the budget, have not left, or
//   - more than `outgoingBytes` of responses wait for the peer to read them; then no request starts either, or
//   - the peer is to be quiet, because it asked for more than its quota, or
//   - the next frame needs bytes from the shared budget and they are not granted yet. Produce requests do, and frames so
//     large that they count as data; heartbeats and other small requests never wait for the budget.
//
// It ends by an error of the socket, a frame that cannot be one, a request that the service rejected, a peer that is idle
// or stalls inside a frame, or a drain. Responses to requests before the offending one are still sent.

import type { Socket } from 'node:net'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { ByteBudget } from './byte-budget.ts'
import { FrameReader, shortestFrame } from './frame-reader.ts'
import { joinSmall, lengthPrefix } from './outgoing.ts'

export interface Service<Context> {
  /**
   * One request frame, without its length prefix. Resolves with the response, without its length prefix, as a list of
   * buffers, or with null when there is none (acks=0). A rejection closes the connection.
   * The service may keep the frame, and does what depends on the order of requests before it returns.
   */
  handle(frame: Buffer, connection: Connection<Context>): Promise<readonly Buffer[] | null>
  /** Told once of each response that `handle` gave: when the socket has sent all of it, or never will. */
  sent?(response: readonly Buffer[]): void
}

/** What is known of a connection when it is accepted. */
export interface Peer {
  /** Unique in the process's lifetime per listener; for logs. */
  readonly id: string
  readonly listener: string
  /** An IP address; IPv4 ones are written as such even on an IPv6 socket. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
}

export interface ConnectionSettings {
  /** `socket.request.max.bytes`: a longer frame closes the connection before anything is allocated for it. */
  readonly maxRequestBytes: number
  /** `connections.max.idle.ms`: without requests in progress and without a byte in either direction. */
  readonly maxIdleMs: number
  /** How long a frame may take from its first byte to its last. */
  readonly maxFrameMs: number
  readonly unansweredRequests: number
  readonly unbudgetedBytes: number
  readonly outgoingBytes: number
}

export const defaultConnectionSettings: ConnectionSettings = {
  maxRequestBytes: 104_857_600,
  maxIdleMs: 600_000,
  maxFrameMs: 60_000,
  unansweredRequests: 64,
  unbudgetedBytes: 2 * 1024 * 1024,
  outgoingBytes: 4 * 1024 * 1024,
}

/** What all connections of a process share. */
export interface ConnectionParts<Context> {
  readonly service: Service<Context>
  readonly clock: Clock
  readonly budget: ByteBudget
  readonly settings: ConnectionSettings
}

const produce = 0
/** Other requests of this size and more take from the byte budget as well. */
const largeFrame = 1024 * 1024

interface Request {
  readonly produce: boolean
  readonly bytes: number
  readonly charged: boolean
  state: 'waiting' | 'running' | 'answered' | 'failed'
  frame: Buffer | null
  response: readonly Buffer[] | null
}

/** What the frame that comes next has taken from the byte budget; `waiting` until it is granted. */
interface Charge {
  readonly bytes: number
  waiting: Disposable | null
}

export class Connection<Context> {
  readonly peer: Peer
  /** Whatever the service keeps for the connection: client software, principal, fetch sessions. */
  readonly context: Context
  readonly log: Logger
  readonly #socket: Socket
  readonly #parts: ConnectionParts<Context>
  readonly #onClose = new Set<() => void>()
  readonly #reader = new FrameReader()
  /** In order of arrival; those that have left are gone from it. */
  readonly #requests: Request[] = []
  #unbudgetedBytes = 0
  #charge: Charge | null = null
  #frameBegun = false
  #frameTimer: Timer | null = null
  #idleTimer: Timer
  /** Runs while the peer is not listened to. */
  #quiet: Timer | null = null
  #quietUntil = 0
  #active: number
  #outgoing: Buffer[] = []
  /** The responses that `#outgoing` is made of. */
  #leaving: (readonly Buffer[])[] = []
  #reading = true
  /** No more frames are read, for good; the connection ends after the last response. */
  #ending = false
  /** Nothing more is sent; what is left in the socket's queue may still go. */
  #finishing = false
  /** The peer sends nothing more. */
  #gone = false
  /** The socket is closed. */
  #closed = false

  constructor(socket: Socket, peer: Peer, context: Context, log: Logger, parts: ConnectionParts<Context>) {
    this.peer = peer
    this.context = context
    this.log = log
    this.#socket = socket
    this.#parts = parts
    this.#active = parts.clock.monotonic()
    this.#idleTimer = parts.clock.setTimeout(() => this.#checkIdle(), parts.settings.maxIdleMs)
    socket.on('data', chunk => this.#received(chunk))
    socket.on('drain', () => this.#drained())
    socket.on('end', () => this.#peerEnded())
    socket.on('error', error => log.debug({ error: error.message }, 'connection failed'))
    socket.on('close', () => this.#ended())
  }

  /** Whether the client is gone or half gone, so that nobody waits for answers. */
  get closed(): boolean {
    return this.#gone
  }

  /** Calls back once when `closed` becomes true; at once when it is. Dispose of the result to give up the call. */
  onClose(callback: () => void): Disposable {
    if (this.#gone) callback()
    else this.#onClose.add(callback)
    return { [Symbol.dispose]: () => void this.#onClose.delete(callback) }
  }

  /** Reads no more, answers what was read, then closes. */
  drain(): void {
    this.#stopReading()
    this.#finishIfDone()
  }

  /** Reads no more requests for so long (KIP-219); those that were read are answered. */
  quiet(ms: number): void {
    const { clock } = this.#parts
    const until = clock.monotonic() + ms
    if (this.#closed || until <= this.#quietUntil) return
    this.#quietUntil = until
    if (this.#quiet !== null) clock.clearTimeout(this.#quiet)
    this.#quiet = clock.setTimeout(() => {
      this.#quiet = null
      this.#active = clock.monotonic()
      this.#resume()
    }, ms)
  }

  /** Closes now, whatever is in progress. */
  destroy(): void {
    this.#socket.destroy()
  }

  #received(chunk: Buffer): void {
    if (this.#ending) return
    this.#active = this.#parts.clock.monotonic()
    this.#reader.push(chunk)
    this.#read()
  }

  /** Takes frames until the bytes run out or something blocks. */
  #read(): void {
    while (this.#frameBegun || !this.#blocked()) {
      if (!this.#frameBegun) {
        const begun = this.#begin()
        if (begun !== 'begun') {
          if (begun === 'incomplete') this.#await()
          return
        }
      }
      const frame = this.#reader.take()
      if (frame === null) {
        this.#await()
        return
      }
      this.#stopFrameTimer()
      this.#frameBegun = false
      this.#accept(frame)
    }
    this.#pause()
  }

  /** Looks at the head of the next frame and takes what it needs from the budget. */
  #begin(): 'begun' | 'incomplete' | 'stopped' {
    const length = this.#reader.length()
    if (length === null) return 'incomplete'
    if (length < shortestFrame || length > this.#parts.settings.maxRequestBytes) {
      this.#refuse(`frame of ${length} bytes`)
      return 'stopped'
    }
    const apiKey = this.#reader.apiKey()
    if (apiKey === null) return 'incomplete'
    if (this.#charge === null && (apiKey === produce || length >= largeFrame)) {
      const charge: Charge = { bytes: length, waiting: null }
      this.#charge = charge
      charge.waiting = this.#parts.budget.take(length, () => {
        charge.waiting = null
        this.#resume()
      })
      if (charge.waiting !== null) {
        this.#pause()
        return 'stopped'
      }
    }
    this.#frameBegun = true
    return 'begun'
  }

  #accept(frame: Buffer): void {
    this.#requests.push({
      produce: frame.readInt16BE(0) === produce,
      bytes: frame.length,
      charged: this.#charge !== null,
      state: 'waiting',
      frame,
      response: null,
    })
    if (this.#charge === null) this.#unbudgetedBytes += frame.length
    this.#charge = null
    this.#start()
  }

  #blocked(): boolean {
    const { settings } = this.#parts
    return (
      this.#ending ||
      this.#quiet !== null ||
      this.#charge?.waiting != null ||
      this.#requests.length >= settings.unansweredRequests ||
      this.#unbudgetedBytes >= settings.unbudgetedBytes ||
      this.#peerIsBehind()
    )
  }

  #peerIsBehind(): boolean {
    return this.#socket.writableLength > this.#parts.settings.outgoingBytes
  }

  #start(): void {
    if (this.#peerIsBehind()) return
    for (const [i, request] of this.#requests.entries()) {
      if (!request.produce && i > 0) return
      if (request.state === 'waiting') this.#run(request)
      if (!request.produce) return
    }
  }

  #run(request: Request): void {
    const frame = request.frame
    if (frame === null) return
    request.state = 'running'
    request.frame = null
    let response: Promise<readonly Buffer[] | null>
    try {
      response = this.#parts.service.handle(frame, this)
    } catch (error) {
      response = Promise.reject(error)
    }
    response.then(
      buffers => this.#answered(request, buffers),
      error => this.#failed(request, error),
    )
  }

  #answered(request: Request, response: readonly Buffer[] | null): void {
    request.state = 'answered'
    request.response = response
    this.#leave()
  }

  #failed(request: Request, error: unknown): void {
    if (!this.#closed) this.log.info({ error: String(error) }, 'connection closed: its request was rejected')
    request.state = 'failed'
    this.#stopReading()
    this.#leave()
  }

  /** Lets the answered requests at the front go, and starts what may start now. */
  #leave(): void {
    if (this.#closed) {
      this.#releaseAll()
      return
    }
    for (let first = this.#requests[0]; first !== undefined; first = this.#requests[0]) {
      if (first.state === 'failed') {
        // Later requests of the connection get no answer; their bytes are given back when it has closed.
        this.#finish()
        return
      }
      if (first.state !== 'answered') break
      this.#requests.shift()
      if (first.response !== null) this.#send(first.response)
      this.#release(first)
    }
    this.#start()
    this.#finishIfDone()
    this.#resume()
  }

  #release(request: Request): void {
    if (request.charged) this.#parts.budget.release(request.bytes)
    else this.#unbudgetedBytes -= request.bytes
  }

  /** After the end: running requests keep their bytes until the service is done with them. */
  #releaseAll(): void {
    const running = this.#requests.filter(request => request.state === 'running')
    const done = this.#requests.filter(request => request.state !== 'running')
    this.#requests.splice(0, Number.POSITIVE_INFINITY, ...running)
    for (const request of done) {
      this.#release(request)
      if (request.response !== null) this.#tellSent([request.response])
    }
  }

  #send(response: readonly Buffer[]): void {
    if (this.#outgoing.length === 0) process.nextTick(() => this.#flush())
    this.#outgoing.push(lengthPrefix(response), ...response)
    this.#leaving.push(response)
  }

  /** Runs once per turn of the event loop, so that responses that became ready together leave together. */
  #flush(): void {
    const buffers = joinSmall(this.#outgoing)
    const responses = this.#leaving
    const last = buffers.length - 1
    this.#outgoing = []
    this.#leaving = []
    if (this.#socket.destroyed || !this.#socket.writable || last < 0) {
      this.#tellSent(responses)
      return
    }
    this.#active = this.#parts.clock.monotonic()
    if (last > 0) this.#socket.cork()
    for (const [at, buffer] of buffers.entries()) {
      if (at < last) this.#socket.write(buffer)
      else this.#socket.write(buffer, () => this.#tellSent(responses))
    }
    if (last > 0) this.#socket.uncork()
  }

  #tellSent(responses: readonly (readonly Buffer[])[]): void {
    for (const response of responses) this.#parts.service.sent?.(response)
  }

  #drained(): void {
    this.#active = this.#parts.clock.monotonic()
    if (this.#closed) return
    this.#start()
    this.#resume()
  }

  #pause(): void {
    this.#stopFrameTimer()
    if (!this.#reading) return
    this.#reading = false
    this.#socket.pause()
  }

  #resume(): void {
    if (this.#reading || this.#closed || this.#blocked()) return
    this.#reading = true
    // First the frames that are here already; they may block again.
    this.#read()
    if (this.#reading && !this.#ending) this.#socket.resume()
  }

  /** More bytes of a frame are needed. */
  #await(): void {
    if (!this.#reader.midFrame || this.#frameTimer !== null) return
    this.#frameTimer = this.#parts.clock.setTimeout(() => {
      this.log.info({ peer: this.peer.remoteAddress }, 'connection closed: a request did not arrive completely in time')
      this.destroy()
    }, this.#parts.settings.maxFrameMs)
  }

  #stopFrameTimer(): void {
    if (this.#frameTimer !== null) this.#parts.clock.clearTimeout(this.#frameTimer)
    this.#frameTimer = null
  }

  #refuse(reason: string): void {
    this.log.info({ peer: this.peer.remoteAddress, reason }, 'connection closed: not a valid request')
    this.drain()
  }

  #stopReading(): void {
    this.#ending = true
    this.#pause()
    this.#giveUpFrame()
  }

  /** Gives back what an incomplete frame took from the budget. */
  #giveUpFrame(): void {
    const charge = this.#charge
    this.#charge = null
    if (charge === null) return
    if (charge.waiting !== null) charge.waiting[Symbol.dispose]()
    else this.#parts.budget.release(charge.bytes)
  }

  /** The peer sends nothing more, and most likely is gone; what it has sent is still done. */
  #peerEnded(): void {
    this.#notifyClosed()
    this.drain()
  }

  #finishIfDone(): void {
    if (this.#ending && this.#requests.length === 0) this.#finish()
  }

  #finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    if (this.#outgoing.length > 0) this.#flush()
    this.#socket.destroySoon()
  }

  #checkIdle(): void {
    const { clock, settings } = this.#parts
    const working =
      this.#quiet !== null || (!this.#finishing && this.#requests.some(request => request.state === 'running'))
    const left = working ? settings.maxIdleMs : this.#active + settings.maxIdleMs - clock.monotonic()
    if (left > 0) {
      this.#idleTimer = clock.setTimeout(() => this.#checkIdle(), left)
      return
    }
    this.log.debug('connection closed: idle')
    this.destroy()
  }

  #notifyClosed(): void {
    this.#gone = true
    const callbacks = [...this.#onClose]
    this.#onClose.clear()
    for (const callback of callbacks) callback()
  }

  #ended(): void {
    this.#closed = true
    this.#ending = true
    this.#parts.clock.clearTimeout(this.#idleTimer)
    this.#stopFrameTimer()
    if (this.#quiet !== null) this.#parts.clock.clearTimeout(this.#quiet)
    this.#giveUpFrame()
    this.#releaseAll()
    this.#tellSent(this.#leaving.splice(0))
    this.#notifyClosed()
  }
}
