/** S3 requests and their price per terabyte for low, medium and heavy traffic, everything that brokers do counted. */
import { batchLastOffset, eachBatch } from '../../broker/wire/record-batch.ts'
import type { Cluster } from '../../testing/cluster/cluster.ts'
import type { RawClient } from '../raw-client.ts'
import { table } from '../table.ts'
import { gained, s3Requests } from './meters.ts'
import { GET, PUT_OR_LIST, SECONDS_PER_MONTH } from './prices.ts'
import { batchOf, clientOf, createTopic, fetchRecords, pause, produce } from './records.ts'
import { PARTITIONS, type Size, withCluster } from './scene.ts'

const TOPIC = 'bench-cost'
const LATENCY_MS = 30

interface Traffic {
  readonly name: string
  readonly producers: number
  readonly batchBytes: number
  /** Between two batches of a producer; 0: as soon as the last one is acknowledged. */
  readonly everyMs: number
}

const traffics: readonly Traffic[] = [
  { name: 'low: 10 KB/s', producers: 2, batchBytes: 1000, everyMs: 200 },
  { name: 'medium: 2 MB/s', producers: 20, batchBytes: 10_000, everyMs: 100 },
  { name: 'heavy: as fast as it goes', producers: 32, batchBytes: 500_000, everyMs: 0 },
]

export async function cost({ seconds }: Size): Promise<string> {
  const rows: (string | number)[][] = []
  for (const traffic of traffics)
    rows.push(await withCluster({ latencyMs: LATENCY_MS, brokers: 2 }, cluster => measured(cluster, traffic, seconds)))
  return table(
    [
      'two brokers, a consumer on each',
      'MB/s',
      'PUT/s',
      'LIST/s',
      'GET+HEAD/s',
      'requests per GB',
      'USD per TB',
      'USD per month',
    ],
    rows,
  )
}

async function measured(cluster: Cluster, traffic: Traffic, seconds: number): Promise<(string | number)[]> {
  const [near, far] = cluster.brokers
  if (near === undefined || far === undefined) throw new Error('there is no broker')
  const client = await clientOf(near)
  await createTopic(client, TOPIC)
  client.close()
  let bytes = 0
  const end = performance.now() + seconds * 1000
  const producers = Array.from({ length: traffic.producers }, async (_, index) => {
    const own = await clientOf(index % 2 === 0 ? near : far)
    const batch = batchOf(traffic.batchBytes)
    for (let next = performance.now(); performance.now() < end; next += traffic.everyMs) {
      await pause(next - performance.now())
      await produce(own, TOPIC, [index % PARTITIONS], batch)
      bytes += batch.length
    }
    own.close()
  })
  const consumers = [near, far].map(async broker => {
    const own = await clientOf(broker)
    await consumeUntil(own, end)
    own.close()
  })
  const { count, seconds: took } = await gained(
    () => s3Requests(cluster),
    () => Promise.all([...producers, ...consumers]),
  )
  const [puts, lists, gets] = [count('put'), count('list'), count('get') + count('head')]
  const dollars = (puts + lists) * PUT_OR_LIST + gets * GET
  return [
    traffic.name,
    ...[bytes / 1e6 / took, puts / took, lists / took, gets / took],
    (puts + lists + gets) / (bytes / 1e9),
    dollars / (bytes / 1e12),
    (dollars / took) * SECONDS_PER_MONTH,
  ]
}

async function consumeUntil(client: RawClient, end: number): Promise<void> {
  const offsets = Array.from({ length: PARTITIONS }, () => 0)
  while (performance.now() < end) {
    for (const [partition, buffers] of (await fetchRecords(client, TOPIC, offsets, 500)).entries()) {
      for (const buffer of buffers) {
        eachBatch(buffer, at => {
          offsets[partition] = batchLastOffset(buffer, at) + 1
        })
      }
    }
  }
}
