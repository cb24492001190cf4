/** A producer and a consumer at work, by our own client: for a demo that has nothing but the package itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerConnection } from '../broker/client/connection.ts'
import { systemClock } from '../broker/clock.ts'
import { buildBatch, recordsOf } from '../broker/wire/batch-builder.ts'
import { errorCode, errorName } from '../broker/wire/errors.ts'
import {
  newCreateTopicsRequest,
  newCreateTopicsRequestTopic,
  newFetchRequest,
  newFetchRequestPartition,
  newFetchRequestTopic,
  newOffsetCommitRequest,
  newOffsetCommitRequestPartition,
  newOffsetCommitRequestTopic,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../broker/wire/messages.gen.ts'
import { eachBatch } from '../broker/wire/record-batch.ts'

export const DEMO_TOPICS = ['demo-topic-1', 'demo-topic-2'] as const
/** The first topic stays empty for the reader's own first steps. */
const BUSY_TOPIC = DEMO_TOPICS[1]
const GROUP = 'kafscale-demo'
const SHOWN_RECORDS = 5
const RECORD_EVERY_MS = 200
const WAIT_MS = 500
const FETCH_BYTES = 1024 * 1024
const TIMEOUT_MS = 10_000
const MOST_BATCH_BYTES = 1024 * 1024
/** Later versions name topics by id alone. */
const LAST_WITH_NAMES = { Produce: 12, Fetch: 12, OffsetCommit: 9 } as const

export class DemoTraffic {
  readonly #producer: BrokerConnection
  readonly #consumer: BrokerConnection
  readonly #print: (line: string) => void
  #stopped = false

  static async open(port: number, print: (line: string) => void): Promise<DemoTraffic> {
    const address = { host: '127.0.0.1', port, clientId: GROUP, clock: systemClock, timeoutMs: TIMEOUT_MS }
    return new DemoTraffic(await BrokerConnection.open(address), await BrokerConnection.open(address), print)
  }

  private constructor(producer: BrokerConnection, consumer: BrokerConnection, print: (line: string) => void) {
    this.#producer = producer
    this.#consumer = consumer
    this.#print = print
  }

  async createTopics(): Promise<void> {
    const topics = DEMO_TOPICS.map(name =>
      newCreateTopicsRequestTopic({ name, numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }),
    )
    const answer = await this.#producer.call('CreateTopics', newCreateTopicsRequest({ topics, validateOnly: false }))
    for (const { errorCode: code } of answer.topics) {
      if (code !== errorCode.TOPIC_ALREADY_EXISTS) refuse(code)
    }
  }

  /** Resolves after `stop`, or rejects with why it cannot go on. */
  async run(): Promise<void> {
    this.#print(`A producer writes to ${BUSY_TOPIC}, and a consumer reads from it:`)
    const [first] = await this.#produce(1)
    await Promise.all([this.#produceForEver(), this.#consumeFrom(first ?? 0)])
  }

  stop(): void {
    this.#stopped = true
    this.#producer.close()
    this.#consumer.close()
  }

  async #produceForEver(): Promise<void> {
    for (let n = 2; !this.#stopped; n++) {
      await sleep(RECORD_EVERY_MS)
      await this.#produce(n).catch(cause => this.#unlessStopped(cause))
    }
  }

  /** The offset of the record. */
  async #produce(n: number): Promise<readonly number[]> {
    const value = `hello ${n}, it is ${new Date().toLocaleTimeString('en-GB')}`
    const record = { key: Buffer.from(`demo-${n}`), value: Buffer.from(value) }
    const batch = buildBatch({ records: [{ ...record, timestamp: Date.now() }] })
    const partitionData = [newProduceRequestPartition({ index: 0, records: [batch] })]
    const topicData = [newProduceRequestTopic({ name: BUSY_TOPIC, partitionData })]
    const request = newProduceRequest({ acks: -1, timeoutMs: TIMEOUT_MS, topicData })
    const answer = await this.#producer.call('Produce', request, { atMostVersion: LAST_WITH_NAMES.Produce })
    return answer.responses.flatMap(({ partitionResponses }) =>
      partitionResponses.map(({ errorCode: code, baseOffset }) => {
        refuse(code)
        return baseOffset
      }),
    )
  }

  async #consumeFrom(first: number): Promise<void> {
    let next = first
    let seen = 0
    while (!this.#stopped) {
      const records = await this.#fetch(next).catch(cause => this.#unlessStopped(cause) ?? Buffer.alloc(0))
      eachBatch(records, at => {
        for (const { offset, key, value } of recordsOf(records, at, MOST_BATCH_BYTES)) {
          next = offset + 1
          if (++seen <= SHOWN_RECORDS) this.#print(`  ${BUSY_TOPIC}-0 offset ${offset}: ${key} = ${value}`)
        }
      })
      if (!this.#stopped) await this.#commit(next).catch(cause => this.#unlessStopped(cause))
    }
  }

  async #fetch(fetchOffset: number): Promise<Buffer> {
    const partitions = [newFetchRequestPartition({ partition: 0, fetchOffset, partitionMaxBytes: FETCH_BYTES })]
    const topics = [newFetchRequestTopic({ topic: BUSY_TOPIC, partitions })]
    const request = newFetchRequest({ maxWaitMs: WAIT_MS, minBytes: 1, maxBytes: FETCH_BYTES, topics })
    const answer = await this.#consumer.call('Fetch', request, { atMostVersion: LAST_WITH_NAMES.Fetch })
    const found = answer.responses[0]?.partitions[0]
    refuse(found?.errorCode ?? answer.errorCode)
    return Buffer.concat(found?.records ?? [])
  }

  async #commit(committedOffset: number): Promise<void> {
    const partitions = [newOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset, committedMetadata: '' })]
    const topics = [newOffsetCommitRequestTopic({ name: BUSY_TOPIC, partitions })]
    const request = newOffsetCommitRequest({ groupId: GROUP, memberId: '', topics })
    await this.#consumer.call('OffsetCommit', request, { atMostVersion: LAST_WITH_NAMES.OffsetCommit })
  }

  #unlessStopped(cause: unknown): undefined {
    if (!this.#stopped) throw cause
    return undefined
  }
}

function refuse(code: number): void {
  if (code !== errorCode.NONE) throw new Error(`the broker answers ${errorName(code) ?? code}`)
}
