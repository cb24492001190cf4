// Clients of several libraries at work on one topic, through the port of a node, and the judgement of all that they were told.

import { setTimeout as sleep } from 'node:timers/promises'
import { TcpProxy } from '../../testing/tcp-proxy.ts'
import { judge, type Violation } from '../chaos/history.ts'
import { KafkajsMember, kafkajsProducer, platformaticProducer } from '../chaos/node-clients.ts'
import type { Operation } from '../chaos/operations.ts'
import { readWhole, WireReader } from '../chaos/wire-reader.ts'
import { type ChaosClient, now, type Place } from '../chaos/workload.ts'

const RECOVERY_MS = 90_000
const LOOK_MS = 100

export class Load {
  readonly #operations: Operation[] = []
  readonly #proxy: TcpProxy
  readonly #place: Place
  readonly #clients: ChaosClient[] = []

  /** On a topic that is there. Resolves when every client gets on. */
  static async start(bootstrap: { host: string; port: number }, topic: string, partitions: number): Promise<Load> {
    // The clients of chaos runs begin on loopback; where they go from there is what the brokers tell them.
    const load = new Load(await TcpProxy.start(bootstrap), topic, partitions)
    await load.#begin()
    return load
  }

  private constructor(proxy: TcpProxy, topic: string, partitions: number) {
    this.#proxy = proxy
    this.#place = {
      ports: [proxy.port],
      topic,
      partitions: Array.from({ length: partitions }, (_, index) => index),
      log: operation => this.#operations.push(operation),
    }
  }

  async #begin(): Promise<void> {
    const place = this.#place
    this.#clients.push(kafkajsProducer(place, true), kafkajsProducer(place, false), platformaticProducer(place))
    for (const partition of place.partitions) this.#clients.push(new WireReader(place, partition))
    for (const index of [0, 1]) this.#clients.push(await KafkajsMember.start(place, index))
    await this.getOn('at the beginning')
  }

  /** Resolves when every client has done something since now; rejects when one cannot. */
  async getOn(when: string): Promise<void> {
    const from = now()
    for (;;) {
      const stuck = this.#clients.filter(({ progress }) => !progress.since(from))
      if (stuck.length === 0) return
      if (now() - from > RECOVERY_MS) {
        const said = stuck.map(({ name, errors }) => `${name} (${errors.at(-1)?.message ?? 'no error'})`)
        throw new Error(`${when}, these clients do not get on: ${said.join(', ')}`)
      }
      await sleep(LOOK_MS)
    }
  }

  get acknowledged(): number {
    return this.#operations.filter(({ kind }) => kind === 'ack').length
  }

  /** Ends the clients, reads everything that is there, and judges. */
  async finish(): Promise<Violation[]> {
    await this.#end()
    await readWhole(this.#place, 0)
    return judge(this.#operations)
  }

  async stop(): Promise<void> {
    await this.#end()
    await this.#proxy.stop()
  }

  async #end(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map(client => client.stop().catch(() => {})))
  }
}
