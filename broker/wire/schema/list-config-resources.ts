/** ListConfigResources (key 74): resources that have settings of their own. */

import { api, array, int8, int16, int32, string } from './notation.ts'

export const listConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    resourceTypes: array(int8(), { since: 1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ since: 1, default: 16, ignorable: true }),
    }),
  },
})
