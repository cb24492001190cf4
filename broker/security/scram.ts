/**
 * SASL SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677; KIP-84): both sides prove that they know a password, of which
 * the broker only has a salted digest. Without channel binding, as Kafka has none.
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { AuthenticationFailed, invalidCredentials, type SaslExchange, type SaslStep } from './sasl.ts'

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** As Kafka's protocol numbers them (KIP-554). */
export const SCRAM_NUMBERS: Readonly<Record<ScramMechanism, number>> = { 'SCRAM-SHA-256': 1, 'SCRAM-SHA-512': 2 }

export function scramMechanism(number: number): ScramMechanism | undefined {
  return number === 1 ? 'SCRAM-SHA-256' : number === 2 ? 'SCRAM-SHA-512' : undefined
}

/** What the broker keeps of a user's password. */
export interface ScramCredential {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Bounds of Apache Kafka. */
export const LEAST_ITERATIONS = 4096
export const MOST_ITERATIONS = 16384

export interface ScramLookup {
  readonly credential: (user: string) => ScramCredential | undefined
  /** Letters and digits that nobody can guess. */
  readonly newNonce: () => string
}

interface Hash {
  readonly algorithm: 'sha256' | 'sha512'
  readonly bytes: number
}

const HASHES: Readonly<Record<ScramMechanism, Hash>> = {
  'SCRAM-SHA-256': { algorithm: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { algorithm: 'sha512', bytes: 64 },
}

const hmac = ({ algorithm }: Hash, key: Buffer, text: string): Buffer =>
  createHmac(algorithm, key).update(text).digest()

/** `saltedPassword` is PBKDF2 of the password; who sends it instead of the password keeps that to itself. */
export function credentialOf(
  mechanism: ScramMechanism,
  { saltedPassword, salt, iterations }: { saltedPassword: Buffer; salt: Buffer; iterations: number },
): ScramCredential {
  const hash = HASHES[mechanism]
  const clientKey = hmac(hash, saltedPassword, 'Client Key')
  const storedKey = createHash(hash.algorithm).update(clientKey).digest()
  return { iterations, salt, storedKey, serverKey: hmac(hash, saltedPassword, 'Server Key') }
}

export function saltedPassword(
  mechanism: ScramMechanism,
  password: string,
  { salt, iterations }: { salt: Buffer; iterations: number },
): Buffer {
  const { algorithm, bytes } = HASHES[mechanism]
  return pbkdf2Sync(password, salt, iterations, bytes, algorithm)
}

/** What client and broker show each other at the end. */
export function scramSignatures(
  mechanism: ScramMechanism,
  saltedPassword: Buffer,
  messages: string,
): { readonly proof: Buffer; readonly signature: Buffer } {
  const hash = HASHES[mechanism]
  const clientKey = hmac(hash, saltedPassword, 'Client Key')
  const storedKey = createHash(hash.algorithm).update(clientKey).digest()
  const signature = hmac(hash, hmac(hash, saltedPassword, 'Server Key'), messages)
  return { proof: xor(clientKey, hmac(hash, storedKey, messages)), signature }
}

/** A name as it stands in a message: `=` and `,` would end it. */
function userIn(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw malformed('user name')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function malformed(part: string): AuthenticationFailed {
  return new AuthenticationFailed(`Invalid SASL/SCRAM message: ${part}`)
}

/** gs2-header, then the rest, which is authenticated as it stands. */
const CLIENT_FIRST =
  /^(([ny]),(?:a=([^,]+))?,)((?:m=[^,]*,)?n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)((?:,[A-Za-z]=[^,]*)*))$/
const CLIENT_FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]*)*),p=([A-Za-z0-9+/=]+)$/

interface Challenged {
  readonly user: string
  readonly credential: ScramCredential
  readonly header: string
  /** The broker's part of the nonce. */
  readonly nonce: string
  /** Both first messages, joined as RFC 5802 signs them. */
  readonly messages: string
}

export function scramExchange(mechanism: ScramMechanism, lookup: ScramLookup): SaslExchange {
  let challenged: Challenged | undefined
  return {
    respond: async token => {
      const text = token.toString('utf8')
      if (challenged !== undefined) return finish(mechanism, challenged, text)
      const begun = begin(mechanism, lookup, text)
      challenged = begun.challenged
      return begun.step
    },
  }
}

function begin(
  mechanism: ScramMechanism,
  { credential: find, newNonce }: ScramLookup,
  text: string,
): { challenged: Challenged; step: SaslStep } {
  const found = CLIENT_FIRST.exec(text)
  if (found === null) throw malformed('client first message')
  const [, header = '', , authorizationId, bare = '', name = '', clientNonce = '', extensions = ''] = found
  if (bare.startsWith('m=')) throw malformed('mandatory extensions are not supported')
  if (/,tokenauth=true/.test(extensions)) throw invalidCredentials(mechanism)
  const user = userIn(name)
  if (authorizationId !== undefined && userIn(authorizationId) !== user) {
    throw new AuthenticationFailed(
      'Authentication failed: Client requested an authorization id that is different from username',
    )
  }
  const credential = find(user)
  if (credential === undefined) throw invalidCredentials(mechanism)
  if (credential.iterations < LEAST_ITERATIONS) throw invalidCredentials(mechanism)
  const nonce = newNonce()
  const first = `r=${clientNonce}${nonce},s=${credential.salt.toString('base64')},i=${credential.iterations}`
  return {
    challenged: { user, credential, header, nonce, messages: `${bare},${first}` },
    step: { challenge: Buffer.from(first) },
  }
}

function finish(mechanism: ScramMechanism, challenged: Challenged, text: string): SaslStep {
  const { user, credential, header, nonce, messages } = challenged
  const found = CLIENT_FINAL.exec(text)
  if (found === null) throw malformed('client final message')
  const [, withoutProof = '', binding = '', echoed, proof = ''] = found
  if (Buffer.from(binding, 'base64').toString('utf8') !== header) throw malformed('channel binding')
  // librdkafka before 2.6.1 puts its own part there twice, which Apache Kafka lets pass; only ours makes it fresh.
  if (echoed?.endsWith(nonce) !== true) throw malformed('nonce')
  const hash = HASHES[mechanism]
  const signed = `${messages},${withoutProof}`
  const clientKey = xor(Buffer.from(proof, 'base64'), hmac(hash, credential.storedKey, signed))
  const shown = createHash(hash.algorithm).update(clientKey).digest()
  if (!timingSafeEqual(shown, credential.storedKey)) throw invalidCredentials(mechanism)
  const signature = hmac(hash, credential.serverKey, signed)
  return {
    challenge: Buffer.from(`v=${signature.toString('base64')}`),
    identity: { name: user, expiresAt: undefined },
  }
}

/** Of the length of `other`: a proof of another length is a wrong one. */
function xor(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(other.map((byte, index) => byte ^ (one[index] ?? 0) ^ (one.length === other.length ? 0 : 1)))
}
