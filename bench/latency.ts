/** One record at a time with acks=all, and the way of a record to a waiting consumer; beside them what a sync of the disk takes. */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBatch } from '../broker/wire/batch-builder.ts'
import {
  newFetchRequest,
  newFetchRequestPartition,
  newFetchRequestTopic,
  newMetadataRequest,
  newMetadataRequestTopic,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../broker/wire/messages.gen.ts'
import type { Peer } from './peers.ts'
import { RawClient } from './raw-client.ts'
import { percentile, table } from './table.ts'

const TOPIC = 'bench-latency'
const VALUE = Buffer.alloc(1024, 'x')

function produceRequest() {
  const records = [buildBatch({ records: [{ value: VALUE }], timestamp: Date.now() })]
  const partitionData = [newProduceRequestPartition({ index: 0, records })]
  return newProduceRequest({
    acks: -1,
    timeoutMs: 30_000,
    topicData: [newProduceRequestTopic({ name: TOPIC, partitionData })],
  })
}

async function createTopic(client: RawClient): Promise<void> {
  for (;;) {
    const topics = [newMetadataRequestTopic({ name: TOPIC })]
    const answer = await client.call('Metadata', 9, newMetadataRequest({ topics }))
    const isThere = answer.topics[0]?.errorCode === 0
    // A leader may not know yet that it is one.
    const first = isThere ? await client.call('Produce', 9, produceRequest()) : undefined
    if (first?.responses[0]?.partitionResponses[0]?.errorCode === 0) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function oneAtATime(client: RawClient, count: number): Promise<number[]> {
  const samples: number[] = []
  for (let n = 0; n < count; n++) {
    const began = performance.now()
    const answer = await client.call('Produce', 9, produceRequest())
    samples.push(performance.now() - began)
    const code = answer.responses[0]?.partitionResponses[0]?.errorCode
    if (code !== 0) throw new Error(`a record was refused with error ${code}`)
  }
  return samples
}

async function endToEnd(peer: Peer, producer: RawClient, count: number): Promise<number[]> {
  const consumer = await RawClient.connect(peer.host, peer.port)
  const answer = await producer.call('Produce', 9, produceRequest())
  let offset = (answer.responses[0]?.partitionResponses[0]?.baseOffset ?? 0) + 1
  const samples: number[] = []
  for (let n = 0; n < count; n++) {
    const partitions = [newFetchRequestPartition({ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_048_576 })]
    const topics = [newFetchRequestTopic({ topic: TOPIC, partitions })]
    const fetched = consumer.call('Fetch', 11, newFetchRequest({ maxWaitMs: 500, minBytes: 1, topics }))
    await new Promise(resolve => setTimeout(resolve, 2))
    const began = performance.now()
    const produced = producer.call('Produce', 9, produceRequest())
    const bytes =
      (await fetched).responses[0]?.partitions[0]?.records?.reduce((sum, { length }) => sum + length, 0) ?? 0
    if (bytes > 0) samples.push(performance.now() - began)
    await produced
    offset++
  }
  consumer.close()
  return samples
}

async function syncs(count: number): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-sync-'))
  const file = await open(join(folder, 'file'), 'w')
  const samples: number[] = []
  for (let n = 0; n < count; n++) {
    await file.write(VALUE)
    const began = performance.now()
    await file.datasync()
    samples.push(performance.now() - began)
  }
  await file.close()
  await rm(folder, { recursive: true })
  return samples
}

export async function latency(peers: readonly Peer[], count: number): Promise<string> {
  const rows: (string | number)[][] = []
  const note = (what: string, samples: readonly number[]): void => {
    rows.push([what, percentile(samples, 0.5), percentile(samples, 0.99), Math.max(...samples)])
  }
  note('fdatasync of the disk', await syncs(count))
  for (const peer of peers) {
    const client = await RawClient.connect(peer.host, peer.port)
    await createTopic(client)
    await oneAtATime(client, 200)
    note(`${peer.name}: produce, one at a time`, await oneAtATime(client, count))
    note(`${peer.name}: end to end`, await endToEnd(peer, client, count))
    client.close()
  }
  return table(['', 'p50 ms', 'p99 ms', 'max ms'], rows)
}
