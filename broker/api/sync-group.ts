/** SyncGroup: hands the leader's assignment to all members. Answered when the assignment is durable. */
import { type Synced, syncRefused } from '../groups/requests.ts'
import { errorCode } from '../wire/errors.ts'
import { newSyncGroupResponse, type SyncGroupRequest, type SyncGroupResponse } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

/** KIP-559: from then on a client says by what protocol it believes to assign. */
const FIRST_VERSION_WITH_PROTOCOL = 5

export function syncGroup({ groups }: Pick<Parts, 'groups'>): Handler<'SyncGroup'> {
  return async (request, { version }) => {
    if (version >= FIRST_VERSION_WITH_PROTOCOL && !saysProtocol(request)) {
      return response(syncRefused(errorCode.INCONSISTENT_GROUP_PROTOCOL))
    }
    const { groupId, generationId, memberId, groupInstanceId, protocolType, protocolName, assignments } = request
    const synced = await groups.sync(groupId, {
      generation: generationId,
      memberId,
      groupInstanceId,
      protocolType,
      protocol: protocolName,
      assignments,
    })
    return response(synced)
  }
}

function saysProtocol({ protocolType, protocolName }: SyncGroupRequest): boolean {
  return protocolType !== null && protocolName !== null
}

function response({ errorCode: code, protocolType, protocol, assignment }: Synced): SyncGroupResponse {
  return newSyncGroupResponse({ errorCode: code, protocolType, protocolName: protocol, assignment })
}
