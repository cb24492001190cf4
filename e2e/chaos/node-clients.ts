// The two client libraries of Node in a chaos run: producers of both, and a group of two kafkajs members that commit what
// they have read.

import { setTimeout as sleep } from 'node:timers/promises'
import { ProduceAcks, Producer } from '@platformatic/kafka'
import kafkajs, { type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs'
import { digestOf, valueFor } from './operations.ts'
import { Progress } from './progress.ts'
import { type ChaosClient, type ClientError, now, type Place } from './workload.ts'

const PAUSE_MS = 60
const RECORDS_AT_ONCE = 2
/** A broker that is frozen is given up after this. The library's own 30 s would be all of a short run. */
const REQUEST_MS = 8000
export const GROUP = 'kafkajs-group'

function newKafka({ ports }: Place, clientId: string): Kafka {
  return new kafkajs.Kafka({
    clientId,
    brokers: ports.map(port => `127.0.0.1:${port}`),
    logLevel: kafkajs.logLevel.NOTHING,
    requestTimeout: REQUEST_MS,
  })
}

interface OpenProducer {
  /** Sends records to a partition; resolves with the offset of the first. */
  send(partition: number, keys: readonly string[]): Promise<number>
  close(): Promise<void>
}

interface Library {
  readonly name: string
  readonly idempotent: boolean
  open(): Promise<OpenProducer>
}

/** A producer of some library, one send at a time. Records whose send failed are given up. */
export class LibraryProducer implements ChaosClient {
  readonly role = 'producer'
  readonly name: string
  readonly progress = new Progress()
  readonly errors: ClientError[] = []
  readonly #place: Place
  readonly #library: Library
  #sequence = 0
  #lives = 0
  #stopped = false
  readonly #running: Promise<void>

  constructor(place: Place, library: Library) {
    this.#place = place
    this.#library = library
    this.name = library.name
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { idempotent } = this.#library
    let producer: OpenProducer | undefined
    while (!this.#stopped) {
      try {
        if (producer === undefined) this.#lives++
        producer ??= await this.#library.open()
        await this.#sendSome(producer)
      } catch (cause) {
        this.errors.push({ at: now(), message: String(cause) })
        // After a failed send an idempotent producer does not know what was stored, so that it has to be a new one.
        if (idempotent) {
          await producer?.close().catch(() => {})
          producer = undefined
        }
      }
      await sleep(PAUSE_MS)
    }
    await producer?.close().catch(() => {})
  }

  async #sendSome(open: OpenProducer): Promise<void> {
    const { partitions, log } = this.#place
    const { idempotent } = this.#library
    const partition = partitions[(this.#sequence / RECORDS_AT_ONCE) % partitions.length] ?? 0
    const producer = `${this.name}#${this.#lives}`
    const keys: string[] = []
    for (let n = 0; n < RECORDS_AT_ONCE; n++) {
      const sequence = this.#sequence++
      const key = `${producer}/${sequence}`
      keys.push(key)
      log({ kind: 'send', key, producer, idempotent, partition, sequence })
    }
    const offset = await open.send(partition, keys)
    for (const [index, key] of keys.entries()) log({ kind: 'ack', key, partition, offset: offset + index })
    this.progress.note(now())
  }
}

export function kafkajsProducer(place: Place, idempotent: boolean): LibraryProducer {
  const name = idempotent ? 'kafkajs-idempotent' : 'kafkajs'
  const kafka = newKafka(place, name)
  const open = async (): Promise<OpenProducer> => {
    const producer = kafka.producer(idempotent ? { idempotent, maxInFlightRequests: 1 } : {})
    await producer.connect()
    const send = async (partition: number, keys: readonly string[]): Promise<number> => {
      const messages = keys.map(key => ({ partition, key, value: valueFor(key) }))
      const [sent] = await producer.send({ topic: place.topic, messages })
      return Number(sent?.baseOffset ?? -1)
    }
    return { send, close: () => producer.disconnect() }
  }
  return new LibraryProducer(place, { name, idempotent, open })
}

export function platformaticProducer({ ports, ...place }: Place): LibraryProducer {
  const name = 'platformatic'
  const { topic } = place
  const open = async (): Promise<OpenProducer> => {
    const bootstrapBrokers = ports.map(port => `127.0.0.1:${port}`)
    const producer = new Producer({ clientId: name, bootstrapBrokers, requestTimeout: REQUEST_MS })
    const send = async (partition: number, keys: readonly string[]): Promise<number> => {
      const messages = keys.map(key => ({ topic, partition, key: Buffer.from(key), value: valueFor(key) }))
      const { offsets } = await producer.send({ messages, acks: ProduceAcks.ALL })
      return Number(offsets?.[0]?.offset ?? -1)
    }
    return { send, close: () => producer.close() }
  }
  return new LibraryProducer({ ports, ...place }, { name, idempotent: false, open })
}

/** One member of the group; it commits every batch that it has read. */
export class KafkajsMember implements ChaosClient {
  readonly role = 'reader'
  readonly name: string
  readonly progress = new Progress()
  readonly errors: ClientError[] = []
  readonly #place: Place
  readonly #consumer: Consumer
  /** Partitions that were read since the last time that the member joined the group. */
  readonly #begun = new Set<number>()
  #joinedAt = 0

  static async start(place: Place, index: number): Promise<KafkajsMember> {
    const member = new KafkajsMember(place, index)
    await member.#start()
    return member
  }

  private constructor(place: Place, index: number) {
    this.#place = place
    this.name = `member-${index}`
    this.#consumer = newKafka(place, this.name).consumer({
      groupId: GROUP,
      sessionTimeout: 10_000,
      heartbeatInterval: 1000,
      maxWaitTimeInMs: 500,
      retry: { retries: 20, maxRetryTime: 5000 },
    })
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect()
  }

  async #start(): Promise<void> {
    const consumer = this.#consumer
    consumer.on('consumer.crash', ({ payload }) => this.errors.push({ at: now(), message: String(payload.error) }))
    consumer.on('consumer.group_join', () => {
      this.#begun.clear()
      this.#joinedAt = now()
    })
    await consumer.connect()
    await consumer.subscribe({ topic: this.#place.topic, fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatch: payload => this.#read(payload) })
  }

  async #read({ batch, heartbeat }: EachBatchPayload): Promise<void> {
    const { log, topic } = this.#place
    const { partition, messages } = batch
    const [first] = messages
    if (first === undefined) return
    if (!this.#begun.has(partition)) this.#begin(partition, Number(first.offset))
    for (const { offset, key, value } of messages) {
      const digest = digestOf(value ?? Buffer.alloc(0))
      log({ kind: 'read', reader: this.name, partition, offset: Number(offset), key: String(key), digest })
    }
    this.progress.note(now())
    const offset = Number(batch.lastOffset()) + 1
    try {
      await this.#consumer.commitOffsets([{ topic, partition, offset: String(offset) }])
      log({ kind: 'commit', group: GROUP, partition, offset, acknowledgedAt: now() })
    } catch {
      // The next batch commits more; a member that has lost its partitions learns so by the heartbeat.
    }
    await heartbeat()
  }

  /** Where it begins is what the group had committed, or the beginning. */
  #begin(partition: number, offset: number): void {
    this.#begun.add(partition)
    const { log } = this.#place
    log({ kind: 'position', reader: this.name, group: GROUP, partition, offset })
    log({ kind: 'committed', group: GROUP, partition, offset, askedAt: this.#joinedAt })
  }
}
