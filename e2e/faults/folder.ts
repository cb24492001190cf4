// A folder of its own for a test's brokers, and the end of whatever still runs in it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BrokerProcess } from './broker-process.ts'

export class FaultFolder {
  readonly path: string
  readonly #brokers: BrokerProcess[] = []

  static async create(): Promise<FaultFolder> {
    return new FaultFolder(await mkdtemp(join(tmpdir(), 'kafscale-faults-')))
  }

  private constructor(path: string) {
    this.path = path
  }

  /** A broker that is not started yet; its data lie in `dataDir`, below this folder unless it is told otherwise. */
  async broker(
    settings: Readonly<Record<string, string>> = {},
    dataDir = join(this.path, 'data'),
  ): Promise<BrokerProcess> {
    const logFile = join(this.path, `broker-${this.#brokers.length}.log`)
    const broker = await BrokerProcess.create({ logFile, dataDir, settings })
    this.#brokers.push(broker)
    return broker
  }

  async remove(): Promise<void> {
    for (const broker of this.#brokers) await broker.kill()
    await rm(this.path, { recursive: true, force: true })
  }
}
