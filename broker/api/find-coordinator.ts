/** FindCoordinator: which broker coordinates a group. Versions up to 3 ask for one key, later ones for many (KIP-699). */
import { errorCode } from '../wire/errors.ts'
import { newFindCoordinatorResponse, newFindCoordinatorResponseCoordinator } from '../wire/messages.gen.ts'
import { coordinatorFor } from './brokers.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

const GROUP = 0
const TRANSACTION = 1
const FIRST_VERSION_WITH_BATCH = 4

export function findCoordinator({ replica }: Pick<Parts, 'replica'>): Handler<'FindCoordinator'> {
  return (request, { version, client }) => {
    const find = (key: string) => {
      const problem = keyProblem(request.keyType)
      const found = problem === undefined ? coordinatorFor(replica, client.listener, key) : undefined
      if (found === undefined) {
        const refusal = problem ?? { errorCode: errorCode.COORDINATOR_NOT_AVAILABLE, errorMessage: '' }
        return newFindCoordinatorResponseCoordinator({ key, nodeId: -1, host: '', port: -1, ...refusal })
      }
      const { nodeId, host, port } = found
      return newFindCoordinatorResponseCoordinator({ key, nodeId, host, port, errorCode: errorCode.NONE })
    }
    if (version >= FIRST_VERSION_WITH_BATCH) {
      return newFindCoordinatorResponse({ coordinators: request.coordinatorKeys.map(find) })
    }
    const { nodeId, host, port, errorCode: code, errorMessage } = find(request.key)
    return newFindCoordinatorResponse({ errorCode: code, errorMessage, nodeId, host, port })
  }
}

function keyProblem(keyType: number): { errorCode: number; errorMessage: string } | undefined {
  if (keyType === GROUP) return undefined
  if (keyType === TRANSACTION) {
    // Not a retriable code: a transactional producer shall fail at once with this sentence instead of waiting in vain.
    const errorMessage = 'transactions are not supported by this release; unset transactional.id'
    return { errorCode: errorCode.UNSUPPORTED_VERSION, errorMessage }
  }
  return { errorCode: errorCode.INVALID_REQUEST, errorMessage: `coordinators of key type ${keyType} do not exist` }
}
