/** SASL PLAIN (RFC 4616): one token with a user's name and password, for connections that TLS protects. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AuthenticationFailed, NO_CHALLENGE, type SaslExchange } from './sasl.ts'

/** Password of a user; undefined when there is no such user. */
export type Passwords = (user: string) => string | undefined

export function plainExchange(passwords: Passwords): SaslExchange {
  return {
    respond: async token => {
      const [authorizationId, user, password, more] = token.toString('utf8').split('\0')
      if (authorizationId === undefined || user === undefined || password === undefined || more !== undefined) {
        throw new AuthenticationFailed('Invalid SASL/PLAIN response: expected 3 tokens')
      }
      if (user === '') throw new AuthenticationFailed('Authentication failed: username not specified')
      if (password === '') throw new AuthenticationFailed('Authentication failed: password not specified')
      const expected = passwords(user)
      // Compared also when there is no such user, so that the time tells nothing.
      const isRight = isSame(password, expected ?? password.slice(1))
      if (expected === undefined || !isRight) {
        throw new AuthenticationFailed('Authentication failed: Invalid username or password')
      }
      if (authorizationId !== '' && authorizationId !== user) {
        throw new AuthenticationFailed(
          'Authentication failed: Client requested an authorization id that is different from username',
        )
      }
      return { challenge: NO_CHALLENGE, identity: { name: user, expiresAt: undefined } }
    },
  }
}

/** In a time that does not depend on where the texts differ. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
