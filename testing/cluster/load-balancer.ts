// One address for several servers: every connection goes to the next of them that takes it, as a load balancer does.

import { connect, createServer, type Server, type Socket } from 'node:net'

export class LoadBalancer {
  readonly #server: Server
  readonly #targets = new Set<number>()
  readonly #sockets = new Set<Socket>()
  #next = 0

  static async start(): Promise<LoadBalancer> {
    const balancer = new LoadBalancer()
    await new Promise<void>(resolve => balancer.#server.listen(0, '127.0.0.1', resolve))
    return balancer
  }

  private constructor() {
    this.#server = createServer(near => this.#accept(near, this.#targets.size))
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  /** Port of a server on loopback. */
  add(port: number): void {
    this.#targets.add(port)
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #accept(near: Socket, triesLeft: number): void {
    const targets = [...this.#targets]
    const port = targets[this.#next++ % targets.length]
    if (port === undefined || triesLeft === 0) {
      near.destroy()
      return
    }
    const far = connect({ host: '127.0.0.1', port, noDelay: true })
    near.on('error', () => far.destroy())
    far.once('error', () => this.#accept(near, triesLeft - 1))
    far.once('connect', () => {
      far.removeAllListeners('error')
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one)
        one.setNoDelay(true)
        one.pipe(other)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      }
    })
  }
}
