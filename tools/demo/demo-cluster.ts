/**
 * `make demo-cluster`: three brokers on a real etcd and a real S3 server, all on this machine, with two topics, a producer
 * and a consumer at work. Data stays in one folder. Kill a broker and see that nothing happens.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startVersitygw } from '../../testing/s3/servers.ts'
import { etcd as etcdPrograms } from '../parts/parts.ts'
import {
  answers,
  demoFolder,
  end,
  refuseTakenPorts,
  start,
  startBroker,
  startConsole,
  untilReady,
} from './processes.ts'
import { BUSY_TOPIC, TOPICS, Traffic } from './traffic.ts'

const ETCD_PORT = 32379
const ETCD_PEER_PORT = 32380
const S3_PORT = 37070
const BROKERS = [0, 1, 2].map(id => ({ id, port: 39092 + id * 10, metricsPort: 39093 + id * 10 }))
const CONSOLE_PORT = 48080
const PARTITIONS = 3
const START_MS = 30_000

const folder = demoFolder('demo-cluster')

async function startEtcd(): Promise<ChildProcess> {
  const { etcd } = await etcdPrograms()
  const client = `http://127.0.0.1:${ETCD_PORT}`
  const peer = `http://127.0.0.1:${ETCD_PEER_PORT}`
  const args = [
    ['--name', 'demo', '--data-dir', join(folder, 'etcd'), '--log-level', 'error'],
    ['--listen-client-urls', client, '--advertise-client-urls', client],
    ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `demo=${peer}`],
  ]
  const child = start(etcd, args.flat(), {})
  await untilReady('etcd', child, START_MS, () => answers(`${client}/health`))
  return child
}

function sayWhatNext(pids: readonly (number | undefined)[]): void {
  console.log(`
Brokers   ${BROKERS.map(({ port }) => `localhost:${port}`).join(', ')}   (any Kafka client, any of them)
Metrics   ${BROKERS.map(({ metricsPort }) => `http://localhost:${metricsPort}/metrics`).join(', ')}
etcd      http://localhost:${ETCD_PORT}   S3 server http://localhost:${S3_PORT}
Console   http://localhost:${CONSOLE_PORT}
Topics    ${TOPICS.join(', ')}
Data      ${folder}   (delete the folder to begin anew)

Try, in another terminal:
  kcat -b localhost:${BROKERS[0]?.port} -L
  kcat -b localhost:${BROKERS[1]?.port} -t ${BUSY_TOPIC} -C -o end
  kill -9 ${pids[2]}   (the broker on port ${BROKERS[2]?.port}; its clients go on with the others, and it is started again)

Ctrl-C ends the demo and keeps the data.
`)
}

async function main(): Promise<void> {
  const ports = BROKERS.flatMap(({ port, metricsPort }) => [port, metricsPort])
  await refuseTakenPorts('make demo-cluster', [ETCD_PORT, ETCD_PEER_PORT, S3_PORT, CONSOLE_PORT, ...ports])
  mkdirSync(folder, { recursive: true })
  console.log('Fetching etcd and the S3 server, if they are not there yet (a minute or two the first time) ...')
  const etcd = await startEtcd()
  const s3 = await startVersitygw({ port: S3_PORT, folder: join(folder, 's3') })
  const began = performance.now()
  const spawnBroker = ({ id, port, metricsPort }: (typeof BROKERS)[number]): ChildProcess =>
    startBroker({
      KAFSCALE_BROKER_ID: String(id),
      KAFSCALE_BROKER_ADDR: `:${port}`,
      KAFSCALE_BROKER_HOST: 'localhost',
      KAFSCALE_METRICS_ADDR: `:${metricsPort}`,
      KAFSCALE_ETCD_ENDPOINTS: `http://127.0.0.1:${ETCD_PORT}`,
      KAFSCALE_S3_BUCKET: s3.bucket,
      KAFSCALE_S3_ENDPOINT: s3.endpoint,
      KAFSCALE_S3_ACCESS_KEY: s3.accessKey,
      KAFSCALE_S3_SECRET_KEY: s3.secretKey,
    })
  const brokers = BROKERS.map(spawnBroker)
  await Promise.all(
    BROKERS.map(({ id, metricsPort }, index) => {
      const child = brokers[index]
      if (child === undefined) throw new Error(`broker ${id} was not started`)
      return untilReady(`broker ${id}`, child, START_MS, () => answers(`http://localhost:${metricsPort}/readyz`))
    }),
  )
  console.log(`Three brokers are ready after ${((performance.now() - began) / 1000).toFixed(1)} s.`)
  const traffic = new Traffic(BROKERS.map(({ port }) => `localhost:${port}`))
  await traffic.createTopics(PARTITIONS)
  const web = startConsole(CONSOLE_PORT, {
    brokers: BROKERS.map(({ port }) => port),
    metrics: BROKERS.map(({ metricsPort }) => metricsPort),
  })
  await untilReady('the console', web, START_MS, () => answers(`http://localhost:${CONSOLE_PORT}/healthz`))
  sayWhatNext(brokers.map(({ pid }) => pid))
  let stopping = false
  const startAgain = (index: number): void => {
    const plan = BROKERS[index]
    if (stopping || plan === undefined) return
    console.log(`  broker ${plan.id} has ended; it is started again`)
    const child = spawnBroker(plan)
    brokers[index] = child
    child.once('exit', () => startAgain(index))
  }
  for (const [index, child] of brokers.entries()) child.once('exit', () => startAgain(index))
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    console.log('\nStopping ...')
    await traffic.stop()
    await Promise.all([web, ...brokers].map(end))
    await s3.stop()
    await end(etcd)
    process.exit(0)
  }
  process.on('SIGINT', () => void stop())
  process.on('SIGTERM', () => void stop())
  await traffic.run()
}

main().catch((cause: unknown) => {
  console.error(`make demo-cluster: ${cause instanceof Error ? cause.message : String(cause)}`)
  process.exit(1)
})
