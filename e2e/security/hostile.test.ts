// Who must not come in: certificates that have expired or are of others, and bytes that nobody would send. And who stays in
// while certificates are renewed under the broker.

import { copyFile, mkdtemp, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import {
  newMetadataRequest,
  newSaslAuthenticateRequest,
  newSaslHandshakeRequest,
} from '../../broker/wire/messages.gen.ts'
import { Authority, type Certificate } from '../../testing/certificates.ts'
import { until } from '../../testing/operator.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { type Addresses, Secured } from './secured.ts'

jest.setTimeout(120_000)

const SEED = 20_261
const ATTACKS = 150

let secured: Secured
let ca: Buffer

beforeAll(async () => {
  secured = await Secured.start()
  ca = await readFile(secured.authority.cert)
}, 60_000)

afterAll(() => secured?.stop())

const portOf = (listener: keyof Addresses): number => Number(secured.addresses[listener].split(':')[1])

const open = (listener: keyof Addresses, more: Partial<Parameters<typeof BrokerConnection.open>[0]> = {}) =>
  BrokerConnection.open({
    ...{ host: '127.0.0.1', port: portOf(listener), clientId: 'test', clock: systemClock, timeoutMs: 10_000 },
    ...more,
  })

const topicCount = async (connection: BrokerConnection): Promise<number> =>
  (await connection.call('Metadata', newMetadataRequest({ topics: null }))).topics.length

/** Somebody with every right gets an answer. */
async function serve(): Promise<void> {
  const connection = await open('PLAINTEXT')
  expect(await topicCount(connection)).toBeGreaterThanOrEqual(0)
  connection.close()
}

describe('a client with a certificate', () => {
  const withCertificate = async ({ cert, key }: Certificate): Promise<string> => {
    const tls = { ca, cert: await readFile(cert), key: await readFile(key) }
    try {
      const connection = await open('SSL', { tls })
      connection.close()
      return 'came in'
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause)
    }
  }

  test('of the authority comes in', async () => {
    expect(await withCertificate(secured.client)).toBe('came in')
  })

  const writtenDown = (reason: string): Promise<true> =>
    until(`a line that says ${reason}`, () => {
      const lines = secured.log().split('\n')
      return lines.some(line => line.includes('"audit":"authentication"') && line.includes(reason))
    })

  test('that has expired is refused, and that is written down', async () => {
    const expired = await secured.authority.sign('late-client', undefined, undefined, '0')
    await sleep(1500)
    expect(await withCertificate(expired)).toMatch(/expired|closed/)
    await writtenDown('CERT_HAS_EXPIRED')
  })

  test('of another authority of the same name is refused', async () => {
    const folder = await mkdtemp(`${secured.folder}/other-`)
    const other = await Authority.create(folder)
    expect(await withCertificate(await other.sign('alice-client'))).toMatch(/unknown ca|alert|closed/)
    await writtenDown('the client has shown a certificate that is not trusted')
  })

  test('is what a client must show', async () => {
    await expect(open('SSL', { tls: { ca } })).rejects.toThrow()
    await writtenDown('the client has shown no certificate')
  })
})

test('a broker with another certificate than one of the authority is not believed', async () => {
  const other = await Authority.create(await mkdtemp(`${secured.folder}/stranger-`))
  await expect(open('SASL_SSL', { tls: { ca: await readFile(other.cert) } })).rejects.toThrow(/certificate/)
})

describe('bytes that nobody would send', () => {
  /** Resolves when the broker has ended the connection, or has been quiet for a while. */
  const send = (listener: keyof Addresses, bytes: Buffer, tls: boolean): Promise<void> =>
    new Promise(resolve => {
      const port = portOf(listener)
      const socket = tls ? connectTls({ port, host: '127.0.0.1', ca }) : connect(port, '127.0.0.1')
      const done = (): void => {
        clearTimeout(timer)
        socket.destroy()
        resolve()
      }
      const timer = setTimeout(done, 300)
      socket.on('error', done).on('close', done)
      socket.write(bytes)
    })

  test.each<[keyof Addresses, boolean]>([
    ['SASL_PLAINTEXT', false],
    ['SASL_SSL', false],
    ['SASL_SSL', true],
    ['SSL', false],
  ])('leave %s standing (TLS first: %s)', async (listener, tls) => {
    const random = new SeededRandom(SEED)
    const attacks = Array.from({ length: ATTACKS }, () => {
      const body = Buffer.from(Array.from({ length: random.int(0, 200) }, () => random.int(0, 255)))
      // Half of them with a length that fits, so that the request itself is read.
      const length = Buffer.alloc(4)
      length.writeUInt32BE(body.length)
      if (random.chance(0.5) && body.length > 4) body.writeUInt16BE(random.pick([17, 18, 36, 3]), 0)
      return random.chance(0.5) ? Buffer.concat([length, body]) : body
    })
    for (let from = 0; from < attacks.length; from += 25) {
      await Promise.all(attacks.slice(from, from + 25).map(bytes => send(listener, bytes, tls)))
    }
    await serve()
  })

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])(
    'as tokens of %s are refused, with no word of why in the log that tells a secret',
    async mechanism => {
      const random = new SeededRandom(SEED)
      for (let n = 0; n < 20; n++) {
        const connection = await open('SASL_PLAINTEXT')
        await connection.call('SaslHandshake', newSaslHandshakeRequest({ mechanism }))
        const token = random.chance(0.5)
          ? Buffer.from(Array.from({ length: random.int(0, 300) }, () => random.int(0, 255)))
          : Buffer.from(
              random.pick([
                'n,,n=alice,r=',
                'n,,n=,r=x',
                '\0alice\0',
                'n,,\x01auth=Bearer \x01\x01',
                'n,a=b,\x01',
                '\0\0\0\0',
              ]),
            )
        const outcome = await connection
          .call('SaslAuthenticate', newSaslAuthenticateRequest({ authBytes: token }))
          .then(({ errorCode: code }) => (code === 0 ? 'more is asked' : 'refused'))
          .catch(() => 'closed')
        // Only a first message of SCRAM that could be one may be answered by a challenge.
        if (outcome === 'more is asked') expect(mechanism).toMatch(/^SCRAM|^OAUTH/)
        await expect(topicCount(connection)).rejects.toThrow()
        connection.close()
      }
      await serve()
      expect(secured.log()).not.toMatch(/alice-secret|admin-secret|unhandled|TypeError|RangeError/i)
    },
  )
})

test('a renewed certificate of the broker counts for new connections, and old ones go on', async () => {
  const before = await open('SASL_SSL', {
    tls: { ca },
    login: { mechanism: 'PLAIN', user: 'alice', password: 'alice-secret' },
  })
  const serial = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket: TLSSocket = connectTls({ port: portOf('SASL_SSL'), host: '127.0.0.1', ca }, () => {
        const shown: PeerCertificate = socket.getPeerCertificate()
        socket.destroy()
        resolve(shown.serialNumber)
      })
      socket.on('error', reject)
    })
  const first = await serial()
  const next = await secured.authority.sign('renewed')
  await copyFile(next.key, `${secured.folder}/broker.key`)
  await copyFile(next.cert, `${secured.folder}/broker.pem`)
  let now = first
  for (let n = 0; n < 100 && now === first; n++) {
    await sleep(200)
    now = await serial()
  }
  expect(now).not.toBe(first)
  expect(await topicCount(before)).toBeGreaterThanOrEqual(0)
  before.close()
})
