/** CreateDelegationToken (key 38): issues a delegation token (KIP-48). */

import { api, array, bytes, int16, int32, int64, string } from './notation.ts'

export const createDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    ownerPrincipalType: string({ since: 3, nullableSince: 3 }),
    ownerPrincipalName: string({ since: 3, nullableSince: 3 }),
    renewers: array({
      principalType: string(),
      principalName: string(),
    }),
    maxLifetimeMs: int64({ saturating: true }),
  },
  response: {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string({ since: 3 }),
    tokenRequesterPrincipalName: string({ since: 3 }),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
})
