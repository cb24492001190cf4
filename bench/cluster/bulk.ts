/**
 * Bulk traffic of the bare client, which takes little of the CPU that it shares with the brokers: connections with five
 * requests in flight, as the Java producer has, each of one batch of 64 records of 1 KiB for each of twelve partitions.
 */
import { buildBatch } from '../../broker/wire/batch-builder.ts'
import type { Cluster } from '../../testing/cluster/cluster.ts'
import { cpuSeconds } from '../peers.ts'
import { rounded } from '../table.ts'
import { gained, s3Requests } from './meters.ts'
import { clientOf, createTopic, produce } from './records.ts'
import type { Figure } from './report.ts'
import { PARTITIONS, type Size, timed, withCluster } from './scene.ts'

const TOPIC = 'bench-bulk'
const ROUNDS = 3
const IN_FLIGHT = 5
const RECORDS = 64
const RECORD_BYTES = 1024

export function bulk(latencyMs: number, { gigabytes }: Size): Promise<Figure[]> {
  return withCluster({ latencyMs }, async cluster => {
    await send(cluster, 1, 50e6)
    return [
      { name: '12 partitions, one bare client', value: await measured(cluster, 1, gigabytes) },
      { name: '12 partitions, four bare clients', value: await measured(cluster, 4, gigabytes) },
    ]
  })
}

async function measured(cluster: Cluster, connections: number, gigabytes: number): Promise<string> {
  const [broker] = cluster.brokers
  if (broker === undefined) throw new Error('there is no broker')
  const bytes = Math.min(1, gigabytes) * 1e9
  const rates: number[] = []
  const before = await cpuSeconds(broker.child.pid)
  const { count } = await gained(
    () => s3Requests(cluster),
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        rates.push(bytes / 1e3 / (await timed(() => send(cluster, connections, bytes))))
      }
    },
  )
  const cpu = ((await cpuSeconds(broker.child.pid)) - before) / ((ROUNDS * bytes) / 1e9)
  const rate = rates.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
  return `${rounded(rate)} MB/s, ${rounded((ROUNDS * bytes) / 1e6 / count('put'))} MB/PUT, ${rounded(cpu)} CPU s/GB`
}

async function send({ brokers }: Cluster, connections: number, bytes: number): Promise<void> {
  const [broker] = brokers
  if (broker === undefined) throw new Error('there is no broker')
  const records = Array.from({ length: RECORDS }, () => ({ value: Buffer.alloc(RECORD_BYTES, 'x') }))
  const batch = buildBatch({ records, timestamp: Date.now() })
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => index)
  const requests = Math.ceil(bytes / connections / (batch.length * PARTITIONS))
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await clientOf(broker)
      await createTopic(client, TOPIC)
      let sent = 0
      const lane = async (): Promise<void> => {
        while (sent++ < requests) await produce(client, TOPIC, partitions, batch)
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
      client.close()
    }),
  )
}
