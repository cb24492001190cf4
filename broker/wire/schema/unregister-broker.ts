/** UnregisterBroker (key 64): removes the registration of a broker. */

import { api, int16, int32, string } from './notation.ts'

export const unregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    brokerId: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableSince: 0 }),
  },
})
