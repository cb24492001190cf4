/** DeleteAcls: removes the ACLs that filters mean, and says which they were (KIP-140, KIP-290). */
import { filterProblem, matches } from '../security/acl-filter.ts'
import type { Acl } from '../state/security.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newDeleteAclsResponse,
  newDeleteAclsResponseFilterResult,
  newDeleteAclsResponseMatchingAcl,
} from '../wire/messages.gen.ts'
import { NO_AUTHORIZER } from './describe-acls.ts'
import { failure, type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

export function deleteAcls({ replica, settings }: Pick<Parts, 'replica' | 'settings'>): Handler<'DeleteAcls'> {
  return async ({ filters }) => {
    const unavailable = settings.usesAcls
      ? await replica.barrier().then(() => undefined, failure)
      : problem(errorCode.SECURITY_DISABLED, NO_AUTHORIZER)
    const all = [...replica.state.security.acls.values()]
    const judged = filters.map((filter): { problem?: Problem; acls: Acl[] } => {
      const wrong = filterProblem(filter)
      if (unavailable !== undefined) return { problem: unavailable, acls: [] }
      if (wrong !== undefined) return { problem: problem(errorCode.INVALID_REQUEST, wrong), acls: [] }
      return { acls: all.filter(acl => matches(filter, acl)) }
    })
    const removals = judged.flatMap(({ acls }) => acls)
    const body = { additions: [], removals }
    const failed =
      removals.length === 0
        ? undefined
        : await replica.submit({ type: 'alterAcls', body }).then(() => undefined, failure)
    return newDeleteAclsResponse({
      throttleTimeMs: 0,
      filterResults: judged.map(({ problem: own, acls }) => result(own ?? failed, acls)),
    })
  }
}

function result(wrong: Problem | undefined, acls: readonly Acl[]) {
  return newDeleteAclsResponseFilterResult({
    errorCode: wrong?.errorCode ?? errorCode.NONE,
    errorMessage: wrong?.message ?? null,
    matchingAcls:
      wrong !== undefined
        ? []
        : acls.map(({ permission, ...acl }) =>
            newDeleteAclsResponseMatchingAcl({
              ...{ ...acl, errorCode: errorCode.NONE, errorMessage: null, permissionType: permission },
            }),
          ),
  })
}
