/**
 * OffsetCommit: stores offsets of a group, by topic id from version 10. What cannot be stored is refused partition by
 * partition; the rest is one command. `retention_time_ms` of versions 2 to 4 is not heeded: how long offsets live is the
 * broker's setting, as for every client since KIP-211.
 */

import type { Catalog, Topic } from '../state/catalog.ts'
import type { CommitOffsetsTopic } from '../state/commands.gen.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newOffsetCommitResponse,
  newOffsetCommitResponsePartition,
  newOffsetCommitResponseTopic,
  type OffsetCommitRequestPartition,
  type OffsetCommitRequestTopic,
} from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { type Found, findTopic } from './topic-lookup.ts'

/** `offset.metadata.max.bytes`, which Kafka compares with the number of characters. */
const METADATA_MAX_CHARACTERS = 4096
/** From then on a client of a group that is gone is told so; older ones know ILLEGAL_GENERATION (KIP-848). */
const FIRST_VERSION_WITH_GROUP_ID_NOT_FOUND = 9

export function offsetCommit({ groups, replica }: Pick<Parts, 'groups' | 'replica'>): Handler<'OffsetCommit'> {
  return async (request, { version }) => {
    const looked = request.topics.map(topic => lookUp(replica.state.catalog, topic))
    // When nothing could be stored in any group, the group is not asked.
    const isForNobody = looked.length > 0 && looked.every(({ isKnown }) => !isKnown)
    const code = isForNobody
      ? errorCode.NONE
      : await groups.commit({
          groupId: request.groupId,
          generation: request.generationIdOrMemberEpoch,
          memberId: request.memberId,
          groupInstanceId: request.groupInstanceId,
          topics: looked.flatMap(({ storable }) => (storable.partitions.length > 0 ? [storable] : [])),
        })
    const forClient =
      code === errorCode.GROUP_ID_NOT_FOUND && version < FIRST_VERSION_WITH_GROUP_ID_NOT_FOUND
        ? errorCode.ILLEGAL_GENERATION
        : code
    return newOffsetCommitResponse({ topics: looked.map(topic => answer(topic, forClient)) })
  }
}

interface LookedUp {
  readonly request: OffsetCommitRequestTopic
  readonly storable: CommitOffsetsTopic
  /** The topic and at least one of the partitions exist. */
  readonly isKnown: boolean
  /** Refusals that need no group, in the order of the request; NONE is for the group to decide. */
  readonly codes: readonly number[]
}

function lookUp(catalog: Catalog, request: OffsetCommitRequestTopic): LookedUp {
  const topic = findTopic(catalog, request.name, request.topicId)
  const codes = request.partitions.map(partition => problem(topic, partition))
  const partitions = request.partitions.filter((_, index) => codes[index] === errorCode.NONE)
  return {
    request,
    isKnown: codes.some(code => code === errorCode.NONE || code === errorCode.OFFSET_METADATA_TOO_LARGE),
    codes,
    storable: {
      name: 'value' in topic ? topic.value.name : request.name,
      partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => ({
        partition: partitionIndex,
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata ?? '',
      })),
    },
  }
}

function problem(topic: Found<Topic>, { partitionIndex, committedMetadata }: OffsetCommitRequestPartition): number {
  if ('errorCode' in topic) return topic.errorCode
  if (topic.value.partitions[partitionIndex] === undefined) return errorCode.UNKNOWN_TOPIC_OR_PARTITION
  const tooLarge = (committedMetadata?.length ?? 0) > METADATA_MAX_CHARACTERS
  return tooLarge ? errorCode.OFFSET_METADATA_TOO_LARGE : errorCode.NONE
}

function answer({ request, codes }: LookedUp, ofGroup: number): ReturnType<typeof newOffsetCommitResponseTopic> {
  const partitions = request.partitions.map(({ partitionIndex }, index) => {
    const own = codes[index] ?? errorCode.NONE
    const isUnknown = own !== errorCode.NONE && own !== errorCode.OFFSET_METADATA_TOO_LARGE
    // The group decides before the size of metadata matters.
    const code = isUnknown || ofGroup === errorCode.NONE ? own : ofGroup
    return newOffsetCommitResponsePartition({ partitionIndex, errorCode: code })
  })
  return newOffsetCommitResponseTopic({ name: request.name, topicId: request.topicId, partitions })
}
