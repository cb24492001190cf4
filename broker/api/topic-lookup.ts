/** From what a request calls a topic, by name or by id (KIP-516), to the topic, or to the error that Kafka gives. */
import type { Catalog, Topic } from '../state/catalog.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { errorCode } from '../wire/errors.ts'
import { ZERO_UUID } from '../wire/uuid.ts'

export type Found<Value> = { readonly value: Value } | { readonly errorCode: number }

/** By id when one is given, else by name. */
export function findTopic(catalog: Catalog, name: string, topicId: string): Found<Topic> {
  const byId = topicId !== ZERO_UUID
  const topic = byId ? catalog.byId.get(topicId) : catalog.byName.get(name)
  if (topic !== undefined) return { value: topic }
  return { errorCode: byId ? errorCode.UNKNOWN_TOPIC_ID : errorCode.UNKNOWN_TOPIC_OR_PARTITION }
}

export function findPartition(topic: Found<Topic>, partition: number): Found<PartitionLog> {
  if ('errorCode' in topic) return topic
  const log = topic.value.partitions[partition]
  return log === undefined ? { errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION } : { value: log }
}

/** The leader epoch is 0 for ever: an older one cannot be, a newer one is not known (KIP-320). */
export function leaderEpochProblem(epoch: number): number {
  return epoch > 0 ? errorCode.UNKNOWN_LEADER_EPOCH : errorCode.NONE
}
