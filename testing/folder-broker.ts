/** A whole broker of ours in this process, with its data in a folder that goes with it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '../broker/broker.ts'
import { loadSettings } from '../broker/load-settings.ts'
import { createLogger } from '../broker/observe/logger.ts'

export class FolderBroker {
  readonly #broker: Broker
  readonly #folder: string

  private constructor(broker: Broker, folder: string) {
    this.#broker = broker
    this.#folder = folder
  }

  /** `settings` are environment variables; addresses are free ports of loopback unless they say otherwise. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<FolderBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'kafscale-broker-'))
    const all = {
      KAFSCALE_DATA_DIR: folder,
      KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
      KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
      ...settings,
    }
    const options = { settings: loadSettings(all), log: createLogger('silent'), onLost: () => {} }
    return new FolderBroker(await Broker.start(options), folder)
  }

  get port(): number {
    return this.#broker.port
  }

  get metricsPort(): number {
    return this.#broker.metricsPort
  }

  async stop(): Promise<void> {
    await this.#broker.stop()
    await rm(this.#folder, { recursive: true })
  }
}
