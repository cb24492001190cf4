/** LeaveGroup: takes members out of a classic group; one by its id up to version 2, any number since (KIP-345). */
import { errorCode } from '../wire/errors.ts'
import { newLeaveGroupResponse, newLeaveGroupResponseMember } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const FIRST_VERSION_WITH_MEMBERS = 3

export function leaveGroup({ groups }: Pick<Parts, 'groups'>): Handler<'LeaveGroup'> {
  return async (request, { version }) => {
    const hasMembers = version >= FIRST_VERSION_WITH_MEMBERS
    const one = { memberId: request.memberId, groupInstanceId: null, reason: null }
    const leaving = hasMembers ? request.members : [one]
    const codes = await groups.leave(request.groupId, leaving)
    if (typeof codes === 'number') return newLeaveGroupResponse({ errorCode: codes })
    if (!hasMembers) return newLeaveGroupResponse({ errorCode: codes[0] ?? errorCode.NONE })
    const members = leaving.map(({ memberId, groupInstanceId }, index) =>
      newLeaveGroupResponseMember({ memberId, groupInstanceId, errorCode: codes[index] ?? errorCode.NONE }),
    )
    return newLeaveGroupResponse({ errorCode: errorCode.NONE, members })
  }
}
