import { describe, expect, test } from '@jest/globals'
import { AuthenticationFailed } from './sasl.ts'
import { credentialOf, type ScramMechanism, saltedPassword, scramExchange } from './scram.ts'
import { ScramClient } from './scram-client.ts'

const CHALLENGE = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'

const rfc = () =>
  new ScramClient({ mechanism: 'SCRAM-SHA-256', user: 'user', password: 'pencil', nonce: 'rOprNGfwEbeRWgbNEkqO' })

test('speaks as in RFC 7677', () => {
  const client = rfc()
  expect(String(client.first())).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  expect(String(client.final(Buffer.from(CHALLENGE)))).toBe(
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  )
  expect(() => client.verify(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))).not.toThrow()
  expect(() => client.verify(Buffer.from('v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))).toThrow(
    AuthenticationFailed,
  )
})

test.each<ScramMechanism>(['SCRAM-SHA-256', 'SCRAM-SHA-512'])(
  '%s: our broker lets in whoever knows the password',
  async mechanism => {
    const facts = { salt: Buffer.from('salt'), iterations: 4096 }
    const credential = credentialOf(mechanism, { ...facts, saltedPassword: saltedPassword(mechanism, 'secret', facts) })
    const talk = async (password: string) => {
      const exchange = scramExchange(mechanism, {
        credential: user => (user === 'a=b,c' ? credential : undefined),
        newNonce: () => 'theirs',
      })
      const client = new ScramClient({ mechanism, user: 'a=b,c', password, nonce: 'ours' })
      const { challenge } = await exchange.respond(client.first())
      const last = await exchange.respond(client.final(challenge))
      client.verify(last.challenge)
      return last.identity?.name
    }
    expect(await talk('secret')).toBe('a=b,c')
    await expect(talk('other')).rejects.toThrow(AuthenticationFailed)
  },
)

describe('goes on with no broker that', () => {
  test.each([
    ['leaves out its part of the nonce', CHALLENGE.replace('%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0', '')],
    ['answers somebody else', CHALLENGE.replace('rOpr', 'xOpr')],
    ['asks for few iterations', CHALLENGE.replace('4096', '1')],
    ['says nothing', ''],
  ])('%s', (_, challenge) => {
    expect(() => rfc().final(Buffer.from(challenge))).toThrow(AuthenticationFailed)
  })

  test('signs before it was challenged', () => {
    expect(() => rfc().verify(Buffer.from('v='))).toThrow(AuthenticationFailed)
  })
})
