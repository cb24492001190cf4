/** Guards of the requests about records. Fetch asks for itself, because its sessions remember partitions of earlier requests. */
import { CLUSTER_NAME, operation, resourceType } from '../../security/acl.ts'
import type { Catalog } from '../../state/catalog.ts'
import { errorCode, errorMessage, KafkaError } from '../../wire/errors.ts'
import * as wire from '../../wire/messages.gen.ts'
import { type Guard, splitTopics } from './guard.ts'

const DENIED = errorCode.TOPIC_AUTHORIZATION_FAILED

export type CatalogOf = () => Catalog

/** The handler is called before anything is awaited: batches keep the order in which they came. */
export function guardProduce(catalog: CatalogOf): Guard<'Produce'> {
  return handler => async (request, context) => {
    const { allowed, refused } = splitTopics(context.client.access, catalog(), operation.WRITE, request.topicData)
    if (refused.length === 0) return handler(request, context)
    const answer = await handler({ ...request, topicData: allowed }, context)
    // With acks=0 there is no answer, and a refusal closes the connection.
    if (answer === null) throw new KafkaError(DENIED)
    return { ...answer, responses: [...answer.responses, ...refused.map(refusedProduce)] }
  }
}

function refusedProduce({ name, topicId, partitionData }: wire.ProduceRequestTopic): wire.ProduceResponseTopic {
  const partitionResponses = partitionData.map(({ index }) =>
    wire.newProduceResponsePartition({ index, errorCode: DENIED, baseOffset: -1, errorMessage: errorMessage(DENIED) }),
  )
  return wire.newProduceResponseTopic({ name, topicId, partitionResponses })
}

export function guardListOffsets(catalog: CatalogOf): Guard<'ListOffsets'> {
  return handler => async (request, context) => {
    const { allowed, refused } = splitTopics(context.client.access, catalog(), operation.DESCRIBE, request.topics)
    const answer = await handler({ ...request, topics: allowed }, context)
    const denied = refused.map(({ name, partitions }) =>
      wire.newListOffsetsResponseTopic({
        name,
        partitions: partitions.map(({ partitionIndex }) =>
          wire.newListOffsetsResponsePartition({ partitionIndex, errorCode: DENIED }),
        ),
      }),
    )
    return answer && { ...answer, topics: [...answer.topics, ...denied] }
  }
}

export function guardOffsetForLeaderEpoch(catalog: CatalogOf): Guard<'OffsetForLeaderEpoch'> {
  return handler => async (request, context) => {
    const named = request.topics.map(topic => ({ name: topic.topic, topic }))
    const { allowed, refused } = splitTopics(context.client.access, catalog(), operation.DESCRIBE, named)
    const answer = await handler({ ...request, topics: allowed.map(({ topic }) => topic) }, context)
    const denied = refused.map(({ name, topic }) =>
      wire.newOffsetForLeaderEpochResponseTopic({
        topic: name,
        partitions: topic.partitions.map(({ partition }) =>
          wire.newOffsetForLeaderEpochResponsePartition({ partition, errorCode: DENIED }),
        ),
      }),
    )
    return answer && { ...answer, topics: [...answer.topics, ...denied] }
  }
}

export function guardDeleteRecords(catalog: CatalogOf): Guard<'DeleteRecords'> {
  return handler => async (request, context) => {
    const { allowed, refused } = splitTopics(context.client.access, catalog(), operation.DELETE, request.topics)
    const answer = await handler({ ...request, topics: allowed }, context)
    const denied = refused.map(({ name, partitions }) =>
      wire.newDeleteRecordsResponseTopic({
        name,
        partitions: partitions.map(({ partitionIndex }) =>
          wire.newDeleteRecordsResponsePartition({ partitionIndex, lowWatermark: -1, errorCode: DENIED }),
        ),
      }),
    )
    return answer && { ...answer, topics: [...answer.topics, ...denied] }
  }
}

export function guardDescribeProducers(catalog: CatalogOf): Guard<'DescribeProducers'> {
  return handler => async (request, context) => {
    const { allowed, refused } = splitTopics(context.client.access, catalog(), operation.READ, request.topics)
    const answer = await handler({ ...request, topics: allowed }, context)
    const denied = refused.map(({ name, partitionIndexes }) =>
      wire.newDescribeProducersResponseTopic({
        name,
        partitions: partitionIndexes.map(partitionIndex =>
          wire.newDescribeProducersResponsePartition({
            ...{ partitionIndex, errorCode: DENIED, errorMessage: errorMessage(DENIED), activeProducers: [] },
          }),
        ),
      }),
    )
    return answer && { ...answer, topics: [...answer.topics, ...denied] }
  }
}

/** Who may write anything may do so idempotently (KIP-679). */
export const guardInitProducerId: Guard<'InitProducerId'> = handler => (request, context) => {
  const { access } = context.client
  const { transactionalId } = request
  const refusal = (code: number) => wire.newInitProducerIdResponse({ errorCode: code, producerEpoch: -1 })
  if (transactionalId !== null) {
    const mayWrite = access.may(operation.WRITE, resourceType.TRANSACTIONAL_ID, transactionalId)
    return mayWrite ? handler(request, context) : refusal(errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  }
  const isAllowed =
    access.may(operation.IDEMPOTENT_WRITE, resourceType.CLUSTER, CLUSTER_NAME) ||
    access.maySome(operation.WRITE, resourceType.TOPIC)
  return isAllowed ? handler(request, context) : refusal(errorCode.CLUSTER_AUTHORIZATION_FAILED)
}

/** Without the right to see the cluster nobody learns what is on its disks. */
export const guardDescribeLogDirs: Guard<'DescribeLogDirs'> = handler => (request, context) => {
  const mayDescribe = context.client.access.may(operation.DESCRIBE, resourceType.CLUSTER, CLUSTER_NAME)
  if (mayDescribe) return handler(request, context)
  const code = errorCode.CLUSTER_AUTHORIZATION_FAILED
  return wire.newDescribeLogDirsResponse({ throttleTimeMs: 0, errorCode: code, results: [] })
}
