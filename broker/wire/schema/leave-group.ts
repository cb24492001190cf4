/** LeaveGroup (key 13): takes members out of a classic group. */

import { api, array, int16, int32, string } from './notation.ts'

export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullableSince: 3, default: null }),
        reason: string({ since: 5, nullableSince: 5, default: null, ignorable: true }),
      },
      { since: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullableSince: 3 }),
        errorCode: int16(),
      },
      { since: 3 },
    ),
  },
})
