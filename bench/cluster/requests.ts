/** What a cluster asks of S3 and etcd: PUTs for requests over many partitions, reads for an idle consumer, writes under load. */
import { Kafka, logLevel } from 'kafkajs'
import type { Cluster } from '../../testing/cluster/cluster.ts'
import { rounded } from '../table.ts'
import { etcdWork, gained, s3Requests } from './meters.ts'
import { batchOf, clientOf, createTopic, createTopicOf, pause, produce } from './records.ts'
import type { Figure } from './report.ts'
import { type Size, withCluster } from './scene.ts'

const TOPIC = 'bench-requests'
const WIDE_PARTITIONS = 100
const WIDE_REQUESTS = 200
const IN_FLIGHT = 5
const IDLE_SECONDS = 30
/** The checkpoint of the group's first generation is over then. */
const SETTLE_MS = 35_000
const CLIENTS_PER_BROKER = 20
const SAMPLE_MS = 10_000

export function putsPerRequest(latencyMs: number): Promise<Figure[]> {
  return withCluster({ latencyMs }, async cluster => {
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('there is no broker')
    const first = await clientOf(broker)
    await createTopicOf(first, TOPIC, WIDE_PARTITIONS)
    first.close()
    const batch = batchOf(1024)
    const partitions = Array.from({ length: WIDE_PARTITIONS }, (_, index) => index)
    const measured = async (clients: number): Promise<string> => {
      const { count } = await gained(
        () => s3Requests(cluster),
        () =>
          together(clients, async () => {
            const client = await clientOf(broker)
            await together(IN_FLIGHT, async () => {
              for (let n = 0; n < WIDE_REQUESTS; n += IN_FLIGHT) await produce(client, TOPIC, partitions, batch)
            })
            client.close()
          }),
      )
      return rounded(count('put') / (clients * WIDE_REQUESTS))
    }
    return [
      { name: 'PUTs per produce request over 100 partitions, one producer', value: await measured(1) },
      { name: 'PUTs per produce request over 100 partitions, four producers', value: await measured(4) },
    ]
  })
}

/** kafkajs in a group, on a topic that nobody writes to, beside the same cluster without it. */
export function idleConsumer(latencyMs: number): Promise<Figure[]> {
  return withCluster({ latencyMs }, async cluster => {
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('there is no broker')
    const client = await clientOf(broker)
    await createTopic(client, TOPIC)
    client.close()
    const reads = async (): Promise<number> => {
      const { count, seconds } = await gained(
        () => etcdWork(cluster),
        () => pause(IDLE_SECONDS * 1000),
      )
      return count('reads') / seconds
    }
    const without = await reads()
    const kafka = new Kafka({ brokers: [cluster.bootstrap], logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: 'bench' })
    await consumer.connect()
    await consumer.subscribe({ topics: [TOPIC] })
    const joined = new Promise<unknown>(resolve => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.run({ eachMessage: async () => {} })
    await joined
    await pause(SETTLE_MS)
    const value = `${rounded(await reads())} reads/s (${rounded(without)} without it)`
    await consumer.disconnect()
    return [{ name: 'idle consumer: etcd', value }]
  })
}

/** Three brokers with many clients that each send one record after the other: as many small requests as they take. */
export function etcdUnderLoad(latencyMs: number, { seconds }: Size): Promise<Figure[]> {
  return withCluster({ latencyMs, brokers: 3 }, async cluster => {
    const sizes: number[] = []
    let requests = 0
    const end = performance.now() + seconds * 1000
    const client = await clientOf(broker(cluster, 0))
    await createTopic(client, TOPIC)
    client.close()
    const { count, seconds: took } = await gained(
      () => etcdWork(cluster),
      () =>
        Promise.all([
          together(3 * CLIENTS_PER_BROKER, async index => {
            const own = await clientOf(broker(cluster, index % 3))
            for (; performance.now() < end; requests++) await produce(own, TOPIC, [index % 12], batchOf(1024))
            own.close()
          }),
          sample(cluster, sizes, end),
        ]),
    )
    const writes = `${rounded(count('writes') / took)} writes/s (${rounded(requests / took)} requests/s)`
    const middle = sizes.slice(sizes.length >> 1)
    const megabytes = `${rounded(Math.max(...sizes.slice(0, sizes.length >> 1)))}, then ${rounded(Math.max(...middle))} MB`
    return [
      { name: 'etcd writes, 3 brokers under load', value: writes },
      { name: "  etcd's data in use, most in each half of the time", value: megabytes },
    ]
  })
}

async function sample({ etcd }: Cluster, sizes: number[], end: number): Promise<void> {
  while (performance.now() < end) {
    sizes.push((await etcd.size()).used / 1e6)
    await pause(Math.min(SAMPLE_MS, end - performance.now()))
  }
}

function broker({ brokers }: Cluster, index: number) {
  const found = brokers[index]
  if (found === undefined) throw new Error(`there is no broker ${index}`)
  return found
}

const together = (count: number, work: (index: number) => Promise<void>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)))
