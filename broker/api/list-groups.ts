/** ListGroups: all groups, filtered by state (KIP-518) and type (KIP-848) without regard to case. */
import { errorCode } from '../wire/errors.ts'
import { newListGroupsResponse, newListGroupsResponseGroup } from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const TYPE = 'classic'

export function listGroups({ groups }: Pick<Parts, 'groups'>): Handler<'ListGroups'> {
  return ({ statesFilter, typesFilter }) => {
    const states = new Set(statesFilter.map(state => state.toLowerCase()))
    const types = new Set(typesFilter.map(type => type.toLowerCase()))
    const isWanted = (state: string) =>
      (states.size === 0 || states.has(state.toLowerCase())) && (types.size === 0 || types.has(TYPE))
    return newListGroupsResponse({
      errorCode: errorCode.NONE,
      groups: groups
        .list()
        .filter(({ state }) => isWanted(state))
        .map(({ groupId, protocolType, state }) =>
          newListGroupsResponseGroup({ groupId, protocolType, groupState: state, groupType: TYPE }),
        ),
    })
  }
}
