/** Guards of the requests about groups and their offsets. */
import { CLUSTER_NAME, operation, resourceType } from '../../security/acl.ts'
import type { Access } from '../../security/authorizer.ts'
import { errorCode } from '../../wire/errors.ts'
import * as wire from '../../wire/messages.gen.ts'
import { type Guard, mayDescribe, split, splitTopics, topicName } from './guard.ts'
import type { CatalogOf } from './records.ts'

const DENIED = errorCode.GROUP_AUTHORIZATION_FAILED
const TOPIC_DENIED = errorCode.TOPIC_AUTHORIZATION_FAILED
const NOTHING = Buffer.alloc(0)

const may = (access: Access, wanted: number, group: string): boolean => access.may(wanted, resourceType.GROUP, group)

export const guardJoinGroup: Guard<'JoinGroup'> = handler => (request, context) => {
  if (may(context.client.access, operation.READ, request.groupId)) return handler(request, context)
  const { memberId } = request
  const nothing = { generationId: -1, protocolName: '', leader: '', members: [] }
  return wire.newJoinGroupResponse({ errorCode: DENIED, memberId, ...nothing })
}

export const guardSyncGroup: Guard<'SyncGroup'> = handler => (request, context) => {
  if (may(context.client.access, operation.READ, request.groupId)) return handler(request, context)
  return wire.newSyncGroupResponse({ errorCode: DENIED, assignment: NOTHING })
}

export const guardHeartbeat: Guard<'Heartbeat'> = handler => (request, context) => {
  if (may(context.client.access, operation.READ, request.groupId)) return handler(request, context)
  return wire.newHeartbeatResponse({ errorCode: DENIED })
}

export const guardLeaveGroup: Guard<'LeaveGroup'> = handler => (request, context) => {
  if (may(context.client.access, operation.READ, request.groupId)) return handler(request, context)
  return wire.newLeaveGroupResponse({ errorCode: DENIED })
}

export const guardFindCoordinator: Guard<'FindCoordinator'> = handler => async (request, context) => {
  const { access } = context.client
  const [type, code] = request.keyType === 0 ? GROUP_KEY : TRANSACTION_KEY
  const isAllowed = (key: string): boolean => access.may(operation.DESCRIBE, type, key)
  const refusal = { nodeId: -1, host: '', port: -1, errorCode: code }
  if (request.coordinatorKeys.length === 0) {
    return isAllowed(request.key) ? handler(request, context) : wire.newFindCoordinatorResponse(refusal)
  }
  const { allowed, refused } = split(request.coordinatorKeys, isAllowed)
  const answer = await handler({ ...request, coordinatorKeys: allowed }, context)
  const denied = refused.map(key => wire.newFindCoordinatorResponseCoordinator({ key, ...refusal }))
  return answer && { ...answer, coordinators: [...answer.coordinators, ...denied] }
}

const GROUP_KEY = [resourceType.GROUP, DENIED] as const
const TRANSACTION_KEY = [resourceType.TRANSACTIONAL_ID, errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED] as const

export const guardDescribeGroups: Guard<'DescribeGroups'> = handler => async (request, context) => {
  const { access } = context.client
  const { allowed, refused } = split(request.groups, group => may(access, operation.DESCRIBE, group))
  const answer = await handler({ ...request, groups: allowed }, context)
  const nothing = { groupState: '', protocolType: '', protocolData: '', members: [] }
  const denied = refused.map(groupId => wire.newDescribeGroupsResponseGroup({ groupId, errorCode: DENIED, ...nothing }))
  const seen = (answer?.groups ?? []).map(group =>
    request.includeAuthorizedOperations
      ? { ...group, authorizedOperations: access.operations(resourceType.GROUP, group.groupId) }
      : group,
  )
  return answer && { ...answer, groups: [...seen, ...denied] }
}

/** Who may see the cluster sees all groups. */
export const guardListGroups: Guard<'ListGroups'> = handler => async (request, context) => {
  const { access } = context.client
  const answer = await handler(request, context)
  if (answer === null || access.may(operation.DESCRIBE, resourceType.CLUSTER, CLUSTER_NAME)) return answer
  return { ...answer, groups: answer.groups.filter(({ groupId }) => may(access, operation.DESCRIBE, groupId)) }
}

export const guardDeleteGroups: Guard<'DeleteGroups'> = handler => async (request, context) => {
  const isAllowed = (group: string): boolean => may(context.client.access, operation.DELETE, group)
  const { allowed, refused } = split(request.groupsNames, isAllowed)
  const answer = await handler({ ...request, groupsNames: allowed }, context)
  const denied = refused.map(groupId => wire.newDeleteGroupsResponseResult({ groupId, errorCode: DENIED }))
  return answer && { ...answer, results: [...answer.results, ...denied] }
}

export function guardOffsetCommit(catalog: CatalogOf): Guard<'OffsetCommit'> {
  return handler => async (request, context) => {
    const { access } = context.client
    if (!may(access, operation.READ, request.groupId)) {
      return wire.newOffsetCommitResponse({ topics: request.topics.map(topic => refusedCommit(topic, DENIED)) })
    }
    const { allowed, refused } = splitTopics(access, catalog(), operation.READ, request.topics)
    if (refused.length === 0) return handler(request, context)
    const denied = refused.map(topic => refusedCommit(topic, TOPIC_DENIED))
    if (allowed.length === 0) return wire.newOffsetCommitResponse({ topics: denied })
    const answer = await handler({ ...request, topics: allowed }, context)
    return answer && { ...answer, topics: [...answer.topics, ...denied] }
  }
}

function refusedCommit({ name, topicId, partitions }: wire.OffsetCommitRequestTopic, code: number) {
  return wire.newOffsetCommitResponseTopic({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) =>
      wire.newOffsetCommitResponsePartition({ partitionIndex, errorCode: code }),
    ),
  })
}

const FIRST_FETCH_WITH_ERROR_CODE = 2
const FIRST_FETCH_WITH_GROUPS = 8

/** Groups and topics are taken away from the answer, or refused in it: what is read of them is the coordinator's to know. */
export function guardOffsetFetch(catalog: CatalogOf): Guard<'OffsetFetch'> {
  return handler => async (request, context) => {
    const { access } = context.client
    const isAllowed = (group: string): boolean => may(access, operation.DESCRIBE, group)
    if (context.version < FIRST_FETCH_WITH_GROUPS) {
      if (!isAllowed(request.groupId)) return refusedSingle(request, context.version)
      const answer = await handler(request, context)
      return answer && { ...answer, topics: visibleTopics(access, answer.topics, request.topics === null) }
    }
    const { allowed, refused } = split(request.groups, ({ groupId }) => isAllowed(groupId))
    const answer = await handler({ ...request, groups: allowed }, context)
    const groups = (answer?.groups ?? []).map((group, index) => {
      const named = group.topics.map(topic => ({ ...topic, known: topicName(catalog(), topic) }))
      const asksForAll = allowed[index]?.topics === null
      const topics = named.flatMap(({ known, ...topic }) => {
        if (known === undefined || mayDescribe(access, known)) return [topic]
        return asksForAll ? [] : [{ ...topic, partitions: topic.partitions.map(deniedPartition) }]
      })
      return { ...group, topics }
    })
    const denied = refused.map(({ groupId }) =>
      wire.newOffsetFetchResponseGroup({ groupId, topics: [], errorCode: DENIED }),
    )
    return answer && { ...answer, groups: [...groups, ...denied] }
  }
}

function visibleTopics(access: Access, topics: readonly wire.OffsetFetchResponseTopic[], asksForAll: boolean) {
  return topics.flatMap(topic => {
    if (mayDescribe(access, topic.name)) return [topic]
    return asksForAll ? [] : [{ ...topic, partitions: topic.partitions.map(deniedPartition) }]
  })
}

const UNKNOWN_OFFSET = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: TOPIC_DENIED }

function deniedPartition<Partition extends { readonly partitionIndex: number }>(partition: Partition) {
  return { ...partition, ...UNKNOWN_OFFSET }
}

/** In version 1 an error can only be said with a partition. */
function refusedSingle({ topics }: wire.OffsetFetchRequest, version: number): wire.OffsetFetchResponse {
  if (version >= FIRST_FETCH_WITH_ERROR_CODE) return wire.newOffsetFetchResponse({ errorCode: DENIED, topics: [] })
  return wire.newOffsetFetchResponse({
    topics: (topics ?? []).map(({ name, partitionIndexes }) =>
      wire.newOffsetFetchResponseTopic({
        name,
        partitions: partitionIndexes.map(partitionIndex =>
          wire.newOffsetFetchResponseGroupTopicPartition({ partitionIndex, ...UNKNOWN_OFFSET, errorCode: DENIED }),
        ),
      }),
    ),
  })
}

export const guardOffsetDelete: Guard<'OffsetDelete'> = handler => async (request, context) => {
  const { access } = context.client
  if (!may(access, operation.DELETE, request.groupId)) {
    return wire.newOffsetDeleteResponse({ errorCode: DENIED, topics: [] })
  }
  const isAllowed = (topic: string): boolean => access.may(operation.READ, resourceType.TOPIC, topic)
  const { allowed, refused } = split(request.topics, ({ name }) => isAllowed(name))
  const answer = await handler({ ...request, topics: allowed }, context)
  const denied = refused.map(({ name, partitions }) =>
    wire.newOffsetDeleteResponseTopic({
      name,
      partitions: partitions.map(({ partitionIndex }) =>
        wire.newOffsetDeleteResponsePartition({ partitionIndex, errorCode: TOPIC_DENIED }),
      ),
    }),
  )
  return answer && { ...answer, topics: [...answer.topics, ...denied] }
}
