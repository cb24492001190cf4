/**
 * Records for a person to look at: from an offset or a time on, or the newest ones, with keys, values and headers as they
 * are. Reads as a consumer without a group would, so that nobody's position moves.
 */

import { type FullRecord, recordsOf } from '../../broker/wire/batch-builder.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import { newFetchRequest, newFetchRequestPartition, newFetchRequestTopic } from '../../broker/wire/messages.gen.ts'
import { batchBaseOffset, batchLastOffset, eachBatch, isControl } from '../../broker/wire/record-batch.ts'
import { WireError } from '../../broker/wire/wire-error.ts'
import { type Shown, shown } from '../words.ts'
import { type Cluster, Refused, refuse } from './cluster.ts'
import { offsetsAt, partitionKey, type TopicFacts } from './topics.ts'

/** As it is shown: a record holds on to the whole batch that it came in, which may be large. */
export interface SeenRecord extends Pick<FullRecord, 'offset' | 'timestamp'> {
  readonly partition: number
  readonly key: Shown
  readonly value: Shown
  readonly headers: readonly { readonly key: string; readonly value: Shown }[]
}

/** Where to begin in every partition that is looked at. */
export type From =
  | { readonly kind: 'newest' }
  | { readonly kind: 'oldest' }
  | { readonly kind: 'offset'; readonly offset: number }
  /** ms since 1970. */
  | { readonly kind: 'time'; readonly timestamp: number }

export interface Wanted {
  /** Undefined for all of them. */
  readonly partition: number | undefined
  readonly from: From
  /** At most so many records. */
  readonly count: number
}

export interface RecordPage {
  /** By time, the newest last; with `newest` the newest first. */
  readonly records: readonly SeenRecord[]
  /** Why there are fewer than there could be. */
  readonly problems: readonly string[]
}

const FETCH_BYTES = 1024 * 1024
/** Of a batch, decompressed; a larger one is told of and passed over. */
const MOST_BATCH_BYTES = 16 * 1024 * 1024
/** Answers for one page: compacted partitions may have many that bring little. */
const MOST_FETCHES = 20
const WAIT_MS = 200
/** Later versions name topics by id alone. */
const LAST_FETCH_WITH_NAMES = 12

/** Rejects with Refused, when the user may not read the topic for example. */
export async function readRecords(cluster: Cluster, topic: TopicFacts, wanted: Wanted): Promise<RecordPage> {
  const partitions = topic.partitions.filter(
    ({ partition }) => wanted.partition === partition || wanted.partition === undefined,
  )
  const starts = await startsOf(cluster, topic.name, partitions, wanted)
  const problems: string[] = []
  let records: readonly SeenRecord[] = []
  for (const { partition, end = 0 } of partitions) {
    const start = starts.get(partition)
    if (start === undefined || start >= end) continue
    const reader = { cluster, topic: topic.name, partition, problems }
    const found = await readPartition(reader, start, { end, count: wanted.count })
    records = bestOf([...records, ...found], wanted)
  }
  return { records: wanted.from.kind === 'newest' ? records.toReversed() : records, problems }
}

/** The newest ones where these are wanted, else the oldest; by time. */
function bestOf(records: readonly SeenRecord[], { from, count }: Wanted): readonly SeenRecord[] {
  const byTime = records.toSorted(
    (a, b) => a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset,
  )
  return from.kind === 'newest' ? byTime.slice(-count) : byTime.slice(0, count)
}

const MOST_HEADERS = 50

const seen = ({ offset, timestamp, key, value, headers }: FullRecord, partition: number): SeenRecord => ({
  partition,
  offset,
  timestamp,
  key: shown(key),
  value: shown(value),
  headers: headers.slice(0, MOST_HEADERS).map(header => ({ key: header.key, value: shown(header.value) })),
})

async function startsOf(
  cluster: Cluster,
  name: string,
  partitions: TopicFacts['partitions'],
  { from, count }: Wanted,
): Promise<ReadonlyMap<number, number>> {
  if (from.kind === 'time') {
    const wanted = [{ name, partitions: partitions.map(({ partition }) => partition) }]
    const offsets = await offsetsAt(cluster, wanted, from.timestamp)
    return new Map(
      partitions.flatMap(({ partition }) => {
        const offset = offsets.get(partitionKey(name, partition))
        return offset === undefined ? [] : [[partition, offset] as const]
      }),
    )
  }
  return new Map(
    partitions.map(({ partition, begin = 0, end = 0 }) => {
      if (from.kind === 'oldest') return [partition, begin]
      const at = from.kind === 'newest' ? end - count : from.offset
      return [partition, Math.max(begin, at)]
    }),
  )
}

interface PartitionReader {
  readonly cluster: Cluster
  readonly topic: string
  readonly partition: number
  readonly problems: string[]
}

async function readPartition(
  { cluster, topic, partition, problems }: PartitionReader,
  start: number,
  { end, count }: { readonly end: number; readonly count: number },
): Promise<readonly SeenRecord[]> {
  const found: SeenRecord[] = []
  let next = start
  for (let fetches = 0; next < end && found.length < count; fetches++) {
    if (fetches === MOST_FETCHES) {
      problems.push(`partition ${partition}: looked no further than offset ${next}`)
      break
    }
    const records = await fetchOnce(cluster, topic, partition, next)
    let after = next
    eachBatch(records, at => {
      after = Math.max(after, batchLastOffset(records, at) + 1)
      for (const record of recordsAt(records, at, why => problems.push(`partition ${partition}: ${why}`))) {
        if (record.offset >= next && found.length < count) found.push(seen(record, partition))
      }
    })
    if (after === next) break
    next = after
  }
  return found
}

/** Markers of transactions are for clients, not for people. */
function recordsAt(records: Buffer, at: number, onProblem: (why: string) => void): readonly FullRecord[] {
  if (isControl(records, at)) return []
  try {
    return recordsOf(records, at, MOST_BATCH_BYTES)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    onProblem(`the batch at offset ${batchBaseOffset(records, at)} cannot be shown: ${cause.message}`)
    return []
  }
}

async function fetchOnce(cluster: Cluster, topic: string, partition: number, fetchOffset: number): Promise<Buffer> {
  const partitions = [newFetchRequestPartition({ partition, fetchOffset, partitionMaxBytes: FETCH_BYTES })]
  const topics = [newFetchRequestTopic({ topic, partitions })]
  const request = newFetchRequest({ maxWaitMs: WAIT_MS, minBytes: 1, maxBytes: FETCH_BYTES, topics })
  const answer = await cluster.ask('Fetch', request, LAST_FETCH_WITH_NAMES)
  refuse(answer.errorCode)
  const found = answer.responses[0]?.partitions[0]
  if (found === undefined) throw new Refused(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  refuse(found.errorCode)
  return Buffer.concat(found.records ?? [])
}
