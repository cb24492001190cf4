/** SaslAuthenticate (key 36): one step of a SASL exchange. */

import { api, bytes, int16, int64, string } from './notation.ts'

export const saslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullableSince: 0 }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1, ignorable: true }),
  },
})
