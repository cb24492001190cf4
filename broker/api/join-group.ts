/** JoinGroup: enters a classic group. Answered when the round of joins is complete. */
import type { Joined } from '../groups/requests.ts'
import { type JoinGroupResponse, newJoinGroupResponse, newJoinGroupResponseMember } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const FIRST_VERSION_WITH_REBALANCE_TIMEOUT = 1
/** KIP-394 */
const FIRST_VERSION_WITH_MEMBER_ID_REQUIRED = 4
/** KIP-559 */
const FIRST_VERSION_WITH_NULL_PROTOCOL = 7
/** KIP-814 */
const FIRST_VERSION_WITH_SKIP_ASSIGNMENT = 9

export function joinGroup({ groups }: Pick<Parts, 'groups'>): Handler<'JoinGroup'> {
  return async (request, { version, clientId, client }) => {
    const { groupId, memberId, groupInstanceId, sessionTimeoutMs, protocolType, protocols, reason } = request
    const hasRebalanceTimeout = version >= FIRST_VERSION_WITH_REBALANCE_TIMEOUT
    const joined = await groups.join(groupId, {
      memberId,
      groupInstanceId,
      clientId,
      // Java prints an address without a name so, and Kafka's tools show it.
      clientHost: `/${client.host}`,
      sessionTimeoutMs,
      rebalanceTimeoutMs: hasRebalanceTimeout ? request.rebalanceTimeoutMs : sessionTimeoutMs,
      protocolType,
      protocols,
      reason,
      needsMemberId: version >= FIRST_VERSION_WITH_MEMBER_ID_REQUIRED,
      canSkipAssignment: version >= FIRST_VERSION_WITH_SKIP_ASSIGNMENT,
    })
    return response(joined, version)
  }
}

function response(joined: Joined, version: number): JoinGroupResponse {
  const { errorCode, generation, protocolType, protocol, leader, skipAssignment, memberId, members } = joined
  return newJoinGroupResponse({
    errorCode,
    generationId: generation,
    protocolType,
    protocolName: version >= FIRST_VERSION_WITH_NULL_PROTOCOL ? protocol : (protocol ?? ''),
    leader,
    skipAssignment,
    memberId,
    members: members.map(member => newJoinGroupResponseMember(member)),
  })
}
