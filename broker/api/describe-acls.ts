/** DescribeAcls: the ACLs that a filter means, by resource (KIP-140, KIP-290). */
import { filterProblem, matches } from '../security/acl-filter.ts'
import type { Acl } from '../state/security.ts'
import { errorCode } from '../wire/errors.ts'
import { newDescribeAclsResponse, newDescribeAclsResponseResource } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

export const NO_AUTHORIZER = 'No Authorizer is configured.'

export function describeAcls({ replica, settings }: Pick<Parts, 'replica' | 'settings'>): Handler<'DescribeAcls'> {
  return async filter => {
    const refusal = (code: number, errorMessage: string) =>
      newDescribeAclsResponse({ throttleTimeMs: 0, errorCode: code, errorMessage, resources: [] })
    if (!settings.usesAcls) return refusal(errorCode.SECURITY_DISABLED, 'No Authorizer is configured on the broker')
    const wrong = filterProblem(filter)
    if (wrong !== undefined) return refusal(errorCode.INVALID_REQUEST, wrong)
    await replica.barrier()
    const found = [...replica.state.security.acls.values()].filter(acl => matches(filter, acl))
    const resources = Map.groupBy(found, ({ resourceType, patternType, resourceName }) =>
      JSON.stringify([resourceType, patternType, resourceName]),
    )
    return newDescribeAclsResponse({
      throttleTimeMs: 0,
      errorCode: errorCode.NONE,
      errorMessage: null,
      resources: [...resources.values()].flatMap(described),
    })
  }
}

function described(acls: readonly Acl[]) {
  const [first] = acls
  if (first === undefined) return []
  const { resourceType, resourceName, patternType } = first
  const entries = acls.map(({ principal, host, operation, permission }) => ({
    ...{ principal, host, operation, permissionType: permission },
  }))
  return [newDescribeAclsResponseResource({ resourceType, resourceName, patternType, acls: entries })]
}
