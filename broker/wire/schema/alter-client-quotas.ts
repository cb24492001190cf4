/** AlterClientQuotas (key 49): sets or removes client quotas. */

import { api, array, bool, float64, int16, int32, string } from './notation.ts'

export const alterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    entries: array({
      entity: array({
        entityType: string(),
        entityName: string({ nullableSince: 0 }),
      }),
      ops: array({
        key: string(),
        value: float64(),
        remove: bool(),
      }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string({ nullableSince: 0 }),
      entity: array({
        entityType: string(),
        entityName: string({ nullableSince: 0 }),
      }),
    }),
  },
})
