import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { z } from 'zod'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { errorCode } from '../wire/errors.ts'
import { readSaslAuthenticateResponse, writeSaslAuthenticateResponse } from '../wire/messages.gen.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { SaslAuthentication } from './authentication.ts'
import { oauthBearerExchange, type TokenCheck, tokenCheck } from './oauth-bearer.ts'

const addressSchema = z.object({ port: z.number() })
const MINUTE = 60_000
const ALGORITHM = 'ES256'

interface SigningKey {
  readonly kid: string
  readonly secret: CryptoKey
  readonly published: JWK
}

async function newKey(kid: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM)
  return { kid, secret: privateKey, published: { ...(await exportJWK(publicKey)), kid } }
}

const first = await newKey('first')
const second = await newKey('second')

let server: Server
let clock: VirtualClock
let keys: readonly SigningKey[]
let isDown: boolean
let asked: number
let problems: string[]
let check: TokenCheck

beforeEach(async () => {
  server = createServer((_, response) => {
    asked++
    response.writeHead(isDown ? 503 : 200).end(JSON.stringify({ keys: keys.map(({ published }) => published) }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = addressSchema.parse(server.address())
  clock = new VirtualClock()
  keys = [first]
  isDown = false
  asked = 0
  problems = []
  const rules = { jwksUrl: `http://127.0.0.1:${port}/keys`, principalClaim: 'sub', clockSkewSeconds: 30 }
  check = tokenCheck(rules, { clock, onProblem: problem => problems.push(problem) })
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const seconds = (): number => clock.now() / 1000

const token = (claims: JWTPayload = {}, { kid, secret } = first): Promise<string> =>
  new SignJWT({ sub: 'alice', exp: seconds() + 86_400, ...claims })
    .setProtectedHeader({ alg: ALGORITHM, kid })
    .sign(secret)

describe('the dates of a token', () => {
  /** What a client reads of the answer to its token. */
  async function answer(claims: JWTPayload) {
    const authentication = new SaslAuthentication({
      clock,
      mechanisms: new Map([['OAUTHBEARER', () => oauthBearerExchange({ check, principalClaim: 'sub' })]]),
      maxReauthMs: 0,
      onFailed: () => {},
      onOver: () => {},
      onKnown: () => {},
    })
    authentication.handshake('OAUTHBEARER', 1)
    const message = Buffer.from(`n,,\x01auth=Bearer ${await token(claims)}\x01\x01`)
    const { token: authBytes, ...rest } = await authentication.authenticate(message)
    const writer = new Writer()
    writeSaslAuthenticateResponse(writer, { ...rest, authBytes }, 2)
    return readSaslAuthenticateResponse(new Reader(Buffer.concat(writer.finish().buffers)), 2)
  }

  test.each([
    ['a whole second', 60, 60_000],
    ['a fraction', 60.123_456_7, 60_123],
    ['less than a millisecond to go', 0.000_1, 1],
    ['a moment ago, within what clocks may differ', -10.5, 1],
  ])('may say %s', async (_, more, lifetime) => {
    const dates = { iat: seconds() - 0.25, nbf: seconds() - 0.75, exp: seconds() + more }
    expect(await answer(dates)).toMatchObject({ errorCode: errorCode.NONE, sessionLifetimeMs: lifetime })
  })

  test.each([4_102_444_800_000, 1e17, 1e300])('may be as far away as %d, and clients can still count', async exp => {
    const { errorCode: code, sessionLifetimeMs } = await answer({ exp })
    expect(code).toBe(errorCode.NONE)
    expect(sessionLifetimeMs).toBeGreaterThan(100 * 365 * 86_400_000)
    // Java's client counts nanoseconds in an int64.
    expect(sessionLifetimeMs).toBeLessThan(2 ** 63 / 1e6)
  })

  test('that are over, or not yet come, are refused by the broker’s clock', async () => {
    await expect(check(await token({ exp: seconds() - 30.5 }))).rejects.toThrow('"exp"')
    await expect(check(await token({ nbf: seconds() + 30.5 }))).rejects.toThrow('"nbf"')
    const late = await token({ exp: seconds() + 60 })
    await clock.advance(2 * MINUTE)
    await expect(check(late)).rejects.toThrow('"exp"')
  })
})

describe('the keys of the issuer', () => {
  const knows = async (key: SigningKey): Promise<boolean> =>
    check(await token({}, key)).then(
      () => true,
      () => false,
    )

  test('are asked for once in ten minutes', async () => {
    for (let minute = 0; minute < 25; minute++) {
      expect(await knows(first)).toBe(true)
      await clock.advance(MINUTE)
    }
    expect(asked).toBe(3)
    expect(problems).toEqual([])
  })

  test('go on to count while the issuer is down, which is asked at most every 30 s and told of', async () => {
    expect(await knows(first)).toBe(true)
    isDown = true
    for (let passed = 0; passed < 20 * MINUTE; passed += 10_000) {
      expect(await knows(first)).toBe(true)
      await clock.advance(10_000)
      // A reload that no token waits for comes to its end.
      await expect(check(await token({}, second))).rejects.toThrow()
    }
    // From the unknown key on, which is asked for from the start.
    expect(asked).toBeGreaterThan(10)
    expect(asked).toBeLessThanOrEqual(1 + 40)
    expect(problems).toHaveLength(asked - 1)
    expect(problems[0]).toMatch(/^the keys at http:.*go on to count.*200 OK/)
  })

  test('are those of now when it comes back', async () => {
    expect(await knows(first)).toBe(true)
    isDown = true
    await clock.advance(30 * MINUTE)
    expect([await knows(first), await knows(second)]).toEqual([true, false])
    keys = [second]
    isDown = false
    expect(await knows(second)).toBe(false)
    await clock.advance(30_000)
    expect([await knows(second), await knows(first)]).toEqual([true, false])
    expect(asked).toBe(3)
  })

  test('are asked for again for a key that nobody knows, at most every 30 s', async () => {
    for (let count = 0; count < 20; count++) {
      expect(await knows({ ...first, kid: `strange ${count}` })).toBe(false)
    }
    expect(asked).toBe(1)
    keys = [first, second]
    await clock.advance(30_000)
    expect([await knows(second), await knows(first)]).toEqual([true, true])
    expect(asked).toBe(2)
  })

  test('are waited for by all who come meanwhile with one request', async () => {
    expect(await Promise.all(Array.from({ length: 5 }, () => knows(first)))).toEqual([true, true, true, true, true])
    expect(asked).toBe(1)
  })

  test('that never came are tried again soon, and ever later', async () => {
    isDown = true
    const delays: number[] = []
    for (let last = 0, ms = 0; ms < 3 * MINUTE; ms += 500) {
      const before = asked
      await expect(check(await token())).rejects.toThrow('200 OK')
      if (asked > before) {
        delays.push(ms - last)
        last = ms
      }
      await clock.advance(500)
    }
    expect(delays).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000])
    isDown = false
    await clock.advance(30_000)
    expect(await knows(first)).toBe(true)
  })
})
