/** IncrementalAlterConfigs (key 44): sets, unsets, appends to or subtracts from single settings (KIP-339). */

import { api, array, bool, int8, int16, int32, string } from './notation.ts'

export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
        value: string({ nullableSince: 0 }),
      }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullableSince: 0 }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
})
