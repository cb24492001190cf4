/** 100,000 partitions with a record in each: memory of a broker, time of Metadata for all of them, time to start. */
import { newMetadataRequest } from '../../broker/wire/messages.gen.ts'
import type { RawClient } from '../raw-client.ts'
import { rounded } from '../table.ts'
import { batchOf, clientOf, createTopicOf, pause, produce } from './records.ts'
import type { Figure } from './report.ts'
import { timed, withCluster } from './scene.ts'

const TOPICS = 10
const PARTITIONS_PER_TOPIC = 10_000
const PARTITIONS_PER_REQUEST = 1000
/** Checkpoints are 30 s apart. */
const OVER_A_CHECKPOINT_MS = 40_000
const MB = 1024 * 1024

export function manyPartitions(latencyMs: number): Promise<Figure[]> {
  return withCluster({ latencyMs, brokers: 2 }, async ({ brokers }) => {
    const [broker, other] = brokers
    if (broker === undefined || other === undefined) throw new Error('there is no broker')
    const client = await clientOf(broker)
    const topics = Array.from({ length: TOPICS }, (_, index) => `bench-${index}`)
    const created = await timed(async () => {
      for (const topic of topics) await createTopicOf(client, topic, PARTITIONS_PER_TOPIC)
    })
    const batch = batchOf(100)
    for (const topic of topics) {
      for (let from = 0; from < PARTITIONS_PER_TOPIC; from += PARTITIONS_PER_REQUEST) {
        const partitions = Array.from({ length: PARTITIONS_PER_REQUEST }, (_, index) => from + index)
        await produce(client, topic, partitions, batch)
      }
    }
    const described = await timed(() => client.call('Metadata', 9, newMetadataRequest({ topics: null })))
    // A checkpoint of all of it, and the pause that it means for others.
    const slowest = await slowestAck(client, OVER_A_CHECKPOINT_MS)
    const memory = [await broker.residentBytes(), await other.residentBytes()].map(bytes => rounded(bytes / MB))
    client.close()
    await broker.stop()
    const started = await broker.start()
    const afterStart = await broker.residentBytes()
    return [
      {
        name: '100,000 partitions: memory of the broker that took the records, of another',
        value: `${memory.join(', ')} MB`,
      },
      { name: '  after a start', value: `${rounded(afterStart / MB)} MB` },
      { name: '  Metadata of all', value: `${rounded(described)} ms` },
      { name: '  start until ready', value: `${rounded(started)} ms` },
      { name: '  created in', value: `${rounded(created)} ms` },
      { name: '  slowest of one record at a time, over a checkpoint', value: `${rounded(slowest)} ms` },
    ]
  })
}

async function slowestAck(client: RawClient, ms: number): Promise<number> {
  const end = performance.now() + ms
  const batch = batchOf(100)
  let worst = 0
  while (performance.now() < end) {
    worst = Math.max(worst, await timed(() => produce(client, 'bench-0', [0], batch)))
    await pause(20)
  }
  return worst
}
