// What a broker says that cannot use the etcd it was told of: one line with the setting to change. And the ways to be let
// in: TLS, TLS with a client certificate, a user with rights on the prefix only.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { EtcdLedger, type EtcdLedgerOptions, EtcdStartProblem } from '../../broker/ledger/etcd/ledger.ts'
import { Authority, type Certificate } from '../../testing/certificates.ts'
import { type Etcd, startEtcd } from '../../testing/etcd/etcd.ts'
import { freePorts } from '../../testing/ports.ts'
import { TcpProxy } from '../../testing/tcp-proxy.ts'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { eventually, Follower } from './follower.ts'

const prefix = 'kafscale/cluster-1'
const text = (path: string): Promise<string> => readFile(path, 'utf8')

/** The line of a refused start. */
async function refusal(options: Omit<EtcdLedgerOptions, 'clock' | 'startLimitMs'>): Promise<string> {
  const opened = EtcdLedger.open({ ...options, startLimitMs: 1500, clock: systemClock })
  const outcome = await opened.then(
    ledger => ledger,
    (cause: unknown) => cause,
  )
  if (outcome instanceof EtcdLedger) {
    await outcome.close()
    return 'it started'
  }
  expect(outcome).toBeInstanceOf(EtcdStartProblem)
  const { message } = outcome instanceof Error ? outcome : new Error('no error')
  expect(message.split('\n')).toHaveLength(1)
  return message
}

/** Opens a session, appends and follows. */
async function expectWorks(options: Omit<EtcdLedgerOptions, 'clock'>): Promise<void> {
  const follower = await Follower.start(options)
  try {
    const epoch = await follower.ledger.openSession('1', Buffer.from('me'))
    expect(await follower.ledger.append(epoch, 1, Buffer.from('x'))).toBe('appended')
    await eventually('it is seen', () => follower.numbers(epoch).length === 1)
    await follower.ledger.publishProgress(epoch, Buffer.from('p'))
    await follower.ledger.closeSession(epoch)
    await eventually('the end is seen', () => follower.sees('session-closed', epoch))
  } finally {
    await follower.stop()
  }
}

await suiteWith('starting with an etcd', programs(), part => {
  let folder: string
  let authority: Authority
  let server: Certificate
  let client: Certificate
  let etcd: Etcd

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-certificates-'))
    authority = await Authority.create(folder)
    server = await authority.sign('server')
    client = await authority.sign('client')
  }, 60_000)
  afterAll(() => rm(folder, { recursive: true }))

  describe('that is not there', () => {
    test('names the endpoints', async () => {
      const [port] = await freePorts(1)
      expect(await refusal({ endpoints: [`http://127.0.0.1:${port}`], prefix })).toMatch(
        new RegExp(`cannot be reached at http://127.0.0.1:${port} .*KAFSCALE_ETCD_ENDPOINTS`),
      )
    })

    test('names the endpoints when a server takes connections and says nothing', async () => {
      const proxy = await TcpProxy.start({ host: '127.0.0.1', port: 1 })
      proxy.silence()
      const line = await refusal({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix })
      await proxy.stop()
      expect(line).toMatch(/cannot be reached at .*KAFSCALE_ETCD_ENDPOINTS/)
    }, 20_000)
  })

  describe('without TLS', () => {
    beforeAll(async () => {
      etcd = await startEtcd(part)
    }, 60_000)
    afterAll(() => etcd.stop())

    test('works when some of the endpoints are down', async () => {
      const [first, second] = await freePorts(2)
      const endpoints = [`http://127.0.0.1:${first}`, ...etcd.endpoints, `http://127.0.0.1:${second}`]
      for (let round = 0; round < 3; round++) await expectWorks({ endpoints, prefix: `${prefix}/${round}` })
    }, 60_000)

    test('says when its side speaks TLS and etcd does not', async () => {
      const endpoints = etcd.endpoints.map(endpoint => endpoint.replace('http:', 'https:'))
      expect(await refusal({ endpoints, prefix })).toMatch(/KAFSCALE_ETCD_ENDPOINTS/)
    })

    test('says when a login is not wanted', async () => {
      const options = { endpoints: etcd.endpoints, prefix, username: 'kafscale', password: 'x' }
      expect(await refusal(options)).toMatch(/authentication switched off.*KAFSCALE_ETCD_USERNAME/)
    })
  })

  describe('with TLS', () => {
    beforeAll(async () => {
      etcd = await startEtcd(part, { tls: { ...server, ca: authority.cert } })
    }, 60_000)
    afterAll(() => etcd.stop())

    test('works with its authority', async () => {
      await expectWorks({ endpoints: etcd.endpoints, prefix, tls: { ca: await text(authority.cert) } })
    })

    test('names the authority when it is not trusted', async () => {
      expect(await refusal({ endpoints: etcd.endpoints, prefix })).toMatch(/not trusted.*KAFSCALE_ETCD_CA_FILE/)
      const other = await Authority.create(folder, 'other')
      const tls = { ca: await text(other.cert) }
      expect(await refusal({ endpoints: etcd.endpoints, prefix, tls })).toMatch(/not trusted.*KAFSCALE_ETCD_CA_FILE/)
    })

    test('says when the endpoints lack https', async () => {
      const endpoints = etcd.endpoints.map(endpoint => endpoint.replace('https:', 'http:'))
      expect(await refusal({ endpoints, prefix })).toMatch(/KAFSCALE_ETCD_ENDPOINTS.*https/)
    })

    test('names the files when they are no PEM', async () => {
      const tls = { ca: await text(authority.cert), cert: 'nothing', key: 'nothing' }
      expect(await refusal({ endpoints: etcd.endpoints, prefix, tls })).toMatch(/KAFSCALE_ETCD_CERT_FILE.*PEM/)
    })
  })

  describe('that wants client certificates', () => {
    beforeAll(async () => {
      etcd = await startEtcd(part, { tls: { ...server, ca: authority.cert, clientCa: authority.cert } })
    }, 60_000)
    afterAll(() => etcd.stop())

    test('works with one', async () => {
      const tls = { ca: await text(authority.cert), cert: await text(client.cert), key: await text(client.key) }
      await expectWorks({ endpoints: etcd.endpoints, prefix, tls })
    })

    test('names the files without one', async () => {
      const tls = { ca: await text(authority.cert) }
      expect(await refusal({ endpoints: etcd.endpoints, prefix, tls })).toMatch(/KAFSCALE_ETCD_CERT_FILE/)
    })
  })

  describe('that wants a login', () => {
    const login = { username: 'kafscale', password: 'secret' }

    beforeAll(async () => {
      // A token that nobody uses for two seconds is forgotten.
      etcd = await startEtcd(part, { rootPassword: 'root', args: ['--auth-token-ttl', '2'] })
      await etcd.ctl('user', 'add', 'kafscale:secret')
      await etcd.ctl('role', 'add', 'kafscale')
      await etcd.ctl('role', 'grant-permission', 'kafscale', '--prefix=true', 'readwrite', `${prefix}/`)
      await etcd.ctl('user', 'grant-role', 'kafscale', 'kafscale')
    }, 60_000)
    afterAll(() => etcd.stop())

    test('works with rights on the prefix only', () => expectWorks({ endpoints: etcd.endpoints, prefix, ...login }))

    test('removes entries with rights on the prefix only, and says that it may not compact', async () => {
      const follower = await Follower.start({ endpoints: etcd.endpoints, prefix: `${prefix}/small`, ...login })
      try {
        const epoch = await follower.ledger.openSession('1', Buffer.from('me'))
        for (let number = 1; number <= 4; number++) await follower.ledger.append(epoch, number, Buffer.from('x'))
        await eventually('all is seen', () => follower.numbers(epoch).length === 4)
        const [, first, second, third] = follower.events.map(({ position }) => ({ position, snapshot: `${position}` }))
        if (first === undefined || second === undefined || third === undefined) throw new Error('there are four')
        expect(await follower.ledger.moveCheckpoint(null, first)).toBe(true)
        expect(await follower.ledger.moveCheckpoint(first, second)).toBe(true)
        expect(await follower.ledger.moveCheckpoint(second, third)).toBe(true)
        expect(follower.warnings).toHaveLength(1)
        expect(follower.warnings[0]).toMatch(/auto-compaction/)
        const keys = await etcd.ctl('get', '--prefix', '--keys-only', `${prefix}/small/log/entry/`)
        expect(keys.split('\n').filter(Boolean)).toHaveLength(3)
      } finally {
        await follower.stop()
      }
    })

    test('says when there is none, a wrong one, or one without rights', async () => {
      const { endpoints } = etcd
      expect(await refusal({ endpoints, prefix })).toMatch(/wants a login.*KAFSCALE_ETCD_USERNAME/)
      expect(await refusal({ endpoints, prefix, ...login, password: 'wrong' })).toMatch(/KAFSCALE_ETCD_PASSWORD/)
      expect(await refusal({ endpoints, prefix: 'elsewhere', ...login })).toMatch(/elsewhere\/.*KAFSCALE_ETCD_PREFIX/)
    })

    test('goes on when its token is forgotten and when rights are changed', async () => {
      const follower = await Follower.start({ endpoints: etcd.endpoints, prefix, ttlSeconds: 20, ...login })
      try {
        const epoch = await follower.ledger.openSession('1', Buffer.from('me'))
        await new Promise(resolve => setTimeout(resolve, 3500))
        expect(await follower.ledger.append(epoch, 1, Buffer.from('x'))).toBe('appended')
        await etcd.ctl('role', 'grant-permission', 'kafscale', '--prefix=true', 'read', 'more/')
        expect(await follower.ledger.append(epoch, 2, Buffer.from('x'))).toBe('appended')
        await etcd.restart(0)
        await etcd.ready()
        expect(await follower.ledger.append(epoch, 3, Buffer.from('x'))).toBe('appended')
        await eventually('all is seen', () => follower.numbers(epoch).length === 3)
      } finally {
        await follower.stop()
      }
    }, 60_000)
  })
})
