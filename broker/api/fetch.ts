/**
 * Fetch: waits until there is enough to answer with, reads it, and says what is new of each partition.
 *
 * `min.bytes` is counted over all partitions of the request from the sizes that the state knows, without reading anything.
 * An error on any partition answers at once. A client that names another zone than this broker's is sent to one there
 * (KIP-392). A broker that is cut off from the ledger goes on serving what it has, but a client that has read all of it is
 * sent to the others, which may have more. An offset beyond the end is only called out of range after a linearizable
 * read, because another broker may have acknowledged it a moment ago.
 */
import type { FetchContext, FetchedPartition } from '../data/fetch-sessions.ts'
import type { PartitionReadResult } from '../data/log-reader.ts'
import type { Access } from '../security/authorizer.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import {
  type FetchRequest,
  type FetchResponse,
  type FetchResponsePartition,
  newFetchResponse,
  newFetchResponsePartition,
  newFetchResponseTopic,
} from '../wire/messages.gen.ts'
import { countRecords } from '../wire/record-batch.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import { mayRead } from './authorization/topics.ts'
import { isSuperseded, preferredReader } from './brokers.ts'
import type { Client, Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { findPartition, findTopic, leaderEpochProblem } from './topic-lookup.ts'

type FetchParts = Pick<
  Parts,
  'clock' | 'replica' | 'reader' | 'longPolls' | 'fetchSessions' | 'fetchBudget' | 'traffic'
>

const FIRST_VERSION_WITH_TOPIC_IDS = 13
/** The most that one answer holds whatever a client asks for: Kafka's `fetch.max.bytes` of brokers (KIP-541). */
const MOST_BYTES = 57_671_680

/** A client that does not read its answer shall not keep others from theirs for longer. */
const LONGEST_HOLD_MS = 5000

/** A partition of the request: its log, or why there is nothing to read. */
type Target =
  | { readonly wanted: FetchedPartition; readonly log: PartitionLog }
  | { readonly wanted: FetchedPartition; readonly errorCode: number; readonly log?: PartitionLog }

export function fetch(parts: FetchParts): Handler<'Fetch'> {
  return async (asked, { version, client, onSent }) => {
    const request = { ...asked, maxBytes: Math.min(asked.maxBytes, MOST_BYTES) }
    let session: FetchContext
    try {
      session = parts.fetchSessions.begin(sessionOf(request, version))
    } catch (cause) {
      if (cause instanceof KafkaError) return newFetchResponse({ errorCode: cause.code, responses: [] })
      throw cause
    }
    const { access } = client
    let targets = session.partitions.map(wanted => target(parts, access, wanted))
    if (targets.some(isBeyondEnd)) {
      await parts.replica.barrier()
      targets = session.partitions.map(wanted => target(parts, access, wanted))
    }
    const reader = preferredReader(parts.replica, client, request.rackId)
    if (reader !== undefined) return redirect(session, targets, reader)
    targets = await awaitBytes(parts, request, session, targets, client)
    if (isSuperseded(parts.replica) && available(targets) === 0) targets = targets.map(sentElsewhere)
    const giveBack = await takeFromBudget(parts, Math.min(request.maxBytes, available(targets)))
    try {
      const response = await answer(parts, request, session, targets)
      if (onSent === undefined) giveBack()
      else onSent(giveBack)
      return response
    } catch (cause) {
      giveBack()
      throw cause
    }
  }
}

/** Resolves when there is room for the answer, with what gives the room back: the first call counts, or time does. */
async function takeFromBudget({ clock, fetchBudget }: FetchParts, bytes: number): Promise<() => void> {
  await fetchBudget.take(bytes)
  let isHeld = true
  const giveBack = (): void => {
    if (!isHeld) return
    isHeld = false
    clock.clearTimeout(timer)
    fetchBudget.give(bytes)
  }
  const timer = clock.setTimeout(giveBack, LONGEST_HOLD_MS)
  return giveBack
}

function sessionOf(request: FetchRequest, version: number) {
  return {
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    usesTopicIds: version >= FIRST_VERSION_WITH_TOPIC_IDS,
    partitions: request.topics.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(
        ({ partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch, partitionMaxBytes }): FetchedPartition => ({
          topic,
          topicId,
          partition,
          fetchOffset,
          currentLeaderEpoch,
          lastFetchedEpoch,
          maxBytes: partitionMaxBytes,
        }),
      ),
    ),
    forgotten: request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(partition => ({ topic, topicId, partition })),
    ),
  }
}

function target({ replica }: FetchParts, access: Access, wanted: FetchedPartition): Target {
  if (!mayRead(access, replica.state.catalog, { name: wanted.topic, topicId: wanted.topicId })) {
    return { wanted, errorCode: errorCode.TOPIC_AUTHORIZATION_FAILED }
  }
  const topic = findTopic(replica.state.catalog, wanted.topic, wanted.topicId)
  const found = findPartition(topic, wanted.partition)
  if ('errorCode' in found) return { wanted, errorCode: found.errorCode }
  const log = found.value
  const epochProblem = leaderEpochProblem(wanted.currentLeaderEpoch)
  if (epochProblem !== errorCode.NONE) return { wanted, errorCode: epochProblem, log }
  if (wanted.fetchOffset < log.logStartOffset || wanted.fetchOffset > log.highWatermark) {
    return { wanted, errorCode: errorCode.OFFSET_OUT_OF_RANGE, log }
  }
  return { wanted, log }
}

function isBeyondEnd({ wanted, log }: Target): boolean {
  return log !== undefined && wanted.fetchOffset > log.highWatermark
}

/** Sleeps until the request can be answered; gives the targets as they are then. */
async function awaitBytes(
  parts: FetchParts,
  request: FetchRequest,
  session: FetchContext,
  targets: readonly Target[],
  { access, gone }: Client,
): Promise<Target[]> {
  const deadline = parts.clock.monotonic() + request.maxWaitMs
  let current = [...targets]
  // A fetch of nothing, which closes a session, has nothing to wait for.
  while (current.length > 0 && !current.some(isFailed)) {
    const missing = Math.min(request.minBytes, request.maxBytes) - available(current)
    const left = deadline - parts.clock.monotonic()
    if (missing <= 0 || left <= 0 || gone.aborted) break
    await parts.longPolls.wait(logsOf(current), missing, left, gone)
    current = session.partitions.map(wanted => target(parts, access, wanted))
  }
  return current
}

function sentElsewhere({ wanted, log }: Target): Target {
  const refused = { wanted, errorCode: errorCode.NOT_LEADER_OR_FOLLOWER }
  return log === undefined ? refused : { ...refused, log }
}

/** Names the broker to fetch from instead, for every partition that is in order. */
function redirect(session: FetchContext, targets: readonly Target[], preferredReadReplica: number): FetchResponse {
  return response(session, targets, one => {
    const partition = partitionAnswer(one, undefined)
    return { partition: isFailed(one) ? partition : { ...partition, preferredReadReplica }, bytes: 0 }
  })
}

function isFailed(one: Target): boolean {
  return 'errorCode' in one
}

function logsOf(targets: readonly Target[]): PartitionLog[] {
  return targets.flatMap(({ log }) => (log === undefined ? [] : [log]))
}

/** Bytes that the partitions hold from the wanted offsets on, each up to its limit. */
function available(targets: readonly Target[]): number {
  let bytes = 0
  for (const { log, wanted } of targets) {
    if (log !== undefined) bytes += Math.min(wanted.maxBytes, log.bytesFrom(wanted.fetchOffset, wanted.maxBytes))
  }
  return bytes
}

async function answer(
  parts: FetchParts,
  request: FetchRequest,
  session: FetchContext,
  targets: readonly Target[],
): Promise<FetchResponse> {
  const readable = targets.filter(one => !isFailed(one))
  const results = await parts.reader.read(
    readable.flatMap(({ wanted, log }) =>
      log === undefined
        ? []
        : [{ log, offset: wanted.fetchOffset, maxBytes: wanted.maxBytes, endOffset: Number.POSITIVE_INFINITY }],
    ),
    request.maxBytes,
  )
  let next = 0
  return response(session, targets, one => {
    const result = isFailed(one) ? undefined : results[next++]
    const bytes = result !== undefined && 'bytes' in result ? result.bytes : 0
    if (result !== undefined && 'records' in result && bytes > 0 && one.log !== undefined)
      parts.traffic.fetched(one.log.topicName, bytes, countRecords(result.records))
    return { partition: partitionAnswer(one, result), bytes }
  })
}

/** The answer of a fetch session: of each partition what is new. */
function response(
  session: FetchContext,
  targets: readonly Target[],
  answerTo: (one: Target) => { readonly partition: FetchResponsePartition; readonly bytes: number },
): FetchResponse {
  const topics = new Map<string, { topic: string; topicId: string; partitions: FetchResponsePartition[] }>()
  for (const one of targets) {
    const { partition, bytes } = answerTo(one)
    if (!session.tell(one.wanted, { ...partition, bytes })) continue
    const { topic, topicId } = one.wanted
    const key = topicId === ZERO_UUID ? topic : topicId
    const known = topics.get(key)
    if (known === undefined) topics.set(key, { topic, topicId, partitions: [partition] })
    else known.partitions.push(partition)
  }
  const responses = [...topics.values()].map(newFetchResponseTopic)
  return newFetchResponse({ sessionId: session.sessionId, responses })
}

function partitionAnswer(one: Target, result: PartitionReadResult | undefined): FetchResponsePartition {
  const failed = 'errorCode' in one ? one.errorCode : errorCode.NONE
  const unreadable = result !== undefined && 'error' in result
  const { log } = one
  return newFetchResponsePartition({
    partitionIndex: one.wanted.partition,
    // An object that a concurrent trim deleted: the client comes again and sees the new log start.
    errorCode: unreadable ? errorCode.KAFKA_STORAGE_ERROR : failed,
    highWatermark: log?.highWatermark ?? -1,
    lastStableOffset: log?.lastStableOffset ?? -1,
    logStartOffset: log?.logStartOffset ?? -1,
    abortedTransactions: null,
    records: result !== undefined && 'records' in result ? result.records : [],
  })
}
