/**
 * SASL OAUTHBEARER (RFC 7628, KIP-255, KIP-768): the client shows a JSON Web Token, which is checked against the keys that
 * the issuer publishes (JWKS, RFC 7517). A token that is refused gets the error of RFC 7628 first, and the failure only
 * after the client has acknowledged it.
 */
import { errors, type JWTPayload, jwtVerify } from 'jose'
import { IssuerKeys, type IssuerParts } from './issuer-keys.ts'
import { AuthenticationFailed, type Identity, NO_CHALLENGE, type SaslExchange } from './sasl.ts'

export interface OAuthRules {
  /** Where the issuer publishes its keys. */
  readonly jwksUrl: string
  readonly issuer?: string | undefined
  /** The token must be meant for one of these. */
  readonly audience?: readonly string[] | undefined
  /** Name of the claim that names the principal. */
  readonly principalClaim: string
  /** How much the clocks of issuer and broker may differ. */
  readonly clockSkewSeconds: number
}

/** Resolves with the claims of a token that is good. Rejects with what is wrong. */
export type TokenCheck = (token: string) => Promise<JWTPayload>

/** Signed with the issuer's private key: a shared secret, or no signature at all, proves nothing here. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

export function tokenCheck(
  { jwksUrl, issuer, audience, clockSkewSeconds }: OAuthRules,
  parts: IssuerParts,
): TokenCheck {
  const keys = new IssuerKeys(jwksUrl, parts)
  const options = {
    algorithms: ALGORITHMS,
    clockTolerance: clockSkewSeconds,
    requiredClaims: ['exp'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience: [...audience] }),
  }
  return async token => {
    const currentDate = new Date(parts.clock.now())
    return (await jwtVerify(token, keys.find, { ...options, currentDate })).payload
  }
}

export interface OAuthParts {
  readonly check: TokenCheck
  readonly principalClaim: string
}

/** RFC 7628, section 3.2.2. */
const INVALID_TOKEN = '{"status":"invalid_token"}'

const SEPARATOR = '\x01'
const HEADER = /^[ny],(?:a=([^,]*))?,$/
const BEARER = /^auth=Bearer +([A-Za-z0-9._~+/=-]+)$/i

export function oauthBearerExchange(parts: OAuthParts): SaslExchange {
  let refusal: AuthenticationFailed | undefined
  return {
    respond: async token => {
      if (refusal !== undefined) throw refusal
      const { bearer, authorizationId } = parseClientFirst(token.toString('utf8'))
      const shown = await identityOf(bearer, parts)
      if (typeof shown === 'string') {
        refusal = new AuthenticationFailed(INVALID_TOKEN)
        return { challenge: Buffer.from(INVALID_TOKEN), refusal: shown }
      }
      if (authorizationId !== '' && authorizationId !== shown.name) {
        throw new AuthenticationFailed(
          'Authentication failed: Client requested an authorization id that is different from the token',
        )
      }
      return { challenge: NO_CHALLENGE, identity: shown }
    },
  }
}

function parseClientFirst(text: string): { readonly bearer: string; readonly authorizationId: string } {
  const [header = '', ...pairs] = text.split(SEPARATOR)
  const found = HEADER.exec(header)
  const bearer = pairs.map(pair => BEARER.exec(pair)?.[1]).find(value => value !== undefined)
  if (found === null || bearer === undefined || !text.endsWith(`${SEPARATOR}${SEPARATOR}`)) {
    throw new AuthenticationFailed('Invalid OAUTHBEARER client first message')
  }
  return { bearer, authorizationId: found[1] ?? '' }
}

/** Java's client counts the life of a session as nanoseconds in an int64, which is 292 years. */
const LATEST_MS = Date.UTC(2200, 0)

/** A NumericDate may have a fraction, and be as large as JSON takes (RFC 7519, section 2). */
const millisecondsOf = (date: number): number => Math.min(Math.floor(date * 1000), LATEST_MS)

/** Or why the token is refused, or could not be checked at all. */
async function identityOf(bearer: string, { check, principalClaim }: OAuthParts): Promise<Identity | string> {
  try {
    const claims = await check(bearer)
    const name = claims[principalClaim]
    if (typeof name !== 'string' || name === '') throw new errors.JWTInvalid(`the token has no claim ${principalClaim}`)
    return { name, expiresAt: millisecondsOf(claims.exp ?? 0) }
  } catch (cause) {
    return String(cause)
  }
}
