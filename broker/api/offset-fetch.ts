/**
 * OffsetFetch: the committed offsets of a group, from version 8 of several, by topic id from version 10.
 *
 * It reads what every coordinator has acknowledged before (a linearizable read), so a member that takes over a partition
 * never starts behind the last commit. What was never committed is -1 without an error, also for topics that do not exist.
 * `require_stable` (KIP-447) asks for nothing more: without transactions no offset is ever pending.
 */
import { coordinatorError } from '../groups/durable-group.ts'
import type { Replica } from '../ledger/replica.ts'
import type { CommittedOffset } from '../state/groups.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newOffsetFetchResponse,
  newOffsetFetchResponseGroup,
  newOffsetFetchResponseGroupTopic,
  newOffsetFetchResponseGroupTopicPartition,
  newOffsetFetchResponseTopic,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  type OffsetFetchResponseGroup,
  type OffsetFetchResponseGroupTopic,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const FIRST_VERSION_WITH_ERROR_CODE = 2
const FIRST_VERSION_WITH_GROUPS = 8
const FIRST_VERSION_WITH_TOPIC_IDS = 10

interface WantedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

interface Wanted {
  readonly groupId: string
  /** Null for everything that the group has. */
  readonly topics: readonly WantedTopic[] | null
}

export function offsetFetch({ replica }: Pick<Parts, 'replica'>): Handler<'OffsetFetch'> {
  return async (request, { version }) => {
    const code = await catchUp(replica)
    const groups = wantedGroups(request, version).map(wanted =>
      code === errorCode.NONE ? fetchGroup(replica, wanted, version) : failGroup(wanted, version, code),
    )
    return version >= FIRST_VERSION_WITH_GROUPS ? newOffsetFetchResponse({ groups }) : single(groups)
  }
}

async function catchUp(replica: Replica): Promise<number> {
  try {
    await replica.barrier()
    return errorCode.NONE
  } catch (cause) {
    return coordinatorError(cause)
  }
}

function wantedGroups({ groups, groupId, topics }: OffsetFetchRequest, version: number): readonly Wanted[] {
  if (version >= FIRST_VERSION_WITH_GROUPS) return groups
  return [{ groupId, topics: topics?.map(topic => ({ ...topic, topicId: ZERO_UUID })) ?? null }]
}

/** In version 1 an error can only be said with a partition. */
function failGroup({ groupId, topics }: Wanted, version: number, code: number): OffsetFetchResponseGroup {
  const named = version < FIRST_VERSION_WITH_ERROR_CODE ? (topics ?? []) : []
  const failed = named.map(topic => fetchTopic(topic, undefined, code))
  return newOffsetFetchResponseGroup({ groupId, topics: failed, errorCode: code })
}

function fetchGroup({ state }: Replica, { groupId, topics }: Wanted, version: number): OffsetFetchResponseGroup {
  const byId = version >= FIRST_VERSION_WITH_TOPIC_IDS
  const offsets = state.groups.byId.get(groupId)?.offsets
  const everything = (): WantedTopic[] =>
    [...(offsets ?? [])].map(([name, partitions]) => ({
      name,
      topicId: state.catalog.byName.get(name)?.id ?? ZERO_UUID,
      partitionIndexes: [...partitions.keys()],
    }))
  const fetched = (topics ?? everything()).map(topic => {
    const name = byId ? state.catalog.byId.get(topic.topicId)?.name : topic.name
    if (name === undefined) return fetchTopic(topic, undefined, errorCode.UNKNOWN_TOPIC_ID)
    return fetchTopic(topic, offsets?.get(name), errorCode.NONE)
  })
  return newOffsetFetchResponseGroup({ groupId, topics: fetched, errorCode: errorCode.NONE })
}

function fetchTopic(
  { name, topicId, partitionIndexes }: WantedTopic,
  offsets: ReadonlyMap<number, CommittedOffset> | undefined,
  code: number,
): OffsetFetchResponseGroupTopic {
  const partitions = partitionIndexes.map(partitionIndex => {
    const committed = offsets?.get(partitionIndex)
    return newOffsetFetchResponseGroupTopicPartition({
      partitionIndex,
      committedOffset: committed?.offset ?? -1,
      committedLeaderEpoch: committed?.leaderEpoch ?? -1,
      metadata: committed?.metadata ?? '',
      errorCode: code,
    })
  })
  return newOffsetFetchResponseGroupTopic({ name, topicId, partitions })
}

/** Up to version 7 a request is about one group. */
function single([group]: readonly OffsetFetchResponseGroup[]): OffsetFetchResponse {
  const topics = (group?.topics ?? []).map(({ name, partitions }) => newOffsetFetchResponseTopic({ name, partitions }))
  return newOffsetFetchResponse({ errorCode: group?.errorCode ?? errorCode.NONE, topics })
}
