/** A whole topic read by a broker that has nothing of it in memory, after its WAL objects were rolled up into segments. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../broker/clock.ts'
import { S3Store } from '../../broker/objects/s3/store.ts'
import type { Cluster } from '../../testing/cluster/cluster.ts'
import { perfTest } from '../perf-test.ts'
import { rounded } from '../table.ts'
import { gained, s3Requests } from './meters.ts'
import { clientOf, createTopic, fill, pause } from './records.ts'
import type { Figure } from './report.ts'
import { PARTITIONS, type Size, timed, withCluster } from './scene.ts'

const TOPIC = 'bench-cold'
const BATCH_BYTES = 100_000
/** What roll-up leaves for later. */
const FEW_OBJECTS = 64
const ROLL_UP_LIMIT_MS = 240_000
/** A consumer of one connection reads so much at once. */
const READ_BYTES = 4 * 1024 * 1024
const READS_AT_ONCE = 4

export function coldRead(latencyMs: number, { gigabytes }: Size): Promise<Figure[]> {
  return withCluster({ latencyMs: 0 }, async cluster => {
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('there is no broker')
    const client = await clientOf(broker)
    await createTopic(client, TOPIC)
    const bytes = gigabytes * 1e9
    await fill(client, TOPIC, { bytes, batchBytes: BATCH_BYTES, partitions: PARTITIONS, lanes: 64 })
    client.close()
    const before = await objectsOf(cluster, 'wal')
    const rollUpMs = await timed(() => untilRolledUp(cluster))
    const left = await objectsOf(cluster, 'wal')
    const segments = await objectsOf(cluster, 'seg')
    await broker.stop()
    await broker.start()
    cluster.s3Proxy.latencyMs = latencyMs
    let rate = Number.NaN
    const { count } = await gained(
      () => s3Requests(cluster),
      async () => {
        rate = await consumed(cluster, Math.ceil(bytes / BATCH_BYTES))
      },
    )
    return [
      {
        name: `cold read of ${rounded(gigabytes)} GB after roll-up`,
        value: `${rounded(rate)} MB/s, ${rounded(count('get') / gigabytes)} GETs/GB`,
      },
      {
        name: '  the same bytes from the S3 server, four GETs of 4 MiB at once',
        value: `${rounded(await plain(cluster))} MB/s`,
      },
      {
        name: '  roll-up',
        value: `${before} WAL objects -> ${left} and ${segments} segments in ${rounded(rollUpMs / 1000)} s`,
      },
    ]
  })
}

/** MB/s (10^6) of Apache's consumer-perf-test without the time it takes to join its group. */
async function consumed({ bootstrap }: Cluster, records: number): Promise<number> {
  const output = await perfTest('ConsumerPerformance', [
    ...['--bootstrap-server', bootstrap, '--topic', TOPIC, '--num-records', String(records), '--timeout', '60000'],
  ])
  return Number((output.trim().split('\n').at(-1) ?? '').split(',')[8]) * 1.048576
}

async function untilRolledUp(cluster: Cluster): Promise<void> {
  const end = performance.now() + ROLL_UP_LIMIT_MS
  while ((await objectsOf(cluster, 'wal')) > FEW_OBJECTS && performance.now() < end) await pause(1000)
}

async function objectsOf({ folder, s3 }: Cluster, kind: 'wal' | 'seg'): Promise<number> {
  const entries = await readdir(join(folder, 's3', s3.bucket), { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile() && entry.parentPath.includes(`/${kind}/`)).length
}

/** MB/s (10^6) of the S3 server alone, through the same proxy. */
async function plain({ s3, s3Proxy }: Cluster): Promise<number> {
  const { bucket, region, accessKey: accessKeyId, secretKey: secretAccessKey } = s3
  const credentials = { accessKeyId, secretAccessKey }
  const store = await S3Store.open({
    ...{ bucket, region, endpoint: s3Proxy.endpoint, prefix: 'default', credentials },
    ...{ clock: systemClock, random: Math.random },
  })
  const ranges: { key: string; position: number; length: number }[] = []
  for await (const { key, size } of store.list('default/')) {
    if (!key.includes('/seg/')) continue
    for (let position = 0; position < size; position += READ_BYTES) {
      ranges.push({ key, position, length: Math.min(READ_BYTES, size - position) })
    }
  }
  const queue = ranges.values()
  const reader = async (): Promise<void> => {
    for (const { key, position, length } of queue) await store.get(key, { position, length })
  }
  const ms = await timed(() => Promise.all(Array.from({ length: READS_AT_ONCE }, reader)))
  await store.close()
  return ranges.reduce((sum, { length }) => sum + length, 0) / 1e3 / ms
}
