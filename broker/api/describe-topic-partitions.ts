/** DescribeTopicPartitions (KIP-966): topics by name, partition by partition, in pages. */
import type { Topic } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponseTopic,
  newDescribeTopicPartitionsResponse,
  newDescribeTopicPartitionsResponsePartition,
  newDescribeTopicPartitionsResponseTopic,
} from '../wire/messages.gen.ts'
import { TOPIC_OPERATIONS } from './authorized-operations.ts'
import { leaderFor, liveBrokers, replicasOf } from './brokers.ts'
import type { Handler } from './handler.ts'
import { INTERNAL_TOPICS } from './metadata.ts'
import type { Parts } from './parts.ts'
import { topicNameProblem } from './topic-creation.ts'

/** `max.request.partition.size.limit`. */
const PARTITIONS_PER_ANSWER = 2000

export function describeTopicPartitions(parts: Pick<Parts, 'replica'>): Handler<'DescribeTopicPartitions'> {
  return (request, { clientId, client }) => {
    const { catalog } = parts.replica.state
    const brokers = liveBrokers(parts.replica, client.listener)
    const leader = leaderFor(parts.replica, client, clientId)
    const replicas = (topic: Topic): number[] => replicasOf(leader, brokers, topic.replicationFactor)
    let room = Math.min(request.responsePartitionLimit, PARTITIONS_PER_ANSWER)
    const topics: DescribeTopicPartitionsResponseTopic[] = []
    for (const name of namesFromCursor(request, catalog.byName.keys())) {
      const topic = catalog.byName.get(name)
      if (topic === undefined) {
        topics.push(unknown(name))
        continue
      }
      const from = request.cursor?.topicName === name ? Math.max(0, request.cursor.partitionIndex) : 0
      if (room <= 0) {
        const nextCursor = { topicName: name, partitionIndex: from }
        return newDescribeTopicPartitionsResponse({ topics, nextCursor })
      }
      topics.push(describe(topic, from, room, leader, replicas(topic)))
      const end = Math.min(topic.partitions.length, from + room)
      room -= end - from
      if (end < topic.partitions.length) {
        return newDescribeTopicPartitionsResponse({ topics, nextCursor: { topicName: name, partitionIndex: end } })
      }
    }
    return newDescribeTopicPartitionsResponse({ topics })
  }
}

/** All topics when none is named; in order of name, from the cursor's on. */
function namesFromCursor(request: DescribeTopicPartitionsRequest, all: Iterable<string>): string[] {
  const names = request.topics.length === 0 ? [...all] : [...new Set(request.topics.map(({ name }) => name))]
  const from = request.cursor?.topicName ?? ''
  return names.sort().filter(name => name >= from)
}

function describe(topic: Topic, from: number, room: number, leaderId: number, replicas: number[]) {
  return newDescribeTopicPartitionsResponseTopic({
    errorCode: errorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: INTERNAL_TOPICS.has(topic.name),
    topicAuthorizedOperations: TOPIC_OPERATIONS,
    partitions: topic.partitions.slice(from, from + room).map(({ partition }) =>
      newDescribeTopicPartitionsResponsePartition({
        errorCode: errorCode.NONE,
        partitionIndex: partition,
        leaderId,
        leaderEpoch: 0,
        replicaNodes: replicas,
        isrNodes: replicas,
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
      }),
    ),
  })
}

function unknown(name: string): DescribeTopicPartitionsResponseTopic {
  const code = topicNameProblem(name)?.errorCode ?? errorCode.UNKNOWN_TOPIC_OR_PARTITION
  return newDescribeTopicPartitionsResponseTopic({ errorCode: code, name, partitions: [] })
}
