// One broker of a cluster under test, as a process that is killed, frozen, cut off and started again on the same ports.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild, untilReady } from '../child.ts'
import type { EtcdMember } from '../etcd/etcd.ts'
import { freePorts } from '../ports.ts'
import { TcpProxy } from '../tcp-proxy.ts'

const READY_LIMIT_MS = 60_000
const sourceMain = join(import.meta.dirname, '../../broker/main.ts')

export interface ClusterBrokerOptions {
  /** Takes the output of all lives. */
  readonly logFile: string
  readonly etcd: readonly EtcdMember[]
  readonly settings: Readonly<Record<string, string>>
  readonly main?: string
  /** `HOST:PORT` of a load balancer before all brokers: they get a shared listener for it. */
  readonly sharedAddress?: string | undefined
}

export class ClusterBroker {
  readonly port: number
  readonly metricsPort: number
  /** Of the shared listener. */
  readonly sharedPort: number
  /** Between this broker and each member of etcd. */
  readonly etcdProxies: readonly TcpProxy[]
  readonly #options: ClusterBrokerOptions
  #child: Child | undefined

  /** Not started yet. */
  static async create(options: ClusterBrokerOptions): Promise<ClusterBroker> {
    const [port = 0, metricsPort = 0, sharedPort = 0] = await freePorts(3)
    const proxies = await Promise.all(options.etcd.map(({ address }) => TcpProxy.start(address)))
    return new ClusterBroker(options, { port, metricsPort, sharedPort }, proxies)
  }

  private constructor(
    options: ClusterBrokerOptions,
    { port, metricsPort, sharedPort }: Pick<ClusterBroker, 'port' | 'metricsPort' | 'sharedPort'>,
    proxies: readonly TcpProxy[],
  ) {
    this.#options = options
    this.port = port
    this.metricsPort = metricsPort
    this.sharedPort = sharedPort
    this.etcdProxies = proxies
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error('the broker was not started')
    return this.#child
  }

  get isRunning(): boolean {
    return this.#child?.running() === true
  }

  /** Starts the process without waiting for anything. */
  async spawn(more: Readonly<Record<string, string>> = {}): Promise<Child> {
    const { NODE_OPTIONS: _forJestOnly, ...inherited } = process.env
    const env = {
      ...inherited,
      ...this.#listeners(),
      KAFSCALE_METRICS_ADDR: `127.0.0.1:${this.metricsPort}`,
      KAFSCALE_ETCD_ENDPOINTS: this.etcdProxies.map(({ port }) => `http://127.0.0.1:${port}`).join(','),
      KAFSCALE_LOG_LEVEL: 'info',
      ...this.#options.settings,
      ...more,
    }
    const { main = sourceMain, logFile } = this.#options
    this.#child = await startChild(process.execPath, [main], { env, logFile })
    return this.#child
  }

  #listeners(): Record<string, string> {
    const { sharedAddress } = this.#options
    if (sharedAddress === undefined) return { KAFSCALE_BROKER_ADDR: `127.0.0.1:${this.port}` }
    return {
      KAFSCALE_LISTENERS: `INTERNAL://127.0.0.1:${this.port},SHARED://127.0.0.1:${this.sharedPort}`,
      KAFSCALE_ADVERTISED_LISTENERS: `SHARED://${sharedAddress}`,
      KAFSCALE_SHARED_LISTENERS: 'SHARED',
    }
  }

  /** Resolves with the milliseconds until the broker was ready; rejects when that takes longer than a broker may. */
  async start(): Promise<number> {
    const began = performance.now()
    const child = await this.spawn()
    await untilReady(child, READY_LIMIT_MS, () => this.isReady())
    return performance.now() - began
  }

  async kill(): Promise<void> {
    await this.#child?.kill()
  }

  /** SIGSTOP: connections stay, nothing is answered. */
  freeze(): void {
    process.kill(this.child.pid, 'SIGSTOP')
  }

  thaw(): void {
    process.kill(this.child.pid, 'SIGCONT')
  }

  /** SIGTERM; the exit code. */
  stop(): Promise<number | null> {
    return this.child.stop(30_000)
  }

  /** Ends the process and what was started for it. */
  async close(): Promise<void> {
    if (this.isRunning) {
      this.thaw()
      await this.stop()
    }
    for (const proxy of this.etcdProxies) await proxy.stop()
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.metricsPort}/readyz`).catch(() => undefined)
    return answer?.ok === true
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`)).text()
  }

  /** Bytes of memory that the process holds. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
  }

  output(): string {
    return this.child.output()
  }
}
