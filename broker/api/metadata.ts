/**
 * Metadata: the cluster's brokers and topics. A client is shown one broker as the leader of every partition of every topic,
 * because any broker serves any partition; leader epochs are 0 for ever.
 */
import type { Topic } from '../state/catalog.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import {
  type MetadataRequest,
  type MetadataRequestTopic,
  type MetadataResponseTopic,
  newMetadataResponse,
  newMetadataResponsePartition,
  newMetadataResponseTopic,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import { CLUSTER_OPERATIONS, OPERATIONS_OMITTED, TOPIC_OPERATIONS } from './authorized-operations.ts'
import { type BrokerAddress, leaderFor, liveBrokers, replicasOf } from './brokers.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { createTopic, newTopicProblem, partitionCountProblem, topicNameProblem } from './topic-creation.ts'
import type { Turns } from './turns.ts'

type MetadataParts = Pick<Parts, 'replica' | 'settings' | 'newTopicId'>

const FIRST_VERSION_BY_ID = 12

/** The topics that Kafka keeps for itself. We have none of them, but their names stay special to clients. */
export const INTERNAL_TOPICS: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state'])

const NONE_FAILED: ReadonlyMap<string, number> = new Map()

export function metadata(parts: MetadataParts, turns: Turns): Handler<'Metadata'> {
  return async (request, { version, clientId, client }) => {
    const topics = await topicsOf(parts, turns, request, version)
    const { replica } = parts
    const brokers = liveBrokers(replica, client.listener)
    const leader = leaderFor(replica, client, clientId)
    const topicOperations = request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : OPERATIONS_OMITTED
    return newMetadataResponse({
      brokers,
      clusterId: replica.state.clusterId,
      controllerId: leader,
      topics: topics.map(found => ('id' in found ? describe(found, leader, brokers, topicOperations) : found)),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : OPERATIONS_OMITTED,
    })
  }
}

async function topicsOf(
  parts: MetadataParts,
  turns: Turns,
  request: MetadataRequest,
  version: number,
): Promise<(Topic | MetadataResponseTopic)[]> {
  const { catalog } = parts.replica.state
  if (request.topics === null || (version === 0 && request.topics.length === 0)) return [...catalog.byName.values()]
  const named = request.topics.filter(({ topicId }) => topicId === ZERO_UUID).map(({ name }) => name ?? '')
  const missing = named.filter(name => !catalog.byName.has(name))
  const mayCreate = request.allowAutoTopicCreation && parts.settings.autoCreateTopics
  const failed = mayCreate && missing.length > 0 ? await turns.run(() => createAll(parts, missing)) : NONE_FAILED
  return request.topics.map(wanted =>
    wanted.topicId === ZERO_UUID ? byName(parts, wanted.name ?? '', failed) : byId(parts, wanted, version),
  )
}

function byId(parts: MetadataParts, wanted: MetadataRequestTopic, version: number): Topic | MetadataResponseTopic {
  if (version < FIRST_VERSION_BY_ID) return unknown(errorCode.INVALID_REQUEST, wanted.name ?? '', wanted.topicId)
  const topic = parts.replica.state.catalog.byId.get(wanted.topicId)
  return topic ?? unknown(errorCode.UNKNOWN_TOPIC_ID, null, wanted.topicId)
}

function byName(
  { replica }: MetadataParts,
  name: string,
  failed: ReadonlyMap<string, number>,
): Topic | MetadataResponseTopic {
  const topic = replica.state.catalog.byName.get(name)
  if (topic !== undefined) return topic
  return unknown(topicNameProblem(name)?.errorCode ?? failed.get(name) ?? errorCode.UNKNOWN_TOPIC_OR_PARTITION, name)
}

/** Creates topics on first use, as far as the limits allow. Resolves with the error codes of those that failed. */
async function createAll(parts: MetadataParts, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { replica, settings } = parts
  const failed = new Map<string, number>()
  const partitions = settings.autoCreatePartitions
  let all = 0
  const creations = [...new Set(names)].map(async name => {
    const topic = { name, partitions, replicationFactor: 1, configs: [] }
    const problem =
      newTopicProblem(replica, settings, topic) ??
      partitionCountProblem(replica, settings, partitions, all + partitions)
    if (problem !== undefined) {
      failed.set(name, problem.errorCode)
      return
    }
    all += partitions
    try {
      await createTopic(parts, topic)
    } catch (cause) {
      if (!(cause instanceof KafkaError)) throw cause
      failed.set(name, errorCode.LEADER_NOT_AVAILABLE)
    }
  })
  await Promise.all(creations)
  return failed
}

function unknown(code: number, name: string | null, topicId = ZERO_UUID): MetadataResponseTopic {
  return newMetadataResponseTopic({ errorCode: code, name, topicId, partitions: [] })
}

function describe(
  topic: Topic,
  leaderId: number,
  brokers: readonly BrokerAddress[],
  topicAuthorizedOperations: number,
): MetadataResponseTopic {
  const replicas = replicasOf(leaderId, brokers, topic.replicationFactor)
  return newMetadataResponseTopic({
    errorCode: errorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: INTERNAL_TOPICS.has(topic.name),
    topicAuthorizedOperations,
    partitions: topic.partitions.map(({ partition }) =>
      newMetadataResponsePartition({
        errorCode: errorCode.NONE,
        partitionIndex: partition,
        leaderId,
        leaderEpoch: 0,
        replicaNodes: replicas,
        isrNodes: replicas,
      }),
    ),
  })
}
