/** DescribeUserScramCredentials (KIP-554): which mechanisms users have; never the credentials themselves. */
import { errorCode } from '../wire/errors.ts'
import {
  type DescribeUserScramCredentialsResponseResult,
  newDescribeUserScramCredentialsResponse,
  newDescribeUserScramCredentialsResponseResult,
} from '../wire/messages.gen.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

export function describeUserScramCredentials({
  replica,
}: Pick<Parts, 'replica'>): Handler<'DescribeUserScramCredentials'> {
  return async ({ users }) => {
    await replica.barrier()
    const { scram } = replica.state.security
    const asked = users?.map(({ name }) => name) ?? []
    const names = asked.length === 0 ? [...scram.keys()] : [...new Set(asked)]
    return newDescribeUserScramCredentialsResponse({
      throttleTimeMs: 0,
      errorCode: errorCode.NONE,
      errorMessage: null,
      results: names.map(user => {
        if (asked.filter(name => name === user).length > 1) {
          const message = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
          return answerOf(user, errorCode.DUPLICATE_RESOURCE, message)
        }
        const mechanisms = scram.get(user)
        if (mechanisms === undefined) {
          const message = `Attempt to describe a user credential that does not exist: ${user}`
          return answerOf(user, errorCode.RESOURCE_NOT_FOUND, message)
        }
        const credentialInfos = [...mechanisms].map(([mechanism, { iterations }]) => ({ mechanism, iterations }))
        return answerOf(user, errorCode.NONE, null, credentialInfos)
      }),
    })
  }
}

type Mechanisms = DescribeUserScramCredentialsResponseResult['credentialInfos']

function answerOf(user: string, code: number, errorMessage: string | null, credentialInfos: Mechanisms = []) {
  return newDescribeUserScramCredentialsResponseResult({ user, errorCode: code, errorMessage, credentialInfos })
}
