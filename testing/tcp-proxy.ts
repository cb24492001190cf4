// A TCP proxy on loopback whose connections can be cut and silenced while they are in use, to test what becomes of the
// two sides. States: open -> cut (connections are reset, new ones are refused) or silent (nothing passes, nothing is
// closed, new connections are accepted and hear nothing) -> open again by `heal`.

import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'

export type ProxyState = 'open' | 'cut' | 'silent'

interface Pair {
  readonly near: Socket
  /** Made only when the proxy is open. */
  far: Socket | undefined
}

export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #state: ProxyState = 'open'
  #afterRequest: (() => void) | undefined
  #port = 0

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target
    this.#server = createServer({ noDelay: true }, near => this.#accept(near))
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await proxy.#listen(0)
    return proxy
  }

  get port(): number {
    return this.#port
  }

  get state(): ProxyState {
    return this.#state
  }

  /** Resets every connection and refuses new ones. */
  cut(): void {
    this.#state = 'cut'
    this.resetConnections()
  }

  /** Lets nothing pass in either direction, and says nothing to anybody. */
  silence(): void {
    this.#state = 'silent'
    for (const { near, far } of this.#pairs) {
      near.pause()
      far?.pause()
    }
  }

  /** As before; connections that were silenced go on with what was held back. */
  heal(): void {
    this.#state = 'open'
    for (const pair of this.#pairs) {
      if (pair.far === undefined) this.#connect(pair)
      pair.near.resume()
      pair.far?.resume()
    }
  }

  /** The next bytes from a client are passed on; then answers are held back and `then` is called. */
  silenceAfterNextRequest(then: () => void): void {
    this.#afterRequest = then
  }

  resetConnections(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy()
      far?.resetAndDestroy()
    }
    this.#pairs.clear()
  }

  async stop(): Promise<void> {
    this.resetConnections()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', () => {
        const address = this.#server.address()
        if (address !== null && typeof address !== 'string') this.#port = address.port
        resolve()
      })
    })
  }

  #accept(near: Socket): void {
    near.on('error', () => near.destroy())
    if (this.#state === 'cut') {
      near.resetAndDestroy()
      return
    }
    const pair: Pair = { near, far: undefined }
    this.#pairs.add(pair)
    near.on('close', () => this.#drop(pair))
    if (this.#state === 'open') this.#connect(pair)
    else near.pause()
  }

  #connect(pair: Pair): void {
    const { near } = pair
    const far = tcpConnect({ ...this.#target, noDelay: true })
    pair.far = far
    far.on('error', () => near.resetAndDestroy())
    far.on('close', () => this.#drop(pair))
    near.on('data', bytes => {
      if (!far.write(bytes)) near.pause()
      this.#noteRequest()
    })
    far.on('drain', () => this.#state === 'open' && near.resume())
    far.on('data', bytes => {
      if (!near.write(bytes)) far.pause()
    })
    near.on('drain', () => this.#state === 'open' && far.resume())
    near.on('end', () => far.end())
    far.on('end', () => near.end())
  }

  #noteRequest(): void {
    const then = this.#afterRequest
    if (then === undefined) return
    this.#afterRequest = undefined
    this.#state = 'silent'
    for (const { far } of this.#pairs) far?.pause()
    then()
  }

  #drop(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.near.destroy()
    pair.far?.destroy()
  }
}
