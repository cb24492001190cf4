// What the tests of the examples do with topics themselves: write, read to the end, delete, make anew.

import kafkajs, { type Kafka, type Message } from 'kafkajs'
import { until } from '../../testing/operator.ts'

const PATIENCE_MS = 30_000

const answers = (question: () => Promise<unknown>): Promise<boolean> =>
  question().then(
    () => true,
    () => false,
  )

export interface Line {
  readonly key: string
  readonly value: string
}

export class TopicClient {
  readonly #kafka: Kafka

  constructor(bootstrap: string) {
    this.#kafka = new kafkajs.Kafka({
      clientId: 'examples',
      brokers: bootstrap.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    })
  }

  async write(topic: string, messages: Message[]): Promise<void> {
    const producer = this.#kafka.producer()
    await producer.connect()
    try {
      await producer.send({ topic, messages })
    } finally {
      await producer.disconnect()
    }
  }

  /** With one partition. Resolves when the topic can be used, which on Apache Kafka is a little later. */
  create(topic: string): Promise<void> {
    return this.#admin(async admin => {
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
      await until(`topic ${topic}`, () => answers(() => admin.fetchTopicOffsets(topic)), PATIENCE_MS)
    })
  }

  delete(topic: string): Promise<void> {
    return this.#admin(admin => admin.deleteTopics({ topics: [topic] }))
  }

  /** Records before `offset` of partition 0 are gone afterwards. */
  trim(topic: string, offset: number): Promise<void> {
    return this.#admin(async admin => {
      // kafkajs refuses to trim topics that it has not heard of before.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
    })
  }

  /** What a group has committed of partition 0; -1 when nothing, or when its coordinator is just being found. */
  committed(group: string, topic: string): Promise<number> {
    return this.#admin(async admin => {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(() => [])
      return Number(found?.partitions.find(({ partition }) => partition === 0)?.offset ?? -1)
    })
  }

  /** Everything that partition 0 has now. */
  async read(topic: string): Promise<Line[]> {
    const end = await this.#admin(async admin => {
      const [first] = await admin.fetchTopicOffsets(topic)
      return Number(first?.high ?? 0)
    })
    if (end === 0) return []
    const consumer = this.#kafka.consumer({ groupId: `reader-${topic}-${end}` })
    const lines: Line[] = []
    await consumer.connect()
    try {
      await consumer.subscribe({ topic, fromBeginning: true })
      await new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
        consumer
          .run({
            eachMessage: async ({ message }) => {
              lines.push({ key: String(message.key), value: String(message.value) })
              if (Number(message.offset) === end - 1) resolve()
            },
          })
          .catch(reject)
      })
    } finally {
      await consumer.disconnect()
    }
    return lines
  }

  async #admin<T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
}
