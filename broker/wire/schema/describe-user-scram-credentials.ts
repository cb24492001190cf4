/** DescribeUserScramCredentials (key 50): which SCRAM mechanisms users have (KIP-554). */

import { api, array, int8, int16, int32, string } from './notation.ts'

export const describeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    users: array(
      {
        name: string(),
      },
      { nullableSince: 0 },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableSince: 0 }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullableSince: 0 }),
      credentialInfos: array({
        mechanism: int8(),
        iterations: int32(),
      }),
    }),
  },
})
