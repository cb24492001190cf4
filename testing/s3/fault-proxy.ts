// A proxy on loopback that stands before an S3 server and misbehaves on demand. Bodies stream through it, nothing is kept.
// Host headers pass unchanged, so signatures made for the proxy's address hold at the server.
//
// A request meets the first of: the cut, a planned fault that matches it, a fault by chance. Then latency is added to the
// answer, whatever it is.

import {
  createServer,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
  type Server,
  type ServerResponse,
} from 'node:http'
import { request as secureRequest, Agent as TlsAgent } from 'node:https'
import type { Socket } from 'node:net'

/**
 * - `500`, `503`: an error document, and nothing is done
 * - `reset`: the connection is reset before anything is done
 * - `hang`: nothing is done and no answer comes until the client gives up
 * - `lose-answer`: done, but no answer comes until the client gives up
 * - `reset-after`: done, and the connection is reset in place of an answer
 * - `truncate`: done; half of the answer's body comes, then the connection ends
 */
export type Fault = '500' | '503' | 'reset' | 'hang' | 'lose-answer' | 'reset-after' | 'truncate'

export interface ProxiedRequest {
  readonly method: string
  /** Path with query. */
  readonly url: string
}

/**
 * - `refuse`: connections are reset, new ones too
 * - `silence`: connections stay, nothing goes through any more
 */
export type Cut = 'none' | 'refuse' | 'silence'

interface Plan {
  readonly fault: Fault
  left: number
  readonly matches: (request: ProxiedRequest) => boolean
}

const errorNames: Readonly<Record<string, string>> = { '500': 'InternalError', '503': 'SlowDown' }

export class S3FaultProxy {
  /** Milliseconds added to each answer: a number, or from least to most. */
  latencyMs: number | readonly [least: number, most: number] = 0
  /** Requests that have come in, faulty ones included. */
  requests = 0
  /** Faults that were injected. */
  injected = 0
  readonly #upstream: Upstream
  readonly #random: () => number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #plans: Plan[] = []
  #chances: readonly (readonly [Fault, number])[] = []
  #cut: Cut = 'none'

  private constructor(upstream: Upstream, random: () => number) {
    this.#upstream = upstream
    this.#random = random
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (incoming, answer) =>
      this.#serve(incoming, answer),
    )
    this.#server.on('connection', (socket: Socket) => this.#accept(socket))
  }

  /** `endpoint`: the server, `http://` or `https://`. `random`: 0 to below 1, for chances and latencies. */
  static async start(endpoint: string, random: () => number, port = 0): Promise<S3FaultProxy> {
    const proxy = new S3FaultProxy(new Upstream(new URL(endpoint)), random)
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(port, '127.0.0.1', resolve)
    })
    return proxy
  }

  /** `http://127.0.0.1:port` */
  get endpoint(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy is not listening')
    return `http://127.0.0.1:${address.port}`
  }

  get cut(): Cut {
    return this.#cut
  }

  /** Takes the server away from all clients, or gives it back. */
  set cut(cut: Cut) {
    this.#cut = cut
    if (cut === 'refuse') for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** The next `count` requests that match meet the fault. Plans wait in line. */
  next(fault: Fault, count = 1, matches: (request: ProxiedRequest) => boolean = () => true): void {
    this.#plans.push({ fault, left: count, matches })
  }

  /** From now on each request meets each fault with that chance, 0 to 1. */
  chances(chances: Partial<Record<Fault, number>>): void {
    this.#chances = faults.flatMap(fault => {
      const chance = chances[fault] ?? 0
      return chance > 0 ? [[fault, chance] as const] : []
    })
  }

  /** Takes back all faults, plans, latency and the cut. What hangs goes on hanging. */
  heal(): void {
    this.#plans = []
    this.#chances = []
    this.latencyMs = 0
    this.#cut = 'none'
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    this.#upstream.close()
    await closed
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    if (this.#cut === 'refuse') {
      socket.resetAndDestroy()
      return
    }
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #serve(incoming: IncomingMessage, answer: ServerResponse): void {
    this.requests++
    answer.on('error', () => {})
    incoming.on('error', () => {})
    const fault = this.#faultFor({ method: incoming.method ?? '', url: incoming.url ?? '' })
    if (fault !== undefined) this.injected++
    const name = errorNames[fault ?? '']
    if (fault === 'reset') incoming.socket.resetAndDestroy()
    else if (fault === 'hang') incoming.resume()
    else if (name !== undefined) this.#refuse(Number(fault), name, incoming, answer)
    else this.#forward(fault, incoming, answer)
  }

  #refuse(status: number, name: string, incoming: IncomingMessage, answer: ServerResponse): void {
    const body = incoming.method === 'HEAD' ? '' : `<Error><Code>${name}</Code><Message>as planned</Message></Error>`
    // The body is taken in first: a client that is answered while it sends may see a broken connection instead.
    incoming.resume().on('end', () => {
      this.#later(() => answer.writeHead(status, { 'content-type': 'application/xml' }).end(body))
    })
  }

  #forward(fault: Fault | undefined, incoming: IncomingMessage, answer: ServerResponse): void {
    const outgoing = this.#upstream.request(incoming)
    incoming.pipe(outgoing)
    answer.on('close', () => {
      // A client that gives up in the middle of its upload must not finish it by way of us.
      if (!incoming.complete || (fault === undefined && !answer.writableEnded)) outgoing.destroy()
    })
    outgoing.on('error', () => incoming.socket.resetAndDestroy())
    outgoing.on('response', (response: IncomingMessage) => {
      response.on('error', () => incoming.socket.resetAndDestroy())
      if (fault === 'lose-answer' || this.#cut === 'silence') response.resume()
      else if (fault === 'reset-after') response.resume().on('end', () => incoming.socket.resetAndDestroy())
      else this.#later(() => pass(response, answer, fault === 'truncate'))
    })
  }

  #faultFor(request: ProxiedRequest): Fault | undefined {
    if (this.#cut === 'silence') return 'hang'
    const plan = this.#plans.find(candidate => candidate.matches(request))
    if (plan !== undefined) {
      plan.left--
      if (plan.left <= 0) this.#plans = this.#plans.filter(other => other !== plan)
      return plan.fault
    }
    return this.#chances.find(([, chance]) => this.#random() < chance)?.[0]
  }

  #later(work: () => void): void {
    const { latencyMs } = this
    const [least, most] = typeof latencyMs === 'number' ? [latencyMs, latencyMs] : latencyMs
    const ms = least + this.#random() * (most - least)
    if (ms <= 0) work()
    else setTimeout(work, ms).unref()
  }
}

const faults: readonly Fault[] = ['500', '503', 'reset', 'hang', 'lose-answer', 'reset-after', 'truncate']

const pass = (response: IncomingMessage, answer: ServerResponse, truncated: boolean): void => {
  if (answer.destroyed) {
    response.resume()
    return
  }
  answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
  if (!truncated) {
    response.pipe(answer)
    return
  }
  let left = Math.floor(Number(response.headers['content-length'] ?? 0) / 2)
  answer.flushHeaders()
  response.on('data', (chunk: Buffer) => {
    if (left > 0) answer.write(chunk.subarray(0, left))
    left -= chunk.length
  })
  // What was written goes out before the end of the connection does.
  response.on('end', () => answer.socket?.end())
}

class Upstream {
  readonly #url: URL
  readonly #agent: PlainAgent | TlsAgent

  constructor(url: URL) {
    this.#url = url
    const options = { keepAlive: true, noDelay: true, maxFreeSockets: 256 }
    this.#agent = url.protocol === 'https:' ? new TlsAgent(options) : new PlainAgent(options)
  }

  request({ method = 'GET', url = '/', headers }: IncomingMessage): ReturnType<typeof plainRequest> {
    const { protocol, hostname, port } = this.#url
    const send = protocol === 'https:' ? secureRequest : plainRequest
    return send({ hostname, port, method, path: url, headers, agent: this.#agent })
  }

  close(): void {
    this.#agent.destroy()
  }
}
