/**
 * Requests that came in by a shared listener and are another broker's to answer. Clients of such a listener see one broker
 * only, so the one that they happened to reach asks the coordinator of the group for them. Requests for several groups are
 * divided, and the answers put together.
 *
 * On any other listener nothing is passed on: the client is told NOT_COORDINATOR and finds the right one by itself.
 */
import { type Member, members } from '../state/members.ts'
import type { ApiName, RequestOf, ResponseOf } from '../wire/api.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newDeleteGroupsResponse,
  newDeleteGroupsResponseResult,
  newDescribeGroupsResponse,
  newDescribeGroupsResponseGroup,
  newHeartbeatResponse,
  newJoinGroupResponse,
  newLeaveGroupResponse,
  newListGroupsResponse,
  newOffsetCommitResponse,
  newOffsetCommitResponsePartition,
  newOffsetCommitResponseTopic,
  newOffsetDeleteResponse,
  newSyncGroupResponse,
} from '../wire/messages.gen.ts'
import { coordinatorOf, isShared } from './brokers.ts'
import type { Handler, Handlers, RequestContext } from './handler.ts'
import type { Parts } from './parts.ts'

/** The other brokers. */
export interface Peers {
  /** Rejects when there is no answer. */
  ask<Name extends ApiName>(
    member: Member,
    name: Name,
    request: RequestOf<Name>,
    context: { readonly version: number; readonly clientId: string },
  ): Promise<ResponseOf<Name>>
  /** Only the brokers of these sessions are still there: whoever waits for another one hears that there is no answer. */
  retain(epochs: ReadonlySet<number>): void
}

type ForwardingParts = Pick<Parts, 'replica' | 'peers'>

const code = errorCode.COORDINATOR_NOT_AVAILABLE

export function withForwarding(handlers: Handlers, parts: ForwardingParts): Handlers {
  const ofGroup = <Name extends ApiName>(
    name: Name,
    groupOf: (request: RequestOf<Name>) => string,
    refusal: (request: RequestOf<Name>) => ResponseOf<Name>,
  ) => forGroup(parts, name, handlers[name], groupOf, refusal)
  return {
    ...handlers,
    JoinGroup: ofGroup('JoinGroup', groupId, ({ memberId }) =>
      newJoinGroupResponse({ errorCode: code, memberId, generationId: -1, protocolName: '', leader: '', members: [] }),
    ),
    SyncGroup: ofGroup('SyncGroup', groupId, () => newSyncGroupResponse({ errorCode: code, assignment: NOTHING })),
    Heartbeat: ofGroup('Heartbeat', groupId, () => newHeartbeatResponse({ errorCode: code })),
    LeaveGroup: ofGroup('LeaveGroup', groupId, () => newLeaveGroupResponse({ errorCode: code })),
    OffsetCommit: ofGroup('OffsetCommit', groupId, commitRefusal),
    OffsetDelete: ofGroup('OffsetDelete', groupId, () => newOffsetDeleteResponse({ errorCode: code, topics: [] })),
    DescribeGroups: describeGroups(parts, handlers.DescribeGroups),
    DeleteGroups: deleteGroups(parts, handlers.DeleteGroups),
    ListGroups: listGroups(parts, handlers.ListGroups),
  }
}

const NOTHING = Buffer.alloc(0)
const groupId = (request: { readonly groupId: string }): string => request.groupId

function commitRefusal({ topics }: RequestOf<'OffsetCommit'>): ResponseOf<'OffsetCommit'> {
  return newOffsetCommitResponse({
    topics: topics.map(({ name, topicId, partitions }) =>
      newOffsetCommitResponseTopic({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) =>
          newOffsetCommitResponsePartition({ partitionIndex, errorCode: code }),
        ),
      }),
    ),
  })
}

function forGroup<Name extends ApiName>(
  { replica, peers }: ForwardingParts,
  name: Name,
  handler: Handler<Name> | undefined,
  groupOf: (request: RequestOf<Name>) => string,
  refusal: (request: RequestOf<Name>) => ResponseOf<Name>,
): Handler<Name> {
  return async (request, context) => {
    if (handler === undefined) return null
    const coordinator = isShared(replica, context.client.listener)
      ? coordinatorOf(replica, groupOf(request))
      : undefined
    if (coordinator === undefined || coordinator.brokerId === replica.brokerId) return handler(request, context)
    return peers.ask(coordinator, name, request, context).catch(() => refusal(request))
  }
}

/** The names, by the broker that coordinates each; undefined for those that are ours or nobody's. */
function byCoordinator({ replica }: ForwardingParts, groups: readonly string[]): Map<Member | undefined, string[]> {
  return Map.groupBy(groups, group => {
    const member = coordinatorOf(replica, group)
    return member?.brokerId === replica.brokerId ? undefined : member
  })
}

function describeGroups(
  parts: ForwardingParts,
  handler: Handler<'DescribeGroups'> | undefined,
): Handler<'DescribeGroups'> {
  return async (request, context) => {
    if (handler === undefined) return null
    if (!isShared(parts.replica, context.client.listener)) return handler(request, context)
    const answers = [...byCoordinator(parts, request.groups)].map(async ([member, groups]) => {
      const part = { ...request, groups }
      if (member === undefined) return (await handler(part, context))?.groups ?? []
      const answer = await parts.peers.ask(member, 'DescribeGroups', part, context).catch(() => undefined)
      return answer?.groups ?? groups.map(group => newDescribeGroupsResponseGroup({ ...UNDESCRIBED, groupId: group }))
    })
    return newDescribeGroupsResponse({ groups: inOrder(request.groups, (await Promise.all(answers)).flat()) })
  }
}

const UNDESCRIBED = { errorCode: code, groupState: '', protocolType: '', protocolData: '', members: [] }

function deleteGroups(parts: ForwardingParts, handler: Handler<'DeleteGroups'> | undefined): Handler<'DeleteGroups'> {
  return async (request, context) => {
    if (handler === undefined) return null
    if (!isShared(parts.replica, context.client.listener)) return handler(request, context)
    const answers = [...byCoordinator(parts, request.groupsNames)].map(async ([member, groupsNames]) => {
      if (member === undefined) return (await handler({ ...request, groupsNames }, context))?.results ?? []
      const answer = await parts.peers
        .ask(member, 'DeleteGroups', { ...request, groupsNames }, context)
        .catch(() => undefined)
      return (
        answer?.results ?? groupsNames.map(group => newDeleteGroupsResponseResult({ groupId: group, errorCode: code }))
      )
    })
    return newDeleteGroupsResponse({
      throttleTimeMs: 0,
      results: inOrder(request.groupsNames, (await Promise.all(answers)).flat()),
    })
  }
}

function listGroups(parts: ForwardingParts, handler: Handler<'ListGroups'> | undefined): Handler<'ListGroups'> {
  return async (request, context) => {
    if (handler === undefined) return null
    const own = await handler(request, context)
    if (own === null || !isShared(parts.replica, context.client.listener)) return own
    const answers = await Promise.all(others(parts).map(member => listOf(parts, member, request, context)))
    const failed = answers.find(answer => answer.errorCode !== errorCode.NONE)
    return newListGroupsResponse({
      errorCode: failed?.errorCode ?? own.errorCode,
      groups: [own, ...answers].flatMap(({ groups }) => groups),
    })
  }
}

function listOf(
  { peers }: ForwardingParts,
  member: Member,
  request: RequestOf<'ListGroups'>,
  context: RequestContext,
): Promise<ResponseOf<'ListGroups'>> {
  return peers
    .ask(member, 'ListGroups', request, context)
    .catch(() => newListGroupsResponse({ errorCode: code, groups: [] }))
}

function others({ replica }: ForwardingParts): Member[] {
  return members(replica.state).filter(({ brokerId }) => brokerId !== replica.brokerId)
}

/** Answers in the order in which their groups were asked for. */
function inOrder<Answer extends { readonly groupId: string }>(asked: readonly string[], answers: Answer[]): Answer[] {
  const byGroup = new Map(answers.map(answer => [answer.groupId, answer]))
  return asked.flatMap(group => byGroup.get(group) ?? [])
}
