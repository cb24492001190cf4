// Load with a memory: idempotent producers that send each batch again until it is acknowledged, note where the broker said
// it stands, and can tell afterwards what must be in the log.

import { setTimeout as sleep } from 'node:timers/promises'
import { buildBatch, recordsOf } from '../../broker/wire/batch-builder.ts'
import { errorCode, errorName, isRetriable } from '../../broker/wire/errors.ts'
import {
  newCreateTopicsRequest,
  newCreateTopicsRequestTopic,
  newFetchRequest,
  newFetchRequestPartition,
  newFetchRequestTopic,
  newInitProducerIdRequest,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { eachBatch } from '../../broker/wire/record-batch.ts'
import { WireClient } from './wire-client.ts'

const RETRY_MS = 20
const LARGEST_BATCH = 4
/** Longer than any restart takes. */
const GIVE_UP_MS = 60_000

export async function createTopic(port: number, name: string, partitions: number): Promise<void> {
  const client = await WireClient.open(port)
  const topics = [
    newCreateTopicsRequestTopic({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }),
  ]
  const { topics: answers } = await client.call(
    'CreateTopics',
    7,
    newCreateTopicsRequest({ topics, validateOnly: false }),
  )
  client.close()
  const code = answers[0]?.errorCode ?? -1
  if (code !== errorCode.NONE) throw new Error(`topic ${name} was not created: ${errorName(code)}`)
}

export async function newProducerId(port: number): Promise<number> {
  const client = await WireClient.open(port)
  const request = newInitProducerIdRequest({ transactionalId: null, transactionTimeoutMs: 60_000 })
  const { producerId, errorCode: code } = await client.call('InitProducerId', 4, request)
  client.close()
  if (code !== errorCode.NONE) throw new Error(`there was no producer id: ${errorName(code)}`)
  return producerId
}

export interface Place {
  readonly topic: string
  readonly partition: number
}

export interface Send extends Place {
  readonly values: readonly string[]
  readonly producer?: { readonly id: number; readonly sequence: number }
}

/** One Produce of one batch with acks=all; the error code and base offset. Rejects when the connection closes first. */
export async function produceOnce(client: WireClient, { topic, partition, values, producer }: Send) {
  const records = buildBatch({
    records: values.map(value => ({ value: Buffer.from(value) })),
    timestamp: Date.now(),
    ...(producer === undefined ? {} : { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence }),
  })
  const partitionData = [newProduceRequestPartition({ index: partition, records: [records] })]
  const topicData = [newProduceRequestTopic({ name: topic, partitionData })]
  const answer = await client.call('Produce', 9, newProduceRequest({ acks: -1, timeoutMs: 30_000, topicData }))
  const { errorCode: code = -1, baseOffset = -1 } = answer.responses[0]?.partitionResponses[0] ?? {}
  return { code, baseOffset }
}

/** Values of a partition from `from` to its end, by offset; throws when the offsets are not dense. */
export async function readAll(port: number, { topic, partition }: Place, from = 0): Promise<string[]> {
  const client = await WireClient.open(port)
  const values: string[] = []
  for (;;) {
    const fetchOffset = from + values.length
    const partitions = [newFetchRequestPartition({ partition, fetchOffset, partitionMaxBytes: 1_000_000 })]
    const topics = [newFetchRequestTopic({ topic, partitions })]
    const answer = await client.call('Fetch', 12, newFetchRequest({ maxWaitMs: 0, minBytes: 0, topics }))
    const { errorCode: code = -1, records = null, highWatermark = -1 } = answer.responses[0]?.partitions[0] ?? {}
    if (code !== errorCode.NONE) throw new Error(`fetch at ${fetchOffset}: ${errorName(code)}`)
    const before = values.length
    for (const slice of records ?? []) {
      eachBatch(slice, at => {
        for (const { offset, value } of recordsOf(slice, at, 100_000_000)) {
          if (offset < from + values.length) continue
          if (offset > from + values.length) throw new Error(`offset ${offset} follows ${from + values.length - 1}`)
          values.push(String(value))
        }
      })
    }
    if (from + values.length >= highWatermark) break
    if (values.length === before)
      throw new Error(`nothing comes at ${fetchOffset}, but the log ends at ${highWatermark}`)
  }
  client.close()
  return values
}

/** Writes to one partition, one batch at a time, until it is told to stop; a batch is sent until it is acknowledged. */
export class Producer {
  /** Everything acknowledged: the value at each offset. */
  readonly acknowledged: string[] = []
  /** Refusals and lost connections that it sent again after. */
  retries = 0
  readonly place: Place
  readonly #port: number
  readonly #id: number
  readonly #pad: string
  #stopped = false
  #client: WireClient | undefined
  readonly #running: Promise<void>

  /** `padBytes` are added to each value. */
  static async start(port: number, place: Place, padBytes = 0): Promise<Producer> {
    return new Producer(port, place, await newProducerId(port), padBytes)
  }

  private constructor(port: number, place: Place, id: number, padBytes: number) {
    this.#port = port
    this.place = place
    this.#id = id
    this.#pad = 'x'.repeat(padBytes)
    this.#running = this.#run()
    this.#running.catch(() => {})
  }

  /** Resolves when the last batch begun is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    this.#client?.close()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const sequence = this.acknowledged.length
      const values = Array.from(
        { length: 1 + (sequence % LARGEST_BATCH) },
        (_, index) => `${this.place.topic}/${this.place.partition}/${sequence + index}/${this.#pad}`,
      )
      await this.#send(values, sequence)
      this.acknowledged.push(...values)
    }
  }

  async #send(values: readonly string[], sequence: number): Promise<void> {
    const deadline = performance.now() + GIVE_UP_MS
    for (;;) {
      const code = await this.#try({ ...this.place, values, producer: { id: this.#id, sequence } })
      if (code === errorCode.NONE) return
      if (code !== 'connection' && !isRetriable(code))
        throw new Error(`the broker said ${errorName(code)}, which is final`)
      if (performance.now() > deadline) throw new Error(`batch ${sequence} was not acknowledged: ${code}`)
      this.retries++
      await sleep(RETRY_MS)
    }
  }

  async #try(send: Send): Promise<number | 'connection'> {
    try {
      this.#client ??= await WireClient.open(this.#port)
      const { code, baseOffset } = await produceOnce(this.#client, send)
      // The only writer of its partition, from offset 0 on: sequence and offset are the same.
      if (code === errorCode.NONE && baseOffset !== send.producer?.sequence) {
        throw new WrongOffset(`sequence ${send.producer?.sequence} was acknowledged at offset ${baseOffset}`)
      }
      return code
    } catch (cause) {
      if (cause instanceof WrongOffset) throw cause
      this.#client?.close()
      this.#client = undefined
      return 'connection'
    }
  }
}

class WrongOffset extends Error {
  override readonly name = 'WrongOffset'
}

/**
 * What is wrong with the log, as lines: everything acknowledged must be in it once, in order and equal. Behind it there may
 * be the one batch that was on the way, and more only while the producer `goesOn`.
 */
export async function missing(
  { place, acknowledged }: Pick<Producer, 'place' | 'acknowledged'>,
  port: number,
  goesOn = false,
): Promise<string[]> {
  const values = await readAll(port, place)
  const wrong = acknowledged.flatMap((value, offset) =>
    values[offset] === value
      ? []
      : [`${offset}: "${values[offset]?.slice(0, 80)}" in place of "${value.slice(0, 80)}"`],
  )
  const seen = new Set(values)
  if (seen.size !== values.length) wrong.push(`${values.length - seen.size} records are there twice`)
  const unknown = values.length - acknowledged.length
  if (!goesOn && unknown > LARGEST_BATCH) wrong.push(`${unknown} records more than were sent`)
  return wrong
}
