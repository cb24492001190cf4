/** AlterConfigs: takes the settings named for the whole set of a resource; what is not named goes back to its default. */
import { errorCode } from '../wire/errors.ts'
import { newAlterConfigsResponse, newAlterConfigsResponseResponse } from '../wire/messages.gen.ts'
import { alterAll } from './configs/alteration.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import type { Turns } from './turns.ts'

export function alterConfigs(parts: Pick<Parts, 'replica' | 'settings'>, turns: Turns): Handler<'AlterConfigs'> {
  return async ({ resources, validateOnly }) => {
    const problems = await alterAll(parts, turns, resources, {
      validateOnly,
      mayBeNull: () => false,
      rewrite:
        ({ configs }) =>
        () =>
          new Map(configs.map(({ name, value }) => [name, value ?? ''])),
    })
    return newAlterConfigsResponse({
      throttleTimeMs: 0,
      responses: resources.map(({ resourceType, resourceName }, index) => {
        const { errorCode: code, message } = problems[index] ?? { errorCode: errorCode.NONE, message: null }
        return newAlterConfigsResponseResponse({ errorCode: code, errorMessage: message, resourceType, resourceName })
      }),
    })
  }
}
