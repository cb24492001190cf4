/** DescribeClientQuotas (KIP-546): the quotas of the entities that a filter means. */
import { CLIENT_ID, IP, USER } from '../security/quotas.ts'
import type { QuotaEntry } from '../state/security.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasRequestComponent,
  newDescribeClientQuotasResponse,
} from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

export function describeClientQuotas({ replica }: Pick<Parts, 'replica'>): Handler<'DescribeClientQuotas'> {
  return async request => {
    const wrong = filterProblem(request)
    if (wrong !== undefined) {
      const code = errorCode.INVALID_REQUEST
      return newDescribeClientQuotasResponse({ throttleTimeMs: 0, errorCode: code, errorMessage: wrong, entries: null })
    }
    await replica.barrier()
    const found = [...replica.state.security.quotas.values()].filter(entry => matches(request, entry))
    return newDescribeClientQuotasResponse({
      throttleTimeMs: 0,
      errorCode: errorCode.NONE,
      errorMessage: null,
      entries: found.map(({ entity, values }) => ({
        entity: entity.map(({ type, name }) => ({ entityType: type, entityName: name })),
        values: [...values].map(([key, value]) => ({ key, value })),
      })),
    })
  }
}

function filterProblem({ components }: DescribeClientQuotasRequest): string | undefined {
  const types = components.map(({ entityType }) => entityType)
  if (types.some(type => type === '')) return 'Unexpected empty filter component entity type'
  if (new Set(types).size < types.length) return 'Entity type cannot appear more than once in the filter'
  const unknown = types.find(type => type !== USER && type !== CLIENT_ID && type !== IP)
  if (unknown !== undefined) return `Unsupported entity type ${unknown}`
  if (components.some(({ matchType }) => matchType < EXACT || matchType > SPECIFIED)) return 'Unexpected match type'
  if (components.some(({ matchType, match }) => matchType === EXACT && match === null)) {
    return 'Request specified MATCH_TYPE_EXACT, but set match string to null'
  }
  return undefined
}

/** With `strict` an entity may have no other types than those asked for. */
function matches({ components, strict }: DescribeClientQuotasRequest, { entity }: QuotaEntry): boolean {
  if (strict && components.length !== entity.length) return false
  return components.every(component => entity.some(one => fits(component, one.type, one.name)))
}

function fits(
  { entityType, matchType, match }: DescribeClientQuotasRequestComponent,
  type: string,
  name: string | null,
) {
  if (entityType !== type) return false
  if (matchType === SPECIFIED) return true
  return matchType === DEFAULT ? name === null : name === match
}
