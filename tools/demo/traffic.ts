/** What the demos show: two topics, a producer and a consumer group at work through a real Kafka client. */
import { Kafka, logLevel, type Producer } from 'kafkajs'

export const TOPICS = ['demo-topic-1', 'demo-topic-2'] as const
/** The first topic stays empty for the reader's own first steps (examples/E10). */
export const BUSY_TOPIC = TOPICS[1]

const SHOWN_RECORDS = 5
const RECORD_EVERY_MS = 200
const REPORT_EVERY_MS = 10_000

export class Traffic {
  readonly #kafka: Kafka
  readonly #producer: Producer
  readonly #consumer
  #stopped = false
  #received = 0

  constructor(brokers: string[]) {
    this.#kafka = new Kafka({ clientId: 'kafscale-demo', brokers, logLevel: logLevel.ERROR })
    this.#producer = this.#kafka.producer()
    // A fetch that waits is waited for when the consumer stops; half a second is soon enough after Ctrl-C.
    this.#consumer = this.#kafka.consumer({ groupId: 'kafscale-demo', maxWaitTimeInMs: 500 })
  }

  async createTopics(partitions: number): Promise<void> {
    const admin = this.#kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: TOPICS.map(topic => ({ topic, numPartitions: partitions })) })
    await admin.disconnect()
  }

  /** Resolves after `stop`. */
  async run(): Promise<void> {
    await Promise.all([this.#producer.connect(), this.#consumer.connect()])
    await this.#consumer.subscribe({ topic: BUSY_TOPIC })
    console.log(`A producer writes to ${BUSY_TOPIC}, and a consumer group reads from it:`)
    await this.#consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        if (++this.#received > SHOWN_RECORDS) return
        console.log(`  ${topic}-${partition} offset ${message.offset}: ${message.key} = ${message.value}`)
      },
    })
    const report = (): void => console.log(`  ${this.#received} records produced and consumed so far`)
    setInterval(report, REPORT_EVERY_MS).unref()
    await this.#sendForEver()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.allSettled([this.#producer.disconnect(), this.#consumer.disconnect()])
  }

  async #sendForEver(): Promise<void> {
    for (let n = 1; !this.#stopped; n++) {
      const value = `hello ${n}, it is ${new Date().toLocaleTimeString('en-GB')}`
      await this.#producer.send({ topic: BUSY_TOPIC, messages: [{ key: `demo-${n}`, value }] }).catch(cause => {
        // One that was on its way when the producer was told to end.
        if (!this.#stopped) throw cause
      })
      await new Promise(resolve => setTimeout(resolve, RECORD_EVERY_MS))
    }
  }
}
