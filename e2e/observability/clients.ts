// Clients at work on the watched cluster: what keeps all panels filled, and what somebody does who does something wrong.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { SmallClient } from '../../testing/small-client.ts'
import { ROLES, type Role, type Watched } from './watched.ts'

const TOPIC = 'seen'
const OLD_TOPIC = 'aged'
const OLD_RECORDS = 10
const OLD_MS = 600_000
const LATE_GROUP = 'late'
/** More than half of what a broker takes at once. */
const BULK_BYTES = 600_000

export class Clients {
  readonly #watched: Watched
  readonly #kafka: Kafka
  readonly #admin: Admin
  readonly #producer: Producer
  #consumer: Consumer | undefined
  readonly #work: Promise<void>[] = []
  #isOver = false

  /** A producer and a group that keeps up with it. */
  static async start(watched: Watched): Promise<Clients> {
    const clients = new Clients(watched)
    await Promise.all([clients.#admin.connect(), clients.#producer.connect()])
    const topics = [TOPIC, OLD_TOPIC].map(topic => ({ topic, numPartitions: ROLES.length }))
    await clients.#admin.createTopics({ topics })
    await clients.read()
    clients.#repeat(() => clients.#send(), 100)
    return clients
  }

  private constructor(watched: Watched) {
    this.#watched = watched
    const brokers = ROLES.map(role => `127.0.0.1:${watched.port(role)}`)
    this.#kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
    this.#admin = this.#kafka.admin()
    this.#producer = this.#kafka.producer()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#work)
    await Promise.all([this.#admin.disconnect(), this.#producer.disconnect(), this.#consumer?.disconnect()])
  }

  /** The group has a member. */
  async read(): Promise<void> {
    // One that crashed would begin again after it was stopped.
    const retry = { restartOnFailure: async () => !this.#isOver }
    const consumer = this.#kafka.consumer({ groupId: 'readers', retry })
    this.#consumer = consumer
    await consumer.connect()
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
    await consumer.run({ eachMessage: async () => {} })
  }

  async stopReading(): Promise<void> {
    await this.#consumer?.disconnect()
    this.#consumer = undefined
  }

  /** A group that has read none of some records that are ten minutes old. */
  async fallBehind(): Promise<void> {
    const client = await SmallClient.open(this.#watched.port('steady'))
    await client.produce(OLD_TOPIC, 0, OLD_RECORDS, { timestamp: Date.now() - OLD_MS })
    client.close()
    await this.#stand(0)
  }

  /** It has read them all. */
  catchUp(): Promise<void> {
    return this.#stand(OLD_RECORDS)
  }

  /** Somebody tries passwords, five times a second. */
  guessPasswords(goesOn: () => boolean): void {
    const kafka = new Kafka({
      brokers: [`127.0.0.1:${this.#watched.securePort}`],
      ssl: { rejectUnauthorized: false },
      sasl: { mechanism: 'plain', username: 'alice', password: 'wrong' },
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    })
    const guess = async (): Promise<void> => {
      const admin = kafka.admin()
      await admin.connect().finally(() => admin.disconnect())
    }
    this.#repeat(guess, 200, goesOn)
  }

  /** Small records to one broker, whatever becomes of them, from so many connections. */
  insist(role: Role, connections: number, goesOn: () => boolean): void {
    for (let partition = 0; partition < connections; partition++)
      this.#repeat(() => this.#sendTo(role, partition % ROLES.length), 50, goesOn)
  }

  /** More at once than the broker takes. */
  flood(role: Role, goesOn: () => boolean): void {
    for (const partition of ROLES.keys()) this.#repeat(() => this.#sendTo(role, partition, BULK_BYTES), 10, goesOn)
  }

  async #stand(offset: number): Promise<void> {
    const partitions = [{ partition: 0, offset: String(offset) }]
    await this.#admin.setOffsets({ groupId: LATE_GROUP, topic: OLD_TOPIC, partitions })
  }

  async #send(): Promise<void> {
    const messages = Array.from({ length: 20 }, (_, n) => ({ key: String(n), value: 'v'.repeat(500) }))
    await this.#producer.send({ topic: TOPIC, messages })
  }

  async #sendTo(role: Role, partition: number, bytes = 100): Promise<void> {
    const client = await SmallClient.open(this.#watched.port(role))
    try {
      for (let sent = 0; sent < 20; sent++) await client.produce(TOPIC, partition, 1, { bytes })
    } finally {
      client.close()
    }
  }

  /** What fails is tried again. */
  #repeat(turn: () => Promise<unknown>, pauseMs: number, goesOn: () => boolean = () => true): void {
    const run = async (): Promise<void> => {
      while (!this.#isOver && goesOn()) {
        await turn().catch(() => {})
        await sleep(pauseMs)
      }
    }
    this.#work.push(run())
  }
}
