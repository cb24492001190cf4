/** IncrementalAlterConfigs (KIP-339): sets and unsets single settings, adds to lists and takes from them. */
import { errorCode } from '../wire/errors.ts'
import {
  type IncrementalAlterConfigsRequestConfig,
  newIncrementalAlterConfigsResponse,
  newIncrementalAlterConfigsResponseResponse,
} from '../wire/messages.gen.ts'
import { alterAll, type Rewrite } from './configs/alteration.ts'
import type { Changeable } from './configs/resource.ts'
import { type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import type { Turns } from './turns.ts'

/** `AlterConfigOp.OpType` of the protocol. */
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

export function incrementalAlterConfigs(
  parts: Pick<Parts, 'replica' | 'settings'>,
  turns: Turns,
): Handler<'IncrementalAlterConfigs'> {
  return async ({ resources, validateOnly }) => {
    const problems = await alterAll(parts, turns, resources, {
      validateOnly,
      mayBeNull: ({ configOperation }) => configOperation === DELETE,
      rewrite: ({ configs }) => applying(configs),
    })
    return newIncrementalAlterConfigsResponse({
      throttleTimeMs: 0,
      responses: resources.map(({ resourceType, resourceName }, index) => {
        const { errorCode: code, message } = problems[index] ?? { errorCode: errorCode.NONE, message: null }
        return newIncrementalAlterConfigsResponseResponse({
          errorCode: code,
          errorMessage: message,
          resourceType,
          resourceName,
        })
      }),
    })
  }
}

function applying(configs: readonly IncrementalAlterConfigsRequestConfig[]): Rewrite {
  return (current, resource) => {
    const next = new Map(current)
    for (const { name, configOperation, value } of configs) {
      switch (configOperation) {
        case SET:
          next.set(name, value ?? '')
          break
        case DELETE:
          next.delete(name)
          break
        case APPEND:
        case SUBTRACT: {
          const list = changedList(current, resource, name, configOperation, value ?? '')
          if (typeof list !== 'string') return list
          next.set(name, list)
          break
        }
        default:
          return problem(errorCode.INVALID_REQUEST, `Unknown operations type ${configOperation}`)
      }
    }
    return next
  }
}

function changedList(
  current: ReadonlyMap<string, string>,
  { listDefault }: Changeable,
  name: string,
  operation: typeof APPEND | typeof SUBTRACT,
  value: string,
): string | Problem {
  const fallback = listDefault(name)
  if (fallback === undefined) {
    const verb = operation === APPEND ? 'APPEND' : 'SUBTRACT'
    return problem(errorCode.INVALID_CONFIG, `Can't ${verb} to key ${name} because its type is not LIST.`)
  }
  const before = items(current.get(name) ?? fallback)
  const named = items(value)
  const after = operation === APPEND ? [...before, ...named] : before.filter(item => !named.includes(item))
  return [...new Set(after)].join(',')
}

function items(list: string): string[] {
  return list
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}
