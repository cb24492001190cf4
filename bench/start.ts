/** From the start of the process until it is ready, without data and with a lot of it; memory when idle. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBatch } from '../broker/wire/batch-builder.ts'
import {
  newMetadataRequest,
  newMetadataRequestTopic,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../broker/wire/messages.gen.ts'
import { residentMb, startOurs } from './peers.ts'
import { RawClient } from './raw-client.ts'
import { table } from './table.ts'

const TOPIC = 'bench-start'
const BATCH_BYTES = 900_000

async function timedStart(
  folder: string,
): Promise<{ ms: number; mb: number; peer: Awaited<ReturnType<typeof startOurs>> }> {
  const began = performance.now()
  const peer = await startOurs({}, folder)
  const ms = performance.now() - began
  await new Promise(resolve => setTimeout(resolve, 2000))
  return { ms, mb: await residentMb(peer.pid), peer }
}

async function fill(host: string, port: number, gigabytes: number): Promise<void> {
  const client = await RawClient.connect(host, port)
  await client.call('Metadata', 9, newMetadataRequest({ topics: [newMetadataRequestTopic({ name: TOPIC })] }))
  const batch = buildBatch({ records: [{ value: Buffer.alloc(BATCH_BYTES, 'x') }], timestamp: Date.now() })
  const requests = Math.ceil((gigabytes * 1e9) / BATCH_BYTES)
  const send = (n: number) => {
    const partitionData = [newProduceRequestPartition({ index: n % 12, records: [batch] })]
    const topicData = [newProduceRequestTopic({ name: TOPIC, partitionData })]
    return client.call('Produce', 9, newProduceRequest({ acks: -1, timeoutMs: 60_000, topicData }))
  }
  const inFlight = Array.from({ length: 8 }, async (_, lane) => {
    for (let n = lane; n < requests; n += 8) await send(n)
  })
  await Promise.all(inFlight)
  client.close()
}

export async function start(gigabytes: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-bench-'))
  try {
    const empty = await timedStart(folder)
    await fill(empty.peer.host, empty.peer.port, gigabytes)
    const loaded = await residentMb(empty.peer.pid)
    await empty.peer.stop()
    const full = await timedStart(folder)
    await full.peer.stop()
    return table(
      ['KafScale', 'ms until ready', 'MB when idle'],
      [
        ['empty', empty.ms, empty.mb],
        [`after ${gigabytes} GB (${loaded.toFixed(0)} MB while writing)`, full.ms, full.mb],
      ],
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
