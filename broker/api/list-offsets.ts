/**
 * ListOffsets: offsets by time, and the special timestamps (KIP-79, KIP-734, KIP-405). The end of the log is answered after
 * a linearizable read: what any broker acknowledged before the request is counted.
 */
import type { PartitionLog } from '../state/partition-log.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type ListOffsetsRequest,
  type ListOffsetsRequestPartition,
  type ListOffsetsResponsePartition,
  newListOffsetsResponse,
  newListOffsetsResponsePartition,
  newListOffsetsResponseTopic,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import { failureCode } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { findPartition, findTopic, leaderEpochProblem } from './topic-lookup.ts'

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

/** First version that knows each special timestamp. */
const SINCE: ReadonlyMap<number, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])

const FIRST_VERSION_WITH_EPOCH = 4

type ListParts = Pick<Parts, 'replica' | 'timestamps'>

export function listOffsets(parts: ListParts): Handler<'ListOffsets'> {
  return async (request, { version }) => {
    const twice = namedTwice(request)
    const unavailable = await parts.replica.barrier().then(() => errorCode.NONE, failureCode)
    const topics = request.topics.map(async ({ name, partitions }) => {
      const topic = findTopic(parts.replica.state.catalog, name, ZERO_UUID)
      const answers = partitions.map(async (wanted): Promise<ListOffsetsResponsePartition> => {
        if (twice.has(`${name}/${wanted.partitionIndex}`)) return refusal(wanted, errorCode.INVALID_REQUEST)
        const found = findPartition(topic, wanted.partitionIndex)
        if ('errorCode' in found) return refusal(wanted, found.errorCode)
        const epochProblem = leaderEpochProblem(wanted.currentLeaderEpoch)
        if (epochProblem !== errorCode.NONE) return refusal(wanted, epochProblem)
        if (unavailable !== errorCode.NONE) return refusal(wanted, unavailable)
        if (wanted.timestamp < 0 && version < (SINCE.get(wanted.timestamp) ?? Number.POSITIVE_INFINITY)) {
          return refusal(wanted, errorCode.UNSUPPORTED_VERSION)
        }
        return answer(parts, found.value, wanted, version).catch(cause => refusal(wanted, failureCode(cause)))
      })
      return newListOffsetsResponseTopic({ name, partitions: await Promise.all(answers) })
    })
    return newListOffsetsResponse({ topics: await Promise.all(topics) })
  }
}

/** One answer could not tell which of the two questions it is for, so Kafka refuses both. */
function namedTwice({ topics }: ListOffsetsRequest): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const id = `${name}/${partitionIndex}`
      if (seen.has(id)) twice.add(id)
      seen.add(id)
    }
  }
  return twice
}

async function answer(
  parts: ListParts,
  log: PartitionLog,
  { partitionIndex, timestamp: wanted }: ListOffsetsRequestPartition,
  version: number,
): Promise<ListOffsetsResponsePartition> {
  const found = (offset: number, timestamp: number, epoch: number): ListOffsetsResponsePartition => {
    const leaderEpoch = version >= FIRST_VERSION_WITH_EPOCH ? epoch : -1
    return newListOffsetsResponsePartition({
      partitionIndex,
      errorCode: errorCode.NONE,
      offset,
      timestamp,
      leaderEpoch,
    })
  }
  switch (wanted) {
    case LATEST:
      return found(log.highWatermark, -1, 0)
    case EARLIEST:
    case EARLIEST_LOCAL:
      return found(log.logStartOffset, -1, 0)
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return found(-1, -1, -1)
    default: {
      const record =
        wanted === MAX_TIMESTAMP
          ? await parts.timestamps.largest(log)
          : await parts.timestamps.firstAtOrAfter(log, wanted)
      return record === undefined ? found(-1, -1, -1) : found(record.offset, record.timestamp, 0)
    }
  }
}

function refusal({ partitionIndex }: ListOffsetsRequestPartition, code: number): ListOffsetsResponsePartition {
  return newListOffsetsResponsePartition({ partitionIndex, errorCode: code })
}
