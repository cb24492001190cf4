/** What a budget of PUTs does to the bill of one broker and to the time until a record is acknowledged. */
import { percentile, table } from '../table.ts'
import { gained, s3Requests } from './meters.ts'
import { PUT_OR_LIST, SECONDS_PER_MONTH } from './prices.ts'
import { batchOf, clientOf, createTopic, pause, produce } from './records.ts'
import { PARTITIONS, type Size, timed, withCluster } from './scene.ts'

const TOPIC = 'bench-budget'
const LATENCY_MS = 30
const BUDGETS = [2, 5, 10, 20, 50, 0]
/** Twenty clients of 10 records/s each. */
const CLIENTS = 20
const EVERY_MS = 100
/** Uses up the PUTs that a broker has saved up. */
const WARM_UP_MS = 5000
const PERCENTILES = [0.5, 0.99]

export async function budget({ seconds }: Size): Promise<string> {
  const rows: (string | number)[][] = []
  for (const puts of BUDGETS) rows.push(await measured(puts, seconds))
  return table(['KAFSCALE_PUTS_PER_SECOND', 'PUT/s', 'USD per month', 'ack p50, ms', 'ack p99, ms'], rows)
}

function measured(puts: number, seconds: number): Promise<(string | number)[]> {
  const settings = { KAFSCALE_PUTS_PER_SECOND: String(puts) }
  return withCluster({ latencyMs: LATENCY_MS, settings }, async cluster => {
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('there is no broker')
    const client = await clientOf(broker)
    await createTopic(client, TOPIC)
    client.close()
    const samples: number[] = []
    const from = performance.now() + WARM_UP_MS
    const end = from + seconds * 1000
    const clients = Array.from({ length: CLIENTS }, async (_, index) => {
      const own = await clientOf(broker)
      const batch = batchOf(1024)
      for (let next = performance.now(); performance.now() < end; next += EVERY_MS) {
        await pause(next - performance.now())
        const took = await timed(() => produce(own, TOPIC, [index % PARTITIONS], batch))
        if (performance.now() > from) samples.push(took)
      }
      own.close()
    })
    await pause(WARM_UP_MS)
    const { count, seconds: took } = await gained(
      () => s3Requests(cluster),
      () => Promise.all(clients),
    )
    const rate = (count('put') + count('list')) / took
    return [
      puts === 0 ? 'none' : String(puts),
      rate,
      rate * PUT_OR_LIST * SECONDS_PER_MONTH,
      ...PERCENTILES.map(share => percentile(samples, share)),
    ]
  })
}
