/** Heartbeat: keeps a member's session, and tells it when its group rebalances. */
import { newHeartbeatResponse } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

export function heartbeat({ groups }: Pick<Parts, 'groups'>): Handler<'Heartbeat'> {
  return ({ groupId, generationId, memberId, groupInstanceId }) =>
    newHeartbeatResponse({
      errorCode: groups.heartbeat(groupId, { generation: generationId, memberId, groupInstanceId }),
    })
}
