/** DeleteAcls (key 31): removes access rules that match filters. */

import { api, array, int8, int16, int32, string } from './notation.ts'

export const deleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullableSince: 1 }),
      patternTypeFilter: int8({ default: 3 }),
      principalFilter: string({ nullableSince: 1 }),
      hostFilter: string({ nullableSince: 1 }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullableSince: 1 }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullableSince: 1 }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
