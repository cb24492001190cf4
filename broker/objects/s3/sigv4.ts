// AWS Signature Version 4 ("Authenticating Requests: Using the Authorization Header", S3 API reference). Pure.
// Every header that is given is signed, so that nothing between us and the store can take If-None-Match away unnoticed.
// S3 paths are encoded once and never normalised, unlike those of other AWS services.

import { createHmac, hash } from 'node:crypto'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  /** Milliseconds since 1970; undefined means that they do not expire. */
  readonly expiration?: number | undefined
}

export interface Signable {
  readonly method: string
  /** Encoded, begins with a slash. */
  readonly path: string
  /** As `queryString` makes it: encoded, sorted, without the question mark. */
  readonly query: string
  /** Names in lower case; `host` must be there. */
  readonly headers: Readonly<Record<string, string>>
  /** Hex SHA-256 of the payload, or `unsignedPayload`. */
  readonly payloadHash: string
}

/** The payload is not part of the signature; TLS or the CRC-32C header protects it. */
export const unsignedPayload = 'UNSIGNED-PAYLOAD'

/** Signs for one region and service. The derived key of a day is kept: it costs four HMACs. */
export class Signer {
  readonly #region: string
  readonly #service: string
  #key: { readonly secret: string; readonly day: string; readonly bytes: Buffer } | undefined

  constructor(region: string, service = 's3') {
    this.#region = region
    this.#service = service
  }

  /** The headers to send: those given, and date, session token and authorization. `now`: ms since 1970. */
  sign(request: Signable, credentials: Credentials, now: number): Record<string, string> {
    const date = amzDate(now)
    const day = date.slice(0, 8)
    const headers: Record<string, string> = { ...request.headers, 'x-amz-date': date }
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken

    const names = Object.keys(headers).sort()
    const signed = names.join(';')
    const lines = names.map(name => `${name}:${trimmed(headers[name] ?? '')}\n`).join('')
    const canonical = `${request.method}\n${request.path}\n${request.query}\n${lines}\n${signed}\n${request.payloadHash}`

    const scope = `${day}/${this.#region}/${this.#service}/aws4_request`
    const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash('sha256', canonical)}`
    const signature = createHmac('sha256', this.#keyOf(credentials.secretAccessKey, day)).update(text).digest('hex')
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
    return headers
  }

  #keyOf(secret: string, day: string): Buffer {
    if (this.#key?.secret === secret && this.#key.day === day) return this.#key.bytes
    const steps = [day, this.#region, this.#service, 'aws4_request']
    const bytes = steps.reduce<Buffer>((key, step) => hmac(key, step), Buffer.from(`AWS4${secret}`))
    this.#key = { secret, day, bytes }
    return bytes
  }
}

/** `name=value` pairs, encoded and in the order that the signature wants, fit for the URL too. */
export const queryString = (parameters: Readonly<Record<string, string>>): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${uriEncoded(name)}=${uriEncoded(value)}`)
    .sort()
    .join('&')

/** RFC 3986: everything but letters, digits and `-._~` is escaped. */
export const uriEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** `20130524T000000Z` */
const amzDate = (now: number): string => `${new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const trimmed = (value: string): string => value.trim().replace(/ {2,}/g, ' ')
