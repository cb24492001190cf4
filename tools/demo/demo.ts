/**
 * `make demo`: a broker on localhost:39092 with its data in one folder, two topics, a producer and a consumer at work.
 * It stays up until Ctrl-C, with a console for the browser.
 */
import { answers, demoFolder, end, refuseTakenPorts, startBroker, startConsole, untilReady } from './processes.ts'
import { BUSY_TOPIC, TOPICS, Traffic } from './traffic.ts'

const BROKER_PORT = 39092
const METRICS_PORT = 39093
const CONSOLE_PORT = 48080
const START_MS = 15_000

const dataDir = process.env.KAFSCALE_DATA_DIR ?? demoFolder('demo')

function sayWhatNext(): void {
  console.log(`
Broker    localhost:${BROKER_PORT}   (any Kafka client, default settings)
Metrics   http://localhost:${METRICS_PORT}/metrics   health: /healthz, /readyz
Console   http://localhost:${CONSOLE_PORT}
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
  await refuseTakenPorts('make demo', [BROKER_PORT, METRICS_PORT, CONSOLE_PORT])
  const began = performance.now()
  const broker = startBroker({
    KAFSCALE_BROKER_ADDR: `:${BROKER_PORT}`,
    KAFSCALE_BROKER_HOST: 'localhost',
    KAFSCALE_METRICS_ADDR: `:${METRICS_PORT}`,
    KAFSCALE_DATA_DIR: dataDir,
  })
  await untilReady('the broker', broker, START_MS, () => answers(`http://localhost:${METRICS_PORT}/readyz`))
  console.log(`The broker is ready after ${((performance.now() - began) / 1000).toFixed(1)} s.`)
  const traffic = new Traffic([`localhost:${BROKER_PORT}`])
  await traffic.createTopics(1)
  const web = startConsole(CONSOLE_PORT, { brokers: [BROKER_PORT], metrics: [METRICS_PORT] })
  await untilReady('the console', web, START_MS, () => answers(`http://localhost:${CONSOLE_PORT}/healthz`))
  sayWhatNext()
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    console.log('\nStopping ...')
    await traffic.stop()
    await Promise.all([end(web), end(broker)])
    process.exit(0)
  }
  process.on('SIGINT', () => void stop())
  process.on('SIGTERM', () => void stop())
  broker.once('exit', code => {
    if (stopping) return
    console.error(`make demo: the broker ended with code ${code}`)
    process.exit(1)
  })
  await traffic.run()
}

main().catch((cause: unknown) => {
  console.error(`make demo: ${cause instanceof Error ? cause.message : String(cause)}`)
  process.exit(1)
})
