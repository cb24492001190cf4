// What Kubernetes asks of the operator's pod: /healthz (should it be restarted), /readyz (are its caches filled), /metrics.
// Other pages are JSON, of whoever makes the server.

import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/** Names of what is wrong; empty when all is well. */
export type Check = () => readonly string[]

export interface HealthServerOptions {
  readonly host?: string
  /** 0 for any that is free. */
  readonly port: number
  readonly live: Check
  readonly ready: Check
  readonly registry: Registry
  /** What a path of any other name shows; undefined when it shows nothing. */
  readonly page?: (path: string) => object | undefined
}

export class HealthServer {
  readonly #options: HealthServerOptions
  readonly #server: Server

  constructor(options: HealthServerOptions) {
    this.#options = options
    this.#server = createServer((request, response) => {
      this.#answer(request.url ?? '/', response).catch(() => response.destroy())
    })
  }

  /** Resolves with the port. */
  listen(): Promise<number> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => resolve(portOf(this.#server.address())))
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  async #answer(url: string, response: ServerResponse): Promise<void> {
    const { live, ready, registry } = this.#options
    switch (url.split('?')[0]) {
      case '/healthz':
        return verdict(response, live())
      case '/readyz':
        return verdict(response, ready())
      case '/metrics':
        response.setHeader('content-type', registry.contentType)
        response.end(await registry.metrics())
        return
      default:
        return show(response, this.#options.page?.(decoded(url)))
    }
  }
}

function show(response: ServerResponse, page: object | undefined): void {
  response.statusCode = page === undefined ? 404 : 200
  if (page !== undefined) response.setHeader('content-type', 'application/json')
  response.end(page === undefined ? '' : JSON.stringify(page))
}

/** The path without its query. One that cannot be read names nothing. */
function decoded(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '')
  } catch {
    return ''
  }
}

function verdict(response: ServerResponse, wrong: readonly string[]): void {
  response.statusCode = wrong.length === 0 ? 200 : 503
  response.end(wrong.length === 0 ? 'ok\n' : `${wrong.join('\n')}\n`)
}

const portOf = (address: AddressInfo | string | null): number =>
  address === null || typeof address === 'string' ? 0 : address.port
