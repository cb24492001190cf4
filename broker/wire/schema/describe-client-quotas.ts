/** DescribeClientQuotas (key 48): client quotas that match a filter (KIP-546). */

import { api, array, bool, float64, int8, int16, int32, string } from './notation.ts'

export const describeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string({ nullableSince: 0 }),
    }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableSince: 0 }),
    entries: array(
      {
        entity: array({
          entityType: string(),
          entityName: string({ nullableSince: 0 }),
        }),
        values: array({
          key: string(),
          value: float64(),
        }),
      },
      { nullableSince: 0 },
    ),
  },
})
