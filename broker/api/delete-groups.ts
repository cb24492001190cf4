/** DeleteGroups: deletes groups without members, with their offsets. */
import { newDeleteGroupsResponse, newDeleteGroupsResponseResult } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

export function deleteGroups({ groups }: Pick<Parts, 'groups'>): Handler<'DeleteGroups'> {
  return async ({ groupsNames }) => {
    const results = await Promise.all(
      groupsNames.map(async groupId =>
        newDeleteGroupsResponseResult({ groupId, errorCode: await groups.delete(groupId) }),
      ),
    )
    return newDeleteGroupsResponse({ throttleTimeMs: 0, results })
  }
}
