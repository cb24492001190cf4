import { beforeEach, describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import type { ApiName } from '../wire/api.ts'
import { errorCode } from '../wire/errors.ts'
import { ANONYMOUS, SaslAuthentication, withoutSasl } from './authentication.ts'
import { AuthenticationFailed, type Mechanism, NO_CHALLENGE, type SaslExchange } from './sasl.ts'

let clock: VirtualClock
let told: string[]

/** Takes any name for a token, and `wrong` for none; `later` asks once more. */
const exchange = (expiresAt?: number): SaslExchange => ({
  respond: async token => {
    const name = String(token)
    if (name === 'wrong') throw new AuthenticationFailed('that was wrong')
    if (name === 'broken') throw new Error('password is hunter2')
    if (name === 'refused') return { challenge: Buffer.from('no'), refusal: 'that is of others' }
    if (name === 'later') return { challenge: Buffer.from('go on') }
    return { challenge: NO_CHALLENGE, identity: { name, expiresAt } }
  },
})

const start = (maxReauthMs = 0, expiresAt?: number): SaslAuthentication =>
  new SaslAuthentication({
    clock,
    mechanisms: new Map<Mechanism, () => SaslExchange>([
      ['PLAIN', () => exchange(expiresAt)],
      ['OAUTHBEARER', () => exchange(expiresAt)],
    ]),
    maxReauthMs,
    onFailed: (mechanism, message) => told.push(`${mechanism}: ${message}`),
    onOver: () => told.push('over'),
    onKnown: (mechanism, principal) => told.push(`${mechanism}: ${principal}`),
  })
const admitted = (authentication: SaslAuthentication): ApiName[] =>
  (['ApiVersions', 'SaslHandshake', 'SaslAuthenticate', 'Metadata'] as const).filter(api => authentication.admits(api))
const show = (authentication: SaslAuthentication, token: string) =>
  clock.until(authentication.authenticate(Buffer.from(token)))

beforeEach(() => {
  clock = new VirtualClock()
  told = []
})

test('step by step a client becomes known', async () => {
  const client = start()
  expect([client.principal, admitted(client)]).toEqual([ANONYMOUS, ['ApiVersions', 'SaslHandshake']])
  const handshake = client.handshake('PLAIN', 1)
  expect(handshake).toEqual({ errorCode: errorCode.NONE, mechanisms: ['PLAIN', 'OAUTHBEARER'] })
  expect(admitted(client)).toEqual(['SaslAuthenticate'])
  expect(await show(client, 'later')).toMatchObject({ errorCode: errorCode.NONE, token: Buffer.from('go on') })
  expect(await show(client, 'alice')).toMatchObject({ errorCode: errorCode.NONE, sessionLifetimeMs: 0 })
  expect(client.principal).toBe('User:alice')
  expect(admitted(client)).toHaveLength(4)
  expect(told).toEqual(['PLAIN: User:alice'])
})

describe('a client fails', () => {
  test('with a wrong token: it is told so after a while, and nothing is taken any more', async () => {
    const client = start()
    client.handshake('PLAIN', 1)
    const began = clock.monotonic()
    const failed = { errorCode: errorCode.SASL_AUTHENTICATION_FAILED, errorMessage: 'that was wrong' }
    expect(await show(client, 'wrong')).toMatchObject(failed)
    expect(clock.monotonic() - began).toBeGreaterThanOrEqual(100)
    expect([admitted(client), told]).toEqual([[], ['PLAIN: that was wrong', 'over']])
  })

  test('with a token that is refused: that is told at once, for many clients go without another word', async () => {
    const client = start()
    client.handshake('OAUTHBEARER', 1)
    expect(await show(client, 'refused')).toMatchObject({ errorCode: errorCode.NONE, token: Buffer.from('no') })
    expect([admitted(client), told]).toEqual([['SaslAuthenticate'], ['OAUTHBEARER: that is of others']])
    // Those that stay hear the failure, and nothing is told twice.
    expect(await show(client, 'wrong')).toMatchObject({ errorCode: errorCode.SASL_AUTHENTICATION_FAILED })
    expect([admitted(client), told]).toEqual([[], ['OAUTHBEARER: that is of others', 'over']])
  })

  test('by a fault of ours: it learns nothing of it', async () => {
    const client = start()
    client.handshake('PLAIN', 1)
    expect((await show(client, 'broken')).errorMessage).not.toContain('hunter2')
  })

  test('with a mechanism that is not offered', () => {
    const client = start()
    expect(client.handshake('GSSAPI', 1)).toMatchObject({ errorCode: errorCode.UNSUPPORTED_SASL_MECHANISM })
    expect(admitted(client)).toEqual([])
  })

  test('without a handshake', async () => {
    expect(await show(start(), 'alice')).toMatchObject({ errorCode: errorCode.ILLEGAL_SASL_STATE })
  })
})

test('tokens are bare after a handshake of version 0', async () => {
  const client = start()
  client.handshake('PLAIN', 0)
  expect(client.takesBareTokens).toBe(true)
  await show(client, 'alice')
  expect(client.takesBareTokens).toBe(false)
})

describe('a session that expires', () => {
  test('takes nothing but a new handshake then, and lives on after it (KIP-368)', async () => {
    const client = start(60_000)
    client.handshake('PLAIN', 1)
    expect(await show(client, 'alice')).toMatchObject({ sessionLifetimeMs: 60_000 })
    await clock.advance(60_001)
    expect(admitted(client)).toEqual(['SaslHandshake'])
    client.handshake('PLAIN', 1)
    expect(await show(client, 'alice')).toMatchObject({ errorCode: errorCode.NONE, sessionLifetimeMs: 60_000 })
    expect(admitted(client)).toHaveLength(4)
  })

  test('ends with the token, when that is sooner', async () => {
    const client = start(60_000, clock.now() + 5000)
    client.handshake('OAUTHBEARER', 1)
    expect(await show(client, 'alice')).toMatchObject({ sessionLifetimeMs: 5000 })
  })

  test('cannot become that of somebody else', async () => {
    const client = start(60_000)
    client.handshake('PLAIN', 1)
    await show(client, 'alice')
    client.handshake('PLAIN', 1)
    expect(await show(client, 'bob')).toMatchObject({ errorCode: errorCode.SASL_AUTHENTICATION_FAILED })
    expect(client.principal).toBe('User:alice')
  })

  test('cannot change its mechanism', async () => {
    const client = start(60_000)
    client.handshake('PLAIN', 1)
    await show(client, 'alice')
    expect(client.handshake('OAUTHBEARER', 1)).toMatchObject({ errorCode: errorCode.ILLEGAL_SASL_STATE })
    expect(admitted(client)).toEqual([])
  })

  test('is not renewed where it does not expire', async () => {
    const client = start()
    client.handshake('PLAIN', 1)
    await show(client, 'alice')
    expect(client.handshake('PLAIN', 1)).toMatchObject({ errorCode: errorCode.ILLEGAL_SASL_STATE })
    expect(admitted(client)).toHaveLength(4)
  })
})

test('a listener without SASL answers SASL with ILLEGAL_SASL_STATE and takes everything else', async () => {
  const client = withoutSasl('User:CN=a')
  expect(client.handshake('PLAIN', 1)).toMatchObject({ errorCode: errorCode.ILLEGAL_SASL_STATE })
  expect(await client.authenticate(NO_CHALLENGE)).toMatchObject({ errorCode: errorCode.ILLEGAL_SASL_STATE })
  expect([client.principal, client.admits('Metadata')]).toEqual(['User:CN=a', true])
})
