/** From the start of a broker's process to its first acknowledgement, with 5,000 objects behind it. */
import type { ClusterBroker } from '../../testing/cluster/broker.ts'
import { rounded } from '../table.ts'
import { batchOf, clientOf, createTopic, fill, pause, produce } from './records.ts'
import type { Figure } from './report.ts'
import { PARTITIONS, type Size, withCluster } from './scene.ts'

const TOPIC = 'bench-restart'
const OBJECTS = 5000

export function restart(latencyMs: number, { gigabytes }: Size): Promise<Figure[]> {
  const objectBytes = Math.max(64 * 1024, Math.floor((gigabytes * 1e9) / OBJECTS))
  const settings = {
    KAFSCALE_SEGMENT_BYTES: String(objectBytes),
    KAFSCALE_PUTS_PER_SECOND: '0',
  }
  return withCluster({ latencyMs: 0, settings }, async cluster => {
    const [broker] = cluster.brokers
    if (broker === undefined) throw new Error('there is no broker')
    const client = await clientOf(broker)
    await createTopic(client, TOPIC)
    await fill(client, TOPIC, {
      ...{ bytes: gigabytes * 1e9, batchBytes: Math.min(objectBytes, 900_000), partitions: PARTITIONS, lanes: 8 },
    })
    client.close()
    const written = await objectsWritten(broker)
    cluster.s3Proxy.latencyMs = latencyMs
    await broker.kill()
    const afterKill = await firstAck(broker)
    await broker.stop()
    const afterStop = await firstAck(broker)
    return [
      { name: 'restart after SIGTERM: first ack', value: `${rounded(afterStop)} ms` },
      { name: 'restart after kill -9: first ack', value: `${rounded(afterKill)} ms` },
      { name: '  behind it', value: `${rounded(gigabytes)} GB in ${written} objects` },
    ]
  })
}

async function objectsWritten(broker: ClusterBroker): Promise<number> {
  const page = await broker.metrics()
  return Number(/kafscale_object_store_requests_total\{verb="put"\} (\d+)/.exec(page)?.[1] ?? 0)
}

/** Milliseconds from the start of the process. */
async function firstAck(broker: ClusterBroker): Promise<number> {
  const began = performance.now()
  await broker.spawn()
  for (;;) {
    const client = await clientOf(broker).catch(() => undefined)
    if (client === undefined) {
      await pause(5)
      continue
    }
    await produce(client, TOPIC, [0], batchOf(1024))
    client.close()
    return performance.now() - began
  }
}
