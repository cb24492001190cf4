// The HTTP server on the metrics address: /metrics for Prometheus, /healthz and /readyz for probes.
// /healthz answers as long as the process can answer at all; /readyz answers 503 with the reasons while a part is not ready.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Health } from './health.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

interface Answer {
  readonly status: number
  readonly contentType?: string
  readonly text: string
}

/** Scrapers and probes need a few; more than this are turned away. */
const maxConnections = 100
const requestMs = 10_000

export class HttpServer {
  readonly #server: Server
  readonly #metrics: Metrics
  readonly #health: Health
  readonly #log: Logger

  private constructor(metrics: Metrics, health: Health, log: Logger) {
    this.#metrics = metrics
    this.#health = health
    this.#log = log
    this.#server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs }, (request, response) =>
      this.#handle(request, response),
    )
    this.#server.maxConnections = maxConnections
  }

  /** Resolves when requests are answered. Rejects with Node's error, EADDRINUSE for example. Port 0 takes any free one. */
  static async open(
    address: { readonly host: string | undefined; readonly port: number },
    parts: { readonly metrics: Metrics; readonly health: Health; readonly log: Logger },
  ): Promise<HttpServer> {
    const opened = new HttpServer(parts.metrics, parts.health, parts.log)
    const server = opened.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, resolve)
    })
    server.on('error', error => parts.log.warn({ error: error.message }, 'metrics address'))
    return opened
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request).catch((error: unknown): Answer => {
      this.#log.error({ error: String(error), path: request.url }, 'metrics address: request failed')
      return { status: 500, text: 'internal error\n' }
    })
    const body = Buffer.from(answer.text)
    response.writeHead(answer.status, {
      'content-type': answer.contentType ?? 'text/plain; charset=utf-8',
      'content-length': body.length,
      'cache-control': 'no-store',
      ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, text: 'only GET and HEAD\n' }
    switch (request.url?.split('?', 1)[0]) {
      case '/metrics':
        return { status: 200, contentType: this.#metrics.registry.contentType, text: await this.#metrics.scrape() }
      case '/healthz':
        return { status: 200, text: 'ok\n' }
      case '/readyz': {
        const reasons = this.#health.unready()
        return reasons.length === 0
          ? { status: 200, text: 'ready\n' }
          : { status: 503, text: reasons.map(reason => `${reason}\n`).join('') }
      }
      default:
        return { status: 404, text: 'not found\n' }
    }
  }
}
