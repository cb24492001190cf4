/** RenewDelegationToken (key 39): renews a delegation token. */

import { api, bytes, int16, int32, int64 } from './notation.ts'

export const renewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: [1, 2],
  flexibleSince: 2,
  request: {
    hmac: bytes(),
    renewPeriodMs: int64({ saturating: true }),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})
