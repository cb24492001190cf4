/** Apache's producer-perf-test: one and four producers over twelve partitions, with default and with larger batches. */
import { perfTest } from '../perf-test.ts'
import { rounded } from '../table.ts'
import { gained, type S3Requests, s3Requests } from './meters.ts'
import { clientOf, createTopic } from './records.ts'
import type { Figure } from './report.ts'
import { type Size, withCluster } from './scene.ts'

const TOPIC = 'bench-throughput'
const RECORD_BYTES = 1024
const ROUNDS = 3
const LARGE_BATCHES = ['batch.size=131072']

export function throughput(latencyMs: number, { gigabytes }: Size): Promise<Figure[]> {
  return withCluster({ latencyMs }, async cluster => {
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('there is no broker')
    const client = await clientOf(broker)
    await createTopic(client, TOPIC)
    client.close()
    const records = Math.round((Math.min(1, gigabytes) * 1e9) / RECORD_BYTES)
    const count = (): Promise<S3Requests> => s3Requests(cluster)
    const measure = async (producers: number, props: readonly string[]): Promise<string> => {
      const rates: number[] = []
      const { count: gain } = await gained(count, async () => {
        for (let round = 0; round < ROUNDS; round++) {
          rates.push(await together(cluster.bootstrap, producers, Math.round(records / producers), props))
        }
      })
      const megabytesPerPut = (ROUNDS * records * RECORD_BYTES) / 1e6 / gain('put')
      return `${rounded(rates.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN)} MB/s, ${rounded(megabytesPerPut)} MB/PUT`
    }
    await together(cluster.bootstrap, 1, 100_000, [])
    return [
      { name: '12 partitions, one producer, batch.size=128 KiB', value: await measure(1, LARGE_BATCHES) },
      { name: '12 partitions, one producer, its defaults', value: await measure(1, []) },
      { name: '12 partitions, four producers, batch.size=128 KiB', value: await measure(4, LARGE_BATCHES) },
      { name: '12 partitions, four producers, their defaults', value: await measure(4, []) },
    ]
  })
}

/** MB/s (10^6) of several producers together, from the time that each of them says it took. */
async function together(
  bootstrap: string,
  producers: number,
  records: number,
  props: readonly string[],
): Promise<number> {
  const outputs = await Promise.all(
    Array.from({ length: producers }, () =>
      perfTest('ProducerPerformance', [
        ...['--topic', TOPIC, '--num-records', String(records), '--record-size', String(RECORD_BYTES)],
        ...['--throughput', '-1', '--producer-props', `bootstrap.servers=${bootstrap}`, 'acks=all', ...props],
      ]),
    ),
  )
  return outputs
    .map(output => Number(/([\d.]+) records\/sec/.exec(output.trim().split('\n').at(-1) ?? '')?.[1]))
    .reduce((sum, rate) => sum + (rate * RECORD_BYTES) / 1e6, 0)
}
