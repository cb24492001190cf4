/**
 * The client's side of SASL SCRAM (RFC 5802, RFC 7677; KIP-84), for our own clients: it shows that it knows the password
 * without sending it, and goes on only with a broker that knows it too.
 */
import { timingSafeEqual } from 'node:crypto'
import { AuthenticationFailed } from './sasl.ts'
import { LEAST_ITERATIONS, type ScramMechanism, saltedPassword, scramSignatures } from './scram.ts'

export interface ScramLogin {
  readonly mechanism: ScramMechanism
  readonly user: string
  readonly password: string
  /** Letters and digits that nobody can guess. */
  readonly nonce: string
}

const GS2_HEADER = 'n,,'
const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,|$)/

export class ScramClient {
  readonly #login: ScramLogin
  readonly #bare: string
  #expected: Buffer | undefined

  constructor(login: ScramLogin) {
    this.#login = login
    this.#bare = `n=${login.user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${login.nonce}`
  }

  first(): Buffer {
    return Buffer.from(`${GS2_HEADER}${this.#bare}`)
  }

  /** Throws AuthenticationFailed for a challenge that is none of RFC 5802, or asks for less than Kafka's iterations. */
  final(challenge: Buffer): Buffer {
    const { mechanism, password, nonce } = this.#login
    const text = challenge.toString('utf8')
    const [, joined = '', salt = '', count = ''] = SERVER_FIRST.exec(text) ?? []
    const iterations = Number(count)
    if (!joined.startsWith(nonce) || joined === nonce)
      throw new AuthenticationFailed('the broker sent no SCRAM challenge')
    if (iterations < LEAST_ITERATIONS) {
      throw new AuthenticationFailed(`the broker asks for ${iterations} iterations, which are too few`)
    }
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${joined}`
    const salted = saltedPassword(mechanism, password, { salt: Buffer.from(salt, 'base64'), iterations })
    const { proof, signature } = scramSignatures(mechanism, salted, `${this.#bare},${text},${withoutProof}`)
    this.#expected = signature
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }

  /** Throws AuthenticationFailed when the broker does not know the password either. */
  verify(answer: Buffer): void {
    const signature = Buffer.from(/^v=([A-Za-z0-9+/=]+)/.exec(answer.toString('utf8'))?.[1] ?? '', 'base64')
    const expected = this.#expected
    if (expected === undefined || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new AuthenticationFailed('the broker did not show that it knows the password')
    }
  }
}
