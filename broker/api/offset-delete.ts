/** OffsetDelete (KIP-496): deletes committed offsets of a group, but none of a topic that its members are subscribed to. */
import type { Catalog } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newOffsetDeleteResponse,
  newOffsetDeleteResponsePartition,
  newOffsetDeleteResponseTopic,
  type OffsetDeleteRequestTopic,
} from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

export function offsetDelete({ groups, replica }: Pick<Parts, 'groups' | 'replica'>): Handler<'OffsetDelete'> {
  return async ({ groupId, topics }) => {
    const { catalog } = replica.state
    if (groupId === '') return failed(errorCode.INVALID_GROUP_ID)
    const isForNobody = topics.every(topic => existing(catalog, topic).length === 0)
    const { errorCode: code, isSubscribed } = isForNobody
      ? { errorCode: errorCode.NONE, isSubscribed: () => false }
      : groups.offsetDeletion(groupId)
    if (code !== errorCode.NONE) return failed(code)
    const deleted = topics.flatMap(topic => {
      const partitions = existing(catalog, topic)
      return partitions.length === 0 || isSubscribed(topic.name) ? [] : [{ name: topic.name, partitions }]
    })
    const verdict = deleted.length === 0 ? errorCode.NONE : await groups.deleteOffsets(groupId, deleted)
    if (verdict !== errorCode.NONE) return failed(verdict)
    return newOffsetDeleteResponse({
      errorCode: errorCode.NONE,
      topics: topics.map(topic => {
        const known = existing(catalog, topic)
        const partitions = topic.partitions.map(({ partitionIndex }) => {
          const ofTopic = isSubscribed(topic.name) ? errorCode.GROUP_SUBSCRIBED_TO_TOPIC : errorCode.NONE
          const own = known.includes(partitionIndex) ? ofTopic : errorCode.UNKNOWN_TOPIC_OR_PARTITION
          return newOffsetDeleteResponsePartition({ partitionIndex, errorCode: own })
        })
        return newOffsetDeleteResponseTopic({ name: topic.name, partitions })
      }),
    })
  }
}

function existing(catalog: Catalog, { name, partitions }: OffsetDeleteRequestTopic): number[] {
  const count = catalog.byName.get(name)?.partitions.length ?? 0
  return partitions.map(({ partitionIndex }) => partitionIndex).filter(index => index >= 0 && index < count)
}

function failed(code: number): ReturnType<typeof newOffsetDeleteResponse> {
  return newOffsetDeleteResponse({ errorCode: code, topics: [] })
}
