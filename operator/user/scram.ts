// Passwords of SCRAM (RFC 5802) as the operator sets them. Brokers keep no password and show none, only the mechanism and the
// number of iterations; so that number tells which version of the Secret was set: from 4,096, which Kafka has as its least, to
// twice that, by a hash of what Kubernetes calls the version. A password that somebody else set shows by another number, and
// nothing has to be remembered elsewhere.

import { createHash, pbkdf2, randomBytes } from 'node:crypto'

const LEAST_ITERATIONS = 4096
const MARKS = 4096

/** `version` of the Secret, of which nothing follows from the password. */
export const iterationsOf = (version: string): number =>
  LEAST_ITERATIONS + (createHash('sha256').update(version).digest().readUInt32BE() % MARKS)

const DIGESTS: ReadonlyMap<number, { readonly name: string; readonly bytes: number }> = new Map([
  [1, { name: 'sha256', bytes: 32 }],
  [2, { name: 'sha512', bytes: 64 }],
])

export interface SaltedPassword {
  readonly salt: Buffer
  readonly saltedPassword: Buffer
}

/** `Hi(password, salt, iterations)`. Rejects for a mechanism that is not known. */
export function salted(mechanism: number, password: string, iterations: number): Promise<SaltedPassword> {
  const digest = DIGESTS.get(mechanism)
  if (digest === undefined) return Promise.reject(new RangeError(`there is no SCRAM mechanism ${mechanism}`))
  const salt = randomBytes(24)
  return new Promise((resolve, reject) => {
    pbkdf2(password.normalize('NFKC'), salt, iterations, digest.bytes, digest.name, (cause, saltedPassword) => {
      if (cause === null) resolve({ salt, saltedPassword })
      else reject(cause)
    })
  })
}

/** 192 bits that need no quotes anywhere. */
export const newPassword = (): string => randomBytes(24).toString('base64url')
