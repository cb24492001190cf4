// Our broker as a process of its own that a test kills, stops and starts again on the same folder and ports.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild, untilReady } from '../../testing/child.ts'
import { freePorts } from '../../testing/ports.ts'

const READY_LIMIT_MS = 30_000
const main = join(import.meta.dirname, '../../broker/main.ts')

export interface BrokerProcessOptions {
  /** Takes the output of all lives. */
  readonly logFile: string
  readonly dataDir: string
  readonly settings?: Readonly<Record<string, string>>
}

export class BrokerProcess {
  readonly port: number
  readonly metricsPort: number
  readonly #options: BrokerProcessOptions
  #child: Child | undefined

  /** Not started yet. */
  static async create(options: BrokerProcessOptions): Promise<BrokerProcess> {
    const [port = 0, metricsPort = 0] = await freePorts(2)
    return new BrokerProcess(options, port, metricsPort)
  }

  private constructor(options: BrokerProcessOptions, port: number, metricsPort: number) {
    this.#options = options
    this.port = port
    this.metricsPort = metricsPort
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error('the broker was not started')
    return this.#child
  }

  /** Starts the process without waiting for anything. */
  async spawn(): Promise<Child> {
    const { NODE_OPTIONS: _forJestOnly, ...inherited } = process.env
    const env = {
      ...inherited,
      KAFSCALE_BROKER_ADDR: `127.0.0.1:${this.port}`,
      KAFSCALE_METRICS_ADDR: `127.0.0.1:${this.metricsPort}`,
      KAFSCALE_DATA_DIR: this.#options.dataDir,
      KAFSCALE_LOG_LEVEL: 'info',
      ...this.#options.settings,
    }
    this.#child = await startChild(process.execPath, [main], { env, logFile: this.#options.logFile })
    return this.#child
  }

  /** Resolves with the milliseconds until the broker was ready; rejects when that takes longer than a broker may. */
  async start(): Promise<number> {
    const began = performance.now()
    const child = await this.spawn()
    await untilReady(child, READY_LIMIT_MS, () => this.#answersReady())
    return performance.now() - began
  }

  async kill(): Promise<void> {
    await this.#child?.kill()
  }

  /** SIGTERM; the exit code. */
  stop(): Promise<number | null> {
    return this.child.stop()
  }

  /** Bytes of memory that the process holds. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
  }

  async #answersReady(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.metricsPort}/readyz`)).ok
    } catch {
      return false
    }
  }
}
