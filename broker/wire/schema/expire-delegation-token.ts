/** ExpireDelegationToken (key 40): ends a delegation token early. */

import { api, bytes, int16, int32, int64 } from './notation.ts'

export const expireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: [1, 2],
  flexibleSince: 2,
  request: {
    hmac: bytes(),
    expiryTimePeriodMs: int64({ saturating: true }),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})
