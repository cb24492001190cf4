/** AlterClientQuotas (KIP-546): sets and removes quotas, each entity by itself. */
import { CLIENT_ID, IP, QUOTA_KEYS, USER } from '../security/quotas.ts'
import type { AlterQuotas } from '../state/commands.gen.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type AlterClientQuotasRequestEntry,
  newAlterClientQuotasResponse,
  newAlterClientQuotasResponseEntry,
} from '../wire/messages.gen.ts'
import { failure, type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const CONNECTION_KEYS: ReadonlySet<string> = new Set([QUOTA_KEYS.connection])
const CLIENT_KEYS: ReadonlySet<string> = new Set(Object.values(QUOTA_KEYS).filter(key => key !== QUOTA_KEYS.connection))
/** In whole numbers; the others may have fractions. */
const WHOLE_KEYS: ReadonlySet<string> = new Set([QUOTA_KEYS.produce, QUOTA_KEYS.fetch, QUOTA_KEYS.connection])

export function alterClientQuotas({ replica }: Pick<Parts, 'replica'>): Handler<'AlterClientQuotas'> {
  return async ({ entries, validateOnly }) => {
    const answers = entries.map(async ({ entity, ops }) => {
      const wrong = problemOf({ entity, ops })
      const { errorCode: code, message } =
        wrong ?? (validateOnly ? problem(errorCode.NONE) : await submit(replica, entriesOf({ entity, ops })))
      const errorMessage = code === errorCode.NONE ? null : message
      return newAlterClientQuotasResponseEntry({ errorCode: code, errorMessage, entity })
    })
    return newAlterClientQuotasResponse({ throttleTimeMs: 0, entries: await Promise.all(answers) })
  }
}

function problemOf({ entity, ops }: AlterClientQuotasRequestEntry): Problem | undefined {
  const refuse = (message: string): Problem => problem(errorCode.INVALID_REQUEST, message)
  const types = entity.map(({ entityType }) => entityType)
  if (types.length === 0) return refuse('Invalid empty client quota entity')
  const unknown = types.find(type => type !== USER && type !== CLIENT_ID && type !== IP)
  if (unknown !== undefined) return refuse(`Unhandled client quota entity type: ${unknown}`)
  if (new Set(types).size < types.length) return refuse('Invalid duplicate entity type')
  if (types.includes(IP) && types.length > 1) return refuse('An address cannot be combined with other entities')
  if (entity.some(({ entityName }) => entityName === '')) {
    return refuse('Unacceptable entity name: it must not be empty')
  }
  const keys = types.includes(IP) ? CONNECTION_KEYS : CLIENT_KEYS
  if (new Set(ops.map(({ key }) => key)).size < ops.length) return refuse('Duplicate quota key')
  for (const { key, value, remove } of ops) {
    if (!keys.has(key)) return refuse(`Invalid configuration key ${key}`)
    if (remove) continue
    if (!(value > 0) || !Number.isFinite(value)) return refuse(`Quota ${key} must be greater than 0`)
    if (WHOLE_KEYS.has(key) && !Number.isInteger(value)) return refuse(`${key} must be a whole number`)
  }
  return undefined
}

function entriesOf({ entity, ops }: AlterClientQuotasRequestEntry): AlterQuotas {
  const named = entity.map(({ entityType: type, entityName: name }) => ({ type, name }))
  return { entries: [{ entity: named, changes: ops.map(({ key, value, remove }) => ({ key, value, remove })) }] }
}

async function submit(replica: Parts['replica'], body: AlterQuotas): Promise<Problem> {
  try {
    return problem((await replica.submit({ type: 'alterQuotas', body })).errorCode)
  } catch (cause) {
    return failure(cause)
  }
}
