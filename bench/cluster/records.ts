/** Producing and fetching with the bare client, over several partitions. */
import { buildBatch } from '../../broker/wire/batch-builder.ts'
import {
  newCreateTopicsRequest,
  newCreateTopicsRequestTopic,
  newFetchRequest,
  newFetchRequestPartition,
  newFetchRequestTopic,
  newMetadataRequest,
  newMetadataRequestTopic,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import type { ClusterBroker } from '../../testing/cluster/broker.ts'
import { RawClient } from '../raw-client.ts'

const PRODUCE_TIMEOUT_MS = 60_000

export const clientOf = ({ port }: ClusterBroker): Promise<RawClient> => RawClient.connect('127.0.0.1', port)

export function batchOf(bytes: number): Buffer {
  return buildBatch({ records: [{ value: Buffer.alloc(bytes, 'x') }], timestamp: Date.now() })
}

/** One batch into each of the partitions; throws when one of them is refused. Answers the base offsets. */
export async function produce(
  client: RawClient,
  topic: string,
  partitions: readonly number[],
  batch: Buffer,
): Promise<number[]> {
  const partitionData = partitions.map(index => newProduceRequestPartition({ index, records: [batch] }))
  const topicData = [newProduceRequestTopic({ name: topic, partitionData })]
  const answer = await client.call(
    'Produce',
    9,
    newProduceRequest({ acks: -1, timeoutMs: PRODUCE_TIMEOUT_MS, topicData }),
  )
  return (answer.responses[0]?.partitionResponses ?? []).map(({ errorCode, baseOffset }) => {
    if (errorCode !== 0) throw new Error(`records were refused with error ${errorCode}`)
    return baseOffset
  })
}

/** By its first use, with the default number of partitions. */
export async function createTopic(client: RawClient, topic: string): Promise<void> {
  for (;;) {
    const topics = [newMetadataRequestTopic({ name: topic })]
    const answer = await client.call('Metadata', 9, newMetadataRequest({ topics }))
    if (answer.topics[0]?.errorCode === 0) return
  }
}

export async function createTopicOf(client: RawClient, topic: string, numPartitions: number): Promise<void> {
  const wanted = { name: topic, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
  const topics = [newCreateTopicsRequestTopic(wanted)]
  const answer = await client.call(
    'CreateTopics',
    5,
    newCreateTopicsRequest({ topics, timeoutMs: 60_000, validateOnly: false }),
  )
  const [created] = answer.topics
  if (created?.errorCode !== 0) throw new Error(`${topic} was not created: error ${created?.errorCode}`)
}

/** Record batches from the offsets on, partition by partition; waits up to `maxWaitMs` for the first. */
export async function fetchRecords(
  client: RawClient,
  topic: string,
  offsets: readonly number[],
  maxWaitMs: number,
): Promise<(readonly Buffer[])[]> {
  const partitions = offsets.map((fetchOffset, partition) =>
    newFetchRequestPartition({ partition, fetchOffset, partitionMaxBytes: 1_048_576 }),
  )
  const topics = [newFetchRequestTopic({ topic, partitions })]
  const answer = await client.call('Fetch', 11, newFetchRequest({ maxWaitMs, minBytes: 1, topics }))
  const found: (readonly Buffer[])[] = offsets.map(() => [])
  for (const { partitionIndex, records } of answer.responses[0]?.partitions ?? []) found[partitionIndex] = records ?? []
  return found
}

/** Fills the topic with batches of `batchBytes`, `lanes` requests of one batch at the same time. */
export async function fill(
  client: RawClient,
  topic: string,
  { bytes, batchBytes, partitions, lanes }: { bytes: number; batchBytes: number; partitions: number; lanes: number },
): Promise<void> {
  const batch = batchOf(batchBytes)
  const requests = Math.ceil(bytes / batchBytes)
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let n = lane; n < requests; n += lanes) await produce(client, topic, [n % partitions], batch)
    }),
  )
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, Math.max(0, ms)))
