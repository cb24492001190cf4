import { describe, expect, test } from '@jest/globals'
import { AuthenticationFailed } from './sasl.ts'
import { credentialOf, type ScramMechanism, saltedPassword, scramExchange } from './scram.ts'

const exchangeFor = (mechanism: ScramMechanism, user: string, password: string, salt: Buffer, nonce: string) => {
  const facts = { salt, iterations: 4096 }
  const credential = credentialOf(mechanism, { ...facts, saltedPassword: saltedPassword(mechanism, password, facts) })
  return scramExchange(mechanism, {
    credential: name => (name === user ? credential : undefined),
    newNonce: () => nonce,
  })
}

/** The conversation of RFC 7677, chapter 3. */
const rfc = () =>
  exchangeFor(
    'SCRAM-SHA-256',
    'user',
    'pencil',
    Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
    '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  )
const FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
const NONCE = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const PROOF = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='

test('speaks as in RFC 7677', async () => {
  const exchange = rfc()
  const { challenge, identity } = await exchange.respond(Buffer.from(FIRST))
  expect([String(challenge), identity]).toEqual([`r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`, undefined])
  const last = await exchange.respond(Buffer.from(`c=biws,r=${NONCE},p=${PROOF}`))
  expect(String(last.challenge)).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  expect(last.identity).toEqual({ name: 'user', expiresAt: undefined })
})

describe('refuses', () => {
  test.each([
    ['another proof', `c=biws,r=${NONCE},p=${PROOF.replace('d', 'e')}`],
    ['a proof of another length', `c=biws,r=${NONCE},p=AAAA`],
    ['another nonce', `c=biws,r=${NONCE}x,p=${PROOF}`],
    ['the nonce of the client alone', `c=biws,r=rOprNGfwEbeRWgbNEkqO,p=${PROOF}`],
    ['another header', `c=eSws,r=${NONCE},p=${PROOF}`],
    ['a message without proof', `c=biws,r=${NONCE}`],
    ['nothing', ''],
  ])('%s', async (_, final) => {
    const exchange = rfc()
    await exchange.respond(Buffer.from(FIRST))
    await expect(exchange.respond(Buffer.from(final))).rejects.toBeInstanceOf(AuthenticationFailed)
  })

  test.each([
    ['a user that is not known', 'n,,n=other,r=abc'],
    ['channel binding', 'p=tls-unique,,n=user,r=abc'],
    ['a mandatory extension', 'n,,m=x,n=user,r=abc'],
    ['to act for somebody else', 'n,a=admin,n=user,r=abc'],
    ['a delegation token', 'n,,n=user,r=abc,tokenauth=true'],
    ['a name with a bare equals sign', 'n,,n=us=er,r=abc'],
    ['no nonce', 'n,,n=user'],
    ['garbage', '\x00\xff'],
  ])('%s', async (_, first) => {
    await expect(rfc().respond(Buffer.from(first))).rejects.toBeInstanceOf(AuthenticationFailed)
  })
})

test('names may hold commas and equals signs', async () => {
  const exchange = exchangeFor('SCRAM-SHA-512', 'a,b=c', 'secret', Buffer.from('salt'), 'n')
  expect(String((await exchange.respond(Buffer.from('n,,n=a=2Cb=3Dc,r=x'))).challenge)).toMatch(
    /^r=xn,s=c2FsdA==,i=4096$/,
  )
})
