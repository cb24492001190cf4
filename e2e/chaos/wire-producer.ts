// An idempotent producer that stays with one broker whatever happens, so that the gap at that broker shows. It sends up to
// five batches at once; what is not acknowledged is sent again, in order, before anything new, as the Java client does.

import { setTimeout as sleep } from 'node:timers/promises'
import { buildBatch } from '../../broker/wire/batch-builder.ts'
import { errorCode, errorName, isRetriable } from '../../broker/wire/errors.ts'
import {
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { newProducerId } from '../faults/load.ts'
import { Link } from './link.ts'
import { valueFor } from './operations.ts'
import { Progress } from './progress.ts'
import { type ChaosClient, type ClientError, now, type Place } from './workload.ts'

const AT_ONCE = 5
const MOST_RECORDS = 3
const PAUSE_MS = 60
const RETRY_MS = 50

interface Batch {
  readonly sequence: number
  readonly keys: readonly string[]
}

type Outcome = { readonly baseOffset: number } | { readonly failed: number | 'connection' }

export class WireProducer implements ChaosClient {
  readonly role = 'producer'
  readonly name: string
  readonly pinnedTo: number
  readonly progress = new Progress()
  readonly errors: ClientError[] = []
  trouble = ''
  readonly #place: Place
  readonly #partition: number
  readonly #link: Link
  readonly #producerId: number
  #unacknowledged: Batch[] = []
  #sequence = 0
  #stopped = false
  readonly #running: Promise<void>

  /** Writes to `place.partitions[0]`. */
  static async start(place: Place, broker: number): Promise<WireProducer> {
    return new WireProducer(place, broker, await newProducerId(place.ports[broker] ?? 0))
  }

  private constructor(place: Place, broker: number, producerId: number) {
    this.#place = place
    this.#partition = place.partitions[0] ?? 0
    this.pinnedTo = broker
    this.name = `wire-${broker}`
    this.#link = new Link(place.ports[broker] ?? 0)
    this.#producerId = producerId
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    this.#link.close()
  }

  async #run(): Promise<void> {
    while (!this.#stopped || this.#unacknowledged.length > 0) {
      while (!this.#stopped && this.#unacknowledged.length < AT_ONCE) this.#unacknowledged.push(this.#newBatch())
      const before = this.#unacknowledged.length
      const outcomes = await Promise.all(this.#unacknowledged.map(batch => this.#send(batch)))
      this.#unacknowledged = this.#unacknowledged.filter((batch, index) => !this.#isSettled(batch, outcomes[index]))
      await sleep(this.#unacknowledged.length < before ? PAUSE_MS : RETRY_MS)
    }
  }

  #newBatch(): Batch {
    const sequence = this.#sequence
    const keys = Array.from({ length: 1 + (sequence % MOST_RECORDS) }, (_, index) => `${this.name}/${sequence + index}`)
    this.#sequence += keys.length
    for (const [index, key] of keys.entries()) {
      this.#place.log({
        kind: 'send',
        key,
        producer: this.name,
        idempotent: true,
        partition: this.#partition,
        sequence: sequence + index,
      })
    }
    return { sequence, keys }
  }

  async #send({ sequence, keys }: Batch): Promise<Outcome> {
    const records = buildBatch({
      records: keys.map(key => ({ key: Buffer.from(key), value: valueFor(key) })),
      timestamp: Date.now(),
      producerId: this.#producerId,
      producerEpoch: 0,
      baseSequence: sequence,
    })
    const partitionData = [newProduceRequestPartition({ index: this.#partition, records: [records] })]
    const topicData = [newProduceRequestTopic({ name: this.#place.topic, partitionData })]
    try {
      const answer = await this.#link.call('Produce', 9, newProduceRequest({ acks: -1, timeoutMs: 4000, topicData }))
      const { errorCode: code = -1, baseOffset = -1 } = answer.responses[0]?.partitionResponses[0] ?? {}
      return code === errorCode.NONE ? { baseOffset } : { failed: code }
    } catch {
      return { failed: 'connection' }
    }
  }

  #isSettled({ sequence, keys }: Batch, outcome: Outcome | undefined): boolean {
    if (outcome === undefined) return false
    if ('failed' in outcome) {
      this.#noteFailure(sequence, outcome.failed)
      return false
    }
    for (const [index, key] of keys.entries()) {
      this.#place.log({ kind: 'ack', key, partition: this.#partition, offset: outcome.baseOffset + index })
    }
    this.progress.note(now())
    return true
  }

  /** A batch behind one that failed is out of order, which is no error: it is sent again behind it. */
  #noteFailure(sequence: number, failed: number | 'connection'): void {
    this.trouble = `sequence ${sequence}: ${failed === 'connection' ? failed : errorName(failed)}`
    if (failed === 'connection' || isRetriable(failed) || failed === errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) return
    this.errors.push({ at: now(), message: errorName(failed) ?? `error ${failed}` })
  }
}
