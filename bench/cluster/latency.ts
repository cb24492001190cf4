/** One record at a time with and without a PUT budget, and the way of a record to a waiting consumer at 2 records/s. */
import type { Cluster } from '../../testing/cluster/cluster.ts'
import { percentile, rounded } from '../table.ts'
import { gained, s3Requests } from './meters.ts'
import { batchOf, clientOf, createTopic, fetchRecords, pause, produce } from './records.ts'
import type { Figure } from './report.ts'
import { PARTITIONS, timed, withCluster } from './scene.ts'

const TOPIC = 'bench-latency'
const SAMPLES = 200
/** Uses up the tokens of PUTs that a broker has saved up. */
const WARM_UP = 60
const END_TO_END_SAMPLES = 40
const END_TO_END_EVERY_MS = 500

export async function latency(latencyMs: number): Promise<Figure[]> {
  const settings = { KAFSCALE_PUTS_PER_SECOND: '0' }
  return [
    {
      name: 'one record at a time, no PUT budget: p50',
      value: await withCluster({ latencyMs, settings }, oneAtATime),
    },
    { name: 'one record at a time, 20 PUT/s: p50', value: await withCluster({ latencyMs }, oneAtATime) },
  ]
}

async function oneAtATime(cluster: Cluster): Promise<string> {
  const [broker] = cluster.brokers
  if (broker === undefined) throw new Error('there is no broker')
  const client = await clientOf(broker)
  await createTopic(client, TOPIC)
  const batch = batchOf(1024)
  for (let n = 0; n < WARM_UP; n++) await produce(client, TOPIC, [0], batch)
  const samples: number[] = []
  const { count, seconds } = await gained(
    () => s3Requests(cluster),
    async () => {
      for (let n = 0; n < SAMPLES; n++) samples.push(await timed(() => produce(client, TOPIC, [0], batch)))
    },
  )
  client.close()
  return `${rounded(percentile(samples, 0.5))} ms, ${rounded(count('put') / seconds)} PUT/s`
}

export function endToEnd(latencyMs: number): Promise<Figure[]> {
  return withCluster({ latencyMs, brokers: 2 }, async cluster => [
    { name: 'end to end at 2 records/s over 12 partitions: p50', value: await consumed(cluster, 0) },
    { name: '  consumer on another broker', value: await consumed(cluster, 1) },
  ])
}

/** The producer is on the first broker. */
async function consumed({ brokers }: Cluster, consumerOn: number): Promise<string> {
  const [near, far] = [brokers[0], brokers[consumerOn]]
  if (near === undefined || far === undefined) throw new Error('there is no such broker')
  const [producer, consumer] = [await clientOf(near), await clientOf(far)]
  await createTopic(producer, TOPIC)
  const batch = batchOf(1024)
  const offsets: number[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const [base = 0] = await produce(producer, TOPIC, [partition], batch)
    offsets.push(base + 1)
  }
  await pause(2000)
  const samples: number[] = []
  for (let n = 0; n < END_TO_END_SAMPLES; n++) {
    const partition = n % PARTITIONS
    const fetched = untilThere(consumer, offsets)
    await pause(END_TO_END_EVERY_MS)
    const began = performance.now()
    const produced = produce(producer, TOPIC, [partition], batch)
    await fetched
    samples.push(performance.now() - began)
    await produced
    offsets[partition] = (offsets[partition] ?? 0) + 1
  }
  producer.close()
  consumer.close()
  return `${rounded(percentile(samples, 0.5))} ms (p99 ${rounded(percentile(samples, 0.99))})`
}

async function untilThere(consumer: Awaited<ReturnType<typeof clientOf>>, offsets: readonly number[]): Promise<void> {
  for (;;)
    if ((await fetchRecords(consumer, TOPIC, offsets, 500)).some(buffers => buffers.some(({ length }) => length > 0)))
      return
}
