/**
 * What stands before every request and response.
 * The client id keeps its two-byte length for ever, so that any broker can read the header of any ApiVersions request (KIP-482).
 */

import { int16, int32, message, string } from './notation.ts'

export const requestHeader = message(
  'RequestHeader',
  { versions: [1, 2], flexibleSince: 2 },
  {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string({ nullableSince: 1, neverCompact: true }),
  },
)

export const responseHeader = message(
  'ResponseHeader',
  { versions: [0, 1], flexibleSince: 1 },
  {
    correlationId: int32(),
  },
)
