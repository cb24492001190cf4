/**
 * Who a connection is, and what it may ask before that is known (Apache Kafka's SaslServerAuthenticator; KIP-43, KIP-152,
 * KIP-368).
 *
 * States of a connection to a listener with SASL:
 *   unknown        takes ApiVersions and SaslHandshake
 *   exchanging     takes SaslAuthenticate, or bare tokens after a handshake of version 0
 *   known          takes everything; when its session may expire, a new handshake begins the exchange anew
 *   failed         takes nothing; the connection ends after the answer
 * Whatever a state does not take closes the connection.
 */
import type { Clock } from '../clock.ts'
import type { ApiName } from '../wire/api.ts'
import { errorCode } from '../wire/errors.ts'
import { AuthenticationFailed, type Identity, type Mechanism, type SaslExchange } from './sasl.ts'

/** `User:` and a name, as ACLs write it. */
export type Principal = `User:${string}`

export const ANONYMOUS: Principal = 'User:ANONYMOUS'

export interface HandshakeAnswer {
  readonly errorCode: number
  readonly mechanisms: readonly Mechanism[]
}

export interface TokenAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly token: Buffer
  /** How long the client may go on before it has to authenticate again, ms; 0 for as long as it likes. */
  readonly sessionLifetimeMs: number
}

export interface Authentication {
  readonly principal: Principal
  /** True while frames are bare tokens, without header. */
  readonly takesBareTokens: boolean
  /** Whether a request may be handled now. */
  admits(api: ApiName): boolean
  handshake(mechanism: string, version: number): HandshakeAnswer
  authenticate(token: Buffer): Promise<TokenAnswer>
}

const ILLEGAL_STATE: TokenAnswer = {
  errorCode: errorCode.ILLEGAL_SASL_STATE,
  errorMessage: 'this listener does not use SASL',
  token: Buffer.alloc(0),
  sessionLifetimeMs: 0,
}

/** Of a listener without SASL: the client is who its certificate names, or nobody. */
export function withoutSasl(principal: Principal): Authentication {
  return {
    principal,
    takesBareTokens: false,
    admits: () => true,
    handshake: () => ({ errorCode: errorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
    authenticate: async () => ILLEGAL_STATE,
  }
}

export interface SaslParts {
  readonly clock: Clock
  /** Those that the listener offers. */
  readonly mechanisms: ReadonlyMap<Mechanism, () => SaslExchange>
  /** `connections.max.reauth.ms`; 0 for no limit. */
  readonly maxReauthMs: number
  /** Told once of each exchange that fails, with the reason. */
  readonly onFailed: (mechanism: string, message: string) => void
  /** The connection is over: it ends after the answer. */
  readonly onOver: () => void
  readonly onKnown: (mechanism: Mechanism, principal: Principal) => void
}

/** Before an answer that says that authentication failed: it slows guessing (`connection.failed.authentication.delay.ms`). */
const FAILURE_DELAY_MS = 100

export class SaslAuthentication implements Authentication {
  readonly #parts: SaslParts
  #state: 'unknown' | 'exchanging' | 'known' | 'failed' = 'unknown'
  #principal: Principal = ANONYMOUS
  #mechanism: Mechanism | undefined
  #exchange: SaslExchange | undefined
  #bare = false
  /** Whether it is known already that this exchange fails. */
  #refused = false
  /** Wall time in ms. */
  #expiresAt = Number.POSITIVE_INFINITY

  constructor(parts: SaslParts) {
    this.#parts = parts
  }

  get principal(): Principal {
    return this.#principal
  }

  get takesBareTokens(): boolean {
    return this.#state === 'exchanging' && this.#bare
  }

  admits(api: ApiName): boolean {
    switch (this.#state) {
      case 'unknown':
        return api === 'ApiVersions' || api === 'SaslHandshake'
      case 'exchanging':
        return api === 'SaslAuthenticate'
      case 'known':
        return api === 'SaslHandshake' || this.#parts.clock.now() < this.#expiresAt
      case 'failed':
        return false
    }
  }

  handshake(wanted: string, version: number): HandshakeAnswer {
    const mechanisms = [...this.#parts.mechanisms.keys()]
    const again = this.#state === 'known'
    // Without a limit there is nothing to renew.
    if (again && this.#expiresAt === Number.POSITIVE_INFINITY) {
      return { errorCode: errorCode.ILLEGAL_SASL_STATE, mechanisms }
    }
    const mechanism = mechanisms.find(name => name === wanted)
    const exchange = mechanism === undefined ? undefined : this.#parts.mechanisms.get(mechanism)
    if (mechanism === undefined || exchange === undefined || (again && mechanism !== this.#mechanism)) {
      this.#state = 'failed'
      this.#parts.onFailed(wanted, again ? 'another mechanism than before' : 'a mechanism that is not offered')
      this.#parts.onOver()
      const code = mechanism === undefined ? errorCode.UNSUPPORTED_SASL_MECHANISM : errorCode.ILLEGAL_SASL_STATE
      return { errorCode: code, mechanisms }
    }
    this.#mechanism = mechanism
    this.#exchange = exchange()
    this.#bare = version === 0
    this.#refused = false
    this.#state = 'exchanging'
    return { errorCode: errorCode.NONE, mechanisms }
  }

  async authenticate(token: Buffer): Promise<TokenAnswer> {
    const exchange = this.#exchange
    if (this.#state !== 'exchanging' || exchange === undefined) {
      const errorMessage = 'SaslAuthenticate request received after successful authentication'
      return { ...ILLEGAL_STATE, errorMessage }
    }
    try {
      const { challenge, identity, refusal } = await exchange.respond(token)
      if (refusal !== undefined) this.#tellFailed(refusal)
      const sessionLifetimeMs = identity === undefined ? 0 : this.#know(identity)
      return { errorCode: errorCode.NONE, errorMessage: null, token: challenge, sessionLifetimeMs }
    } catch (cause) {
      return this.#fail(cause)
    }
  }

  /** Gives the lifetime of the session. */
  #know({ name, expiresAt }: Identity): number {
    const { clock, maxReauthMs, onKnown } = this.#parts
    const principal: Principal = `User:${name}`
    if (this.#principal !== ANONYMOUS && this.#principal !== principal) {
      throw new AuthenticationFailed(`Cannot change principals during re-authentication from ${this.#principal}`)
    }
    const now = clock.now()
    const limits = [...(expiresAt === undefined ? [] : [expiresAt]), ...(maxReauthMs > 0 ? [now + maxReauthMs] : [])]
    this.#expiresAt = Math.min(Number.POSITIVE_INFINITY, ...limits)
    this.#principal = principal
    this.#state = 'known'
    this.#exchange = undefined
    if (this.#mechanism !== undefined) onKnown(this.#mechanism, principal)
    return this.#expiresAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, this.#expiresAt - now)
  }

  async #fail(cause: unknown): Promise<TokenAnswer> {
    this.#state = 'failed'
    this.#exchange = undefined
    const isKnown = cause instanceof AuthenticationFailed
    // What went wrong inside is not the client's to know.
    const errorMessage = isKnown ? cause.message : 'Authentication failed due to an internal error'
    const { clock, onOver } = this.#parts
    await new Promise<void>(resolve => void clock.setTimeout(resolve, FAILURE_DELAY_MS))
    this.#tellFailed(isKnown ? errorMessage : String(cause))
    onOver()
    const code = errorCode.SASL_AUTHENTICATION_FAILED
    return { errorCode: code, errorMessage, token: Buffer.alloc(0), sessionLifetimeMs: 0 }
  }

  #tellFailed(reason: string): void {
    if (this.#refused || this.#mechanism === undefined) return
    this.#refused = true
    this.#parts.onFailed(this.#mechanism, reason)
  }
}
