/** CreateAcls: adds ACLs, each by itself; one that is there already is no error (KIP-140, KIP-290). */
import { aclProblem } from '../security/acl-filter.ts'
import type { Acl } from '../state/security.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type CreateAclsRequestCreation,
  newCreateAclsResponse,
  newCreateAclsResponseResult,
} from '../wire/messages.gen.ts'
import { NO_AUTHORIZER } from './describe-acls.ts'
import { failure, type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

export function createAcls({ replica, settings }: Pick<Parts, 'replica' | 'settings'>): Handler<'CreateAcls'> {
  return async ({ creations }) => {
    const acls = creations.map(aclOf)
    const problems = acls.map((acl): Problem | undefined => {
      if (!settings.usesAcls) return problem(errorCode.SECURITY_DISABLED, NO_AUTHORIZER)
      const wrong = aclProblem(acl)
      return wrong === undefined ? undefined : problem(errorCode.INVALID_REQUEST, wrong)
    })
    const additions = acls.filter((_, index) => problems[index] === undefined)
    const failed = additions.length === 0 ? undefined : await add(replica, additions)
    return newCreateAclsResponse({
      throttleTimeMs: 0,
      results: problems.map(own => {
        const wrong = own ?? failed
        const message = wrong?.message ?? null
        return newCreateAclsResponseResult({ errorCode: wrong?.errorCode ?? errorCode.NONE, errorMessage: message })
      }),
    })
  }
}

function aclOf(creation: CreateAclsRequestCreation): Acl {
  const { resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType } = creation
  const resource = { resourceType, resourceName, patternType: resourcePatternType }
  return { ...resource, principal, host, operation, permission: permissionType }
}

async function add(replica: Parts['replica'], additions: Acl[]): Promise<Problem | undefined> {
  const body = { additions, removals: [] }
  return replica.submit({ type: 'alterAcls', body }).then(() => undefined, failure)
}
