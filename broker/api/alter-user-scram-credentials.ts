/** AlterUserScramCredentials (KIP-554): sets and removes users' SCRAM credentials, each user by itself. */
import { credentialOf, LEAST_ITERATIONS, MOST_ITERATIONS, SCRAM_NUMBERS, scramMechanism } from '../security/scram.ts'
import type { AlterScram } from '../state/commands.gen.ts'
import type { Security } from '../state/security.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type AlterUserScramCredentialsRequest,
  type AlterUserScramCredentialsRequestDeletion,
  type AlterUserScramCredentialsRequestUpsertion,
  newAlterUserScramCredentialsResponse,
  newAlterUserScramCredentialsResponseResult,
} from '../wire/messages.gen.ts'
import { failure, type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'

interface Wanted {
  readonly deletions: AlterUserScramCredentialsRequestDeletion[]
  readonly upsertions: AlterUserScramCredentialsRequestUpsertion[]
}

export function alterUserScramCredentials({ replica }: Pick<Parts, 'replica'>): Handler<'AlterUserScramCredentials'> {
  return async request => {
    const unavailable = await replica.barrier().then(() => undefined, failure)
    const results = [...byUser(request)].map(async ([user, wanted]) => {
      const wrong = unavailable ?? problemOf(replica.state.security, user, wanted)
      const { errorCode: code, message } = wrong ?? (await submit(replica, commandOf(wanted)))
      return newAlterUserScramCredentialsResponseResult({ user, errorCode: code, errorMessage: message })
    })
    return newAlterUserScramCredentialsResponse({ throttleTimeMs: 0, results: await Promise.all(results) })
  }
}

function byUser({ deletions, upsertions }: AlterUserScramCredentialsRequest): Map<string, Wanted> {
  const users = new Map<string, Wanted>()
  const of = (name: string): Wanted => {
    const known = users.get(name) ?? { deletions: [], upsertions: [] }
    users.set(name, known)
    return known
  }
  for (const deletion of deletions) of(deletion.name).deletions.push(deletion)
  for (const upsertion of upsertions) of(upsertion.name).upsertions.push(upsertion)
  return users
}

function problemOf({ scram }: Security, user: string, { deletions, upsertions }: Wanted): Problem | undefined {
  const mechanisms = [...deletions, ...upsertions].map(({ mechanism }) => mechanism)
  if (user === '') return problem(errorCode.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty')
  if (mechanisms.some(number => scramMechanism(number) === undefined)) {
    return problem(errorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism')
  }
  if (new Set(mechanisms).size < mechanisms.length) {
    return problem(errorCode.DUPLICATE_RESOURCE, 'A user credential cannot be altered twice in the same request')
  }
  if (deletions.some(({ mechanism }) => scram.get(user)?.has(mechanism) !== true)) {
    return problem(errorCode.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist')
  }
  const iterations = upsertions.map(upsertion => upsertion.iterations)
  if (iterations.some(count => count < LEAST_ITERATIONS)) {
    return problem(errorCode.UNACCEPTABLE_CREDENTIAL, 'Too few iterations')
  }
  if (iterations.some(count => count > MOST_ITERATIONS)) {
    return problem(errorCode.UNACCEPTABLE_CREDENTIAL, 'Too many iterations')
  }
  return undefined
}

/** The salted password goes no further: what is kept does not let anybody act as the user. */
function commandOf({ deletions, upsertions }: Wanted): AlterScram {
  return {
    removals: deletions.map(({ name, mechanism }) => ({ user: name, mechanism })),
    upserts: upsertions.flatMap(({ name, mechanism: number, ...facts }) => {
      const mechanism = scramMechanism(number)
      if (mechanism === undefined) return []
      return [{ user: name, mechanism: SCRAM_NUMBERS[mechanism], ...credentialOf(mechanism, facts) }]
    }),
  }
}

async function submit(replica: Parts['replica'], body: AlterScram): Promise<Problem> {
  try {
    return problem((await replica.submit({ type: 'alterScram', body })).errorCode)
  } catch (cause) {
    return failure(cause)
  }
}
