/**
 * Guards of the requests about topics. The name of a topic that a client may not describe is not told: in a list it does not
 * stand, by its id it does not exist, and what is said of it by its name is the same whether there is one or not.
 */
import { CLUSTER_NAME, operation, resourceType } from '../../security/acl.ts'
import type { Access } from '../../security/authorizer.ts'
import type { Catalog } from '../../state/catalog.ts'
import { errorCode, errorMessage } from '../../wire/errors.ts'
import * as wire from '../../wire/messages.gen.ts'
import { ZERO_UUID } from '../../wire/uuid.ts'
import { type Guard, mayDescribe, split, topicName } from './guard.ts'
import type { CatalogOf } from './records.ts'

const DENIED = errorCode.TOPIC_AUTHORIZATION_FAILED

const mayWith = (access: Access, wanted: number, topic: string): boolean =>
  access.may(wanted, resourceType.TOPIC, topic)

const mayCreate = (access: Access, topic: string): boolean =>
  access.may(operation.CREATE, resourceType.CLUSTER, CLUSTER_NAME) || mayWith(access, operation.CREATE, topic)

/** `createsTopics`: whether asking for a topic that is not there may create it. */
export function guardMetadata(catalog: CatalogOf, createsTopics: boolean): Guard<'Metadata'> {
  return handler => async (request, context) => {
    const { access } = context.client
    const asksForAll = request.topics === null || (context.version === 0 && request.topics.length === 0)
    const mayCreateTopics = createsTopics && request.allowAutoTopicCreation
    const isAllowed = (topic: wire.MetadataRequestTopic): boolean => {
      const name = topicName(catalog(), { name: topic.name ?? '', topicId: topic.topicId })
      if (name === undefined) return true
      if (!mayDescribe(access, name)) return false
      return catalog().byName.has(name) || !mayCreateTopics || mayCreate(access, name)
    }
    const { allowed, refused } = split(request.topics ?? [], isAllowed)
    const topics = asksForAll ? request.topics : allowed
    // An empty list of version 0 would mean all.
    const asked = asksForAll ? context : { ...context, version: Math.max(1, context.version) }
    const answer = await handler({ ...request, topics }, asked)
    const found = answer?.topics ?? []
    const seen = asksForAll ? found.filter(({ name }) => name !== null && mayDescribe(access, name)) : found
    const described = request.includeTopicAuthorizedOperations
      ? seen.map(topic => ({ ...topic, topicAuthorizedOperations: operationsOf(access, topic.name) }))
      : seen
    const clusterAuthorizedOperations = request.includeClusterAuthorizedOperations
      ? access.operations(resourceType.CLUSTER, CLUSTER_NAME)
      : answer?.clusterAuthorizedOperations
    return (
      answer && {
        ...answer,
        topics: [...described, ...refused.map(refusedMetadata)],
        ...(clusterAuthorizedOperations === undefined ? {} : { clusterAuthorizedOperations }),
      }
    )
  }
}

const operationsOf = (access: Access, topic: string | null): number =>
  topic === null ? 0 : access.operations(resourceType.TOPIC, topic)

function refusedMetadata({ name, topicId }: wire.MetadataRequestTopic): wire.MetadataResponseTopic {
  const byName = topicId === ZERO_UUID
  const code = byName ? DENIED : errorCode.UNKNOWN_TOPIC_ID
  return wire.newMetadataResponseTopic({ errorCode: code, name: byName ? name : null, topicId, partitions: [] })
}

/** What is listed of a topic that may not be described is left out, and the pages go on as if it were not there. */
export const guardDescribeTopicPartitions: Guard<'DescribeTopicPartitions'> = handler => async (request, context) => {
  const { access } = context.client
  const asksForAll = request.topics.length === 0
  const { allowed, refused } = split(request.topics, ({ name }) => mayDescribe(access, name))
  const answer =
    !asksForAll && allowed.length === 0
      ? wire.newDescribeTopicPartitionsResponse({ topics: [] })
      : await handler({ ...request, topics: allowed }, context)
  const seen = (answer?.topics ?? [])
    .filter(({ name }) => name !== null && mayDescribe(access, name))
    .map(topic => ({ ...topic, topicAuthorizedOperations: operationsOf(access, topic.name) }))
  const denied = refused.map(({ name }) =>
    wire.newDescribeTopicPartitionsResponseTopic({ errorCode: DENIED, name, partitions: [] }),
  )
  return answer && { ...answer, topics: [...seen, ...denied] }
}

export const guardCreateTopics: Guard<'CreateTopics'> = handler => async (request, context) => {
  const { access } = context.client
  const { allowed, refused } = split(request.topics, ({ name }) => mayCreate(access, name))
  const answer = await handler({ ...request, topics: allowed }, context)
  const created = (answer?.topics ?? []).map(topic =>
    topic.errorCode !== errorCode.NONE || mayWith(access, operation.DESCRIBE_CONFIGS, topic.name)
      ? topic
      : { ...topic, ...UNDESCRIBED_TOPIC },
  )
  const errorMessage = 'Authorization failed.'
  const denied = [...new Set(refused.map(({ name }) => name))].map(name =>
    wire.newCreateTopicsResponseTopic({ name, errorCode: DENIED, errorMessage }),
  )
  return answer && { ...answer, topics: [...created, ...denied] }
}

/** Of a topic whose settings its creator may not see (KIP-525). */
const UNDESCRIBED_TOPIC = {
  ...{ topicConfigErrorCode: DENIED, configs: [], numPartitions: -1, replicationFactor: -1 },
}

const FIRST_DELETE_BY_ID = 6

export function guardDeleteTopics(catalog: CatalogOf): Guard<'DeleteTopics'> {
  return handler => async (request, context) => {
    const { access } = context.client
    if (context.version < FIRST_DELETE_BY_ID) {
      const { allowed, refused } = split(request.topicNames, name => mayWith(access, operation.DELETE, name))
      const answer = await handler({ ...request, topicNames: allowed }, context)
      const denied = refused.map(name => refusedDelete(name, ZERO_UUID))
      return answer && { ...answer, responses: [...answer.responses, ...denied] }
    }
    const nameOf = ({ name, topicId }: wire.DeleteTopicsRequestTopic) =>
      topicName(catalog(), { name: name ?? '', topicId })
    const { allowed, refused } = split(request.topics, topic => {
      const name = nameOf(topic)
      return name === undefined || (topic.name === null && topic.topicId === ZERO_UUID) || mayDelete(access, name)
    })
    const answer = await handler({ ...request, topics: allowed }, context)
    const denied = refused.map(topic => {
      const name = nameOf(topic)
      const isKnown = topic.name !== null || (name !== undefined && mayDescribe(access, name))
      return refusedDelete(isKnown ? (name ?? null) : null, topic.topicId)
    })
    return answer && { ...answer, responses: [...answer.responses, ...denied] }
  }
}

const mayDelete = (access: Access, topic: string): boolean => mayWith(access, operation.DELETE, topic)

function refusedDelete(name: string | null, topicId: string): wire.DeleteTopicsResponseResponse {
  const message = errorMessage(DENIED)
  return wire.newDeleteTopicsResponseResponse({ name, topicId, errorCode: DENIED, errorMessage: message })
}

export const guardCreatePartitions: Guard<'CreatePartitions'> = handler => async (request, context) => {
  const { access } = context.client
  const { allowed, refused } = split(request.topics, ({ name }) => mayWith(access, operation.ALTER, name))
  const answer = await handler({ ...request, topics: allowed }, context)
  const denied = refused.map(({ name }) =>
    wire.newCreatePartitionsResponseResult({ name, errorCode: DENIED, errorMessage: errorMessage(DENIED) }),
  )
  return answer && { ...answer, results: [...answer.results, ...denied] }
}

/** Whether Fetch may read a topic; what the catalog does not know is left to the handler. */
export function mayRead(access: Access, catalog: Catalog, topic: { readonly name: string; readonly topicId: string }) {
  const name = topicName(catalog, topic)
  return name === undefined || mayWith(access, operation.READ, name)
}
