/** UpdateFeatures (key 57): changes finalized feature levels (KIP-584). */

import { api, array, bool, int8, int16, int32, string } from './notation.ts'

export const updateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool({ until: 0 }),
      upgradeType: int8({ since: 1, default: 1 }),
    }),
    validateOnly: bool({ since: 1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableSince: 0 }),
    results: array(
      {
        feature: string(),
        errorCode: int16(),
        errorMessage: string({ nullableSince: 0 }),
      },
      { until: 1, ignorable: true },
    ),
  },
})
