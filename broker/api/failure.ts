/** What a client is told when something that a handler waited for failed. */
import { errorCode, KafkaError } from '../wire/errors.ts'

/** Of anything thrown; UNKNOWN_SERVER_ERROR when the broker did not foresee it. */
export function failureCode(cause: unknown): number {
  return cause instanceof KafkaError ? cause.code : errorCode.UNKNOWN_SERVER_ERROR
}

/** An error code with the words that explain it to whoever reads the client's log. */
export interface Problem {
  readonly errorCode: number
  /** Null where the code says it all: clients have words of their own for it. */
  readonly message: string | null
}

export function problem(code: number, message: string | null = null): Problem {
  return { errorCode: code, message }
}

export function failure(cause: unknown): Problem {
  return cause instanceof KafkaError ? problem(cause.code, cause.message) : problem(errorCode.UNKNOWN_SERVER_ERROR)
}
