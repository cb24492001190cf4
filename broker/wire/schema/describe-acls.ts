/** DescribeAcls (key 29): lists access rules that match a filter. */

import { api, array, int8, int16, int32, string } from './notation.ts'

export const describeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullableSince: 1 }),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullableSince: 1 }),
    hostFilter: string({ nullableSince: 1 }),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableSince: 1 }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
