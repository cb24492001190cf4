/** DescribeGroups: state, members and assignments of classic groups. */
import type { ClassicGroup } from '../groups/classic-group.ts'
import { EMPTY } from '../groups/requests.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type DescribeGroupsResponseGroup,
  newDescribeGroupsResponse,
  newDescribeGroupsResponseGroup,
  newDescribeGroupsResponseMember,
} from '../wire/messages.gen.ts'
import { GROUP_OPERATIONS, OPERATIONS_OMITTED } from './authorized-operations.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

/** KIP-1043; before, a group that does not exist is a dead group without an error. */
const FIRST_VERSION_WITH_NOT_FOUND = 6

export function describeGroups({ groups, replica }: Pick<Parts, 'groups' | 'replica'>): Handler<'DescribeGroups'> {
  return (request, { version }) => {
    const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : OPERATIONS_OMITTED
    const describe = (groupId: string): DescribeGroupsResponseGroup => {
      const live = groups.live(groupId)
      if (live !== undefined) return { ...describeLive(live), authorizedOperations }
      const durable = replica.state.groups.byId.get(groupId)
      if (durable === undefined) return notFound(groupId, version)
      // It has members, but this coordinator does not serve it, or not any more.
      if (durable.members.size > 0) return withoutMembers(groupId, '', '', errorCode.NOT_COORDINATOR)
      return { ...withoutMembers(groupId, 'Empty', durable.protocolType), authorizedOperations }
    }
    return newDescribeGroupsResponse({ groups: request.groups.map(describe) })
  }
}

/** Only a stable group has a protocol that its members' metadata belongs to. */
function describeLive(group: ClassicGroup): DescribeGroupsResponseGroup {
  const isStable = group.state === 'Stable'
  return newDescribeGroupsResponseGroup({
    errorCode: errorCode.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: isStable ? group.protocol : '',
    members: [...group.members].map(member =>
      newDescribeGroupsResponseMember({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        memberMetadata: isStable ? member.metadata(group.protocol) : EMPTY,
        memberAssignment: member.assignment,
      }),
    ),
  })
}

function notFound(groupId: string, version: number): DescribeGroupsResponseGroup {
  if (version < FIRST_VERSION_WITH_NOT_FOUND) return withoutMembers(groupId, 'Dead', '')
  const errorMessage = `Group ${groupId} not found.`
  return { ...withoutMembers(groupId, 'Dead', '', errorCode.GROUP_ID_NOT_FOUND), errorMessage }
}

function withoutMembers(groupId: string, groupState: string, protocolType: string, code: number = errorCode.NONE) {
  return newDescribeGroupsResponseGroup({
    errorCode: code,
    groupId,
    groupState,
    protocolType,
    protocolData: '',
    members: [],
  })
}
