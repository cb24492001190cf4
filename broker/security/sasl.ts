/**
 * What the mechanisms of SASL (RFC 4422) have in common, as Kafka uses them: an exchange of tokens that ends with an
 * identity or with AuthenticationFailed. Mechanisms are pure but for what they look up; one exchange serves one client.
 */

export const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const

export type Mechanism = (typeof MECHANISMS)[number]

export interface Identity {
  /** The name of the principal. */
  readonly name: string
  /** ms since 1970; undefined when what was shown does not expire. */
  readonly expiresAt: number | undefined
}

/** The server's answer to a token: what to send, and who the client is once that is known. */
export interface SaslStep {
  readonly challenge: Buffer
  readonly identity?: Identity
  /**
   * Why what was shown is refused, for the audit log, when the challenge tells the client so. The failure itself comes with
   * the token after it, which many clients do not send.
   */
  readonly refusal?: string
}

export interface SaslExchange {
  /** Rejects with AuthenticationFailed. No call follows one that gave an identity or was rejected. */
  respond(token: Buffer): Promise<SaslStep>
}

/** The client may know this text: it must not tell which of several secrets was wrong. */
export class AuthenticationFailed extends Error {
  override readonly name = 'AuthenticationFailed'
}

export const NO_CHALLENGE = Buffer.alloc(0)

/** Apache Kafka's words for wrong credentials of whatever kind. */
export function invalidCredentials(mechanism: Mechanism): AuthenticationFailed {
  return new AuthenticationFailed(
    `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`,
  )
}
