/**
 * `make demo`: a broker on localhost:39092 with its data in one folder, two topics, a producer and a consumer at work.
 * It stays up until Ctrl-C. It starts one broker process and ends that one only; a port that is taken is said and left alone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'

const BROKER_PORT = 39092
const METRICS_PORT = 39093
const TOPICS = ['demo-topic-1', 'demo-topic-2'] as const
/** The first topic stays empty for the reader's own first steps (examples/E10). */
const BUSY_TOPIC = TOPICS[1]
const SHOWN_RECORDS = 5
const RECORD_EVERY_MS = 200
const REPORT_EVERY_MS = 10_000
const START_MS = 15_000

const root = join(import.meta.dirname, '../..')
const dataDir = process.env.KAFSCALE_DATA_DIR ?? join(root, '.kafscale', 'demo')

async function portIsFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, () => probe.close(() => resolve(true)))
  })
}

async function refuseTakenPorts(): Promise<void> {
  for (const port of [BROKER_PORT, METRICS_PORT]) {
    if (await portIsFree(port)) continue
    console.error(
      `make demo: port ${port} is taken by another process. End that one (perhaps another demo) and try again.`,
    )
    process.exit(1)
  }
}

function startBroker(): ChildProcess {
  return spawn(process.execPath, [join(root, 'broker', 'main.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // Ctrl-C goes to the demo alone, which ends the broker after its clients.
    detached: true,
    env: {
      ...process.env,
      KAFSCALE_BROKER_ADDR: `:${BROKER_PORT}`,
      KAFSCALE_BROKER_HOST: 'localhost',
      KAFSCALE_METRICS_ADDR: `:${METRICS_PORT}`,
      KAFSCALE_DATA_DIR: dataDir,
      KAFSCALE_LOG_LEVEL: 'warn',
    },
  })
}

async function ready(broker: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS
  while (broker.exitCode === null) {
    const answer = await fetch(`http://localhost:${METRICS_PORT}/readyz`).catch(() => undefined)
    if (answer?.ok === true) return
    if (performance.now() > deadline) throw new Error(`the broker was not ready after ${START_MS / 1000} s`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  // It has said on standard error what is wrong.
  process.exit(1)
}

async function createTopics(kafka: Kafka): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: TOPICS.map(topic => ({ topic, numPartitions: 1 })) })
  await admin.disconnect()
}

async function sendForEver(producer: Producer, stopped: () => boolean): Promise<void> {
  for (let n = 1; !stopped(); n++) {
    const value = `hello ${n}, it is ${new Date().toLocaleTimeString('en-GB')}`
    await producer.send({ topic: BUSY_TOPIC, messages: [{ key: `demo-${n}`, value }] })
    await new Promise(resolve => setTimeout(resolve, RECORD_EVERY_MS))
  }
}

function sayWhatNext(): void {
  console.log(`
Broker    localhost:${BROKER_PORT}   (any Kafka client, default settings)
Metrics   http://localhost:${METRICS_PORT}/metrics   health: /healthz, /readyz
Topics    ${TOPICS.join(', ')}
Data      ${dataDir}   (delete the folder to begin anew)

Try, in another terminal:
  cd examples/E10_java-kafka-client-demo && mvn -q compile exec:java
  kcat -b localhost:${BROKER_PORT} -t ${BUSY_TOPIC} -C -o end
  echo 'my first record' | kcat -b localhost:${BROKER_PORT} -t ${TOPICS[0]} -P

Ctrl-C ends the demo and keeps the data.
`)
}

async function main(): Promise<void> {
  await refuseTakenPorts()
  const began = performance.now()
  const broker = startBroker()
  await ready(broker)
  console.log(`The broker is ready after ${((performance.now() - began) / 1000).toFixed(1)} s.`)
  const kafka = new Kafka({
    clientId: 'kafscale-demo',
    brokers: [`localhost:${BROKER_PORT}`],
    logLevel: logLevel.ERROR,
  })
  await createTopics(kafka)
  sayWhatNext()

  const producer = kafka.producer()
  // A fetch that waits is waited for when the consumer stops; half a second is soon enough after Ctrl-C.
  const consumer = kafka.consumer({ groupId: 'kafscale-demo', maxWaitTimeInMs: 500 })
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    console.log('\nStopping ...')
    await Promise.allSettled([producer.disconnect(), consumer.disconnect()])
    broker.kill('SIGTERM')
  }
  process.on('SIGINT', () => void stop())
  process.on('SIGTERM', () => void stop())
  broker.once('exit', code => {
    if (!stopping) console.error(`make demo: the broker ended with code ${code}`)
    process.exit(stopping ? 0 : 1)
  })

  let received = 0
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topic: BUSY_TOPIC })
  console.log(`A producer writes to ${BUSY_TOPIC}, and a consumer group reads from it:`)
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      if (++received <= SHOWN_RECORDS) {
        console.log(`  ${topic}-${partition} offset ${message.offset}: ${message.key} = ${message.value}`)
      }
    },
  })
  setInterval(() => console.log(`  ${received} records produced and consumed so far`), REPORT_EVERY_MS).unref()
  await sendForEver(producer, () => stopping)
}

main().catch((cause: unknown) => {
  console.error(`make demo: ${cause instanceof Error ? cause.message : String(cause)}`)
  process.exit(1)
})
