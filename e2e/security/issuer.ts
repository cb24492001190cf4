// An issuer of tokens, as an OpenID provider is one: publishes its keys (RFC 7517), and gives tokens to clients that know
// their secret (RFC 6749, section 4.4).

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'

export const ISSUER = 'https://issuer.test'
export const AUDIENCE = 'kafka'

/** What is wrong, or otherwise, with a token. */
export interface TokenTraits {
  readonly audience?: string
  readonly issuer?: string
  /** From now on, as jose writes it. */
  readonly expiresIn?: string
  /** `strange` is a key that nobody publishes, `public` the published one as if it were a shared secret. */
  readonly signedBy?: 'issuer' | 'strange' | 'public' | 'nobody'
}

interface Registered {
  readonly secret: string
  readonly subject: string
  readonly traits: TokenTraits
  granted: number
}

const ALGORITHM = 'RS256'
const KEY_ID = 'first'

export class Issuer {
  readonly jwksUrl: string
  readonly tokenUrl: string
  readonly #server: Server
  readonly #key: CryptoKey
  readonly #published: object
  readonly #strange: CryptoKey
  readonly #clients = new Map<string, Registered>()

  static async start(port: number): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
    const strange = await generateKeyPair(ALGORITHM)
    const published = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' }
    const issuer = new Issuer(port, { key: privateKey, published, strange: strange.privateKey })
    await new Promise<void>(resolve => issuer.#server.listen(port, '127.0.0.1', resolve))
    return issuer
  }

  private constructor(
    port: number,
    keys: { readonly key: CryptoKey; readonly published: object; readonly strange: CryptoKey },
  ) {
    this.jwksUrl = `http://127.0.0.1:${port}/keys`
    this.tokenUrl = `http://127.0.0.1:${port}/token`
    this.#key = keys.key
    this.#published = keys.published
    this.#strange = keys.strange
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  /** From now on the client gets tokens with these traits for its secret, which name `subject`. */
  register(client: string, secret: string, subject: string, traits: TokenTraits = {}): void {
    this.#clients.set(client, { secret, subject, traits, granted: 0 })
  }

  /** How many tokens a client has got. */
  granted(client: string): number {
    return this.#clients.get(client)?.granted ?? 0
  }

  async token(subject: string, traits: TokenTraits = {}): Promise<string> {
    const { audience = AUDIENCE, issuer = ISSUER, expiresIn = '1h', signedBy = 'issuer' } = traits
    if (signedBy === 'nobody') return described(new UnsecuredJWT({}), { subject, audience, issuer, expiresIn }).encode()
    const secret = new TextEncoder().encode(JSON.stringify(this.#published))
    const key = { issuer: this.#key, strange: this.#strange, public: secret }[signedBy]
    const algorithm = signedBy === 'public' ? 'HS256' : ALGORITHM
    const signer = new SignJWT({} satisfies JWTPayload).setProtectedHeader({ alg: algorithm, kid: KEY_ID })
    return described(signer, { subject, audience, issuer, expiresIn }).sign(key)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, body] =
      request.url === '/token' && request.method === 'POST'
        ? await this.#grant(request.headers.authorization ?? '', new URLSearchParams(await text(request)))
        : [200, { keys: [this.#published] }]
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  async #grant(authorization: string, form: URLSearchParams): Promise<[status: number, body: object]> {
    if (form.get('grant_type') !== 'client_credentials') return [400, { error: 'unsupported_grant_type' }]
    const [name = '', secret] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
      .toString()
      .split(':')
    const client = this.#clients.get(name)
    if (client === undefined || client.secret !== secret) return [401, { error: 'invalid_client' }]
    client.granted++
    const token = await this.token(client.subject, client.traits)
    return [200, { access_token: token, token_type: 'Bearer', expires_in: 3600 }]
  }
}

interface Claims {
  readonly subject: string
  readonly audience: string
  readonly issuer: string
  readonly expiresIn: string
}

function described<Token extends SignJWT | UnsecuredJWT>(token: Token, claims: Claims): Token {
  token.setSubject(claims.subject).setIssuer(claims.issuer).setAudience(claims.audience)
  token.setIssuedAt().setExpirationTime(claims.expiresIn)
  return token
}
