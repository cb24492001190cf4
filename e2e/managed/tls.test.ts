// TLS of a managed etcd on three real members, started from what the operator writes: nobody without a certificate is heard,
// and certificates and authorities are renewed while a broker's ledger is written to without a break.

import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { EtcdLedger } from '../../broker/ledger/etcd/ledger.ts'
import { issue, newAuthority } from '../../operator/certificates/certificate.ts'
import { EtcdMember } from '../../operator/etcd/etcd-member.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { etcd as programs } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { ManagedCluster } from './managed-cluster.ts'

const LIMIT_MS = 300_000

await suiteWith('TLS of a managed etcd', programs(), etcd => {
  let cluster: ManagedCluster

  const textOf = (secret: string, file: string): string => {
    const data = Object(cluster.api.get(RESOURCES.secrets, { namespace: 'shop', name: secret })?.data)
    return Buffer.from(String(data[file] ?? ''), 'base64').toString('utf8')
  }
  const clientTls = () => ({
    ca: textOf('orders-etcd-client', 'ca.crt'),
    cert: textOf('orders-etcd-client', 'tls.crt'),
    key: textOf('orders-etcd-client', 'tls.key'),
  })
  const endpoints = (): string[] =>
    [0, 1, 2].map(index => `https://127.0.0.1:${cluster.node.ports.of(`orders-etcd-${index}`, 2379)}`)

  beforeAll(async () => {
    const trustTimes = { authorityMs: 3_600_000, renewAuthorityMs: 3_570_000, certificateMs: 300_000, settleMs: 3000 }
    cluster = await ManagedCluster.start({ etcd, operator: { trustTimes } })
    await cluster.apply({
      etcd: { managed: { replicas: 3, snapshots: { enabled: false } } },
      hibernation: { enabled: true },
    })
    await cluster.membersReady(3)
  }, LIMIT_MS)
  afterAll(() => cluster.stop())

  test('members hear only whoever has a certificate of their authority', async () => {
    const [endpoint = ''] = endpoints()
    const tls = clientTls()
    const welcome = new EtcdMember(endpoint, tls)
    expect((await welcome.members()).map(({ name }) => name).sort()).toEqual([
      'orders-etcd-0',
      'orders-etcd-1',
      'orders-etcd-2',
    ])
    welcome.close()
    const now = Date.now()
    const validity = { from: now, until: now + 3_600_000 }
    const foreign = issue(newAuthority('another', validity), { commonName: 'intruder', names: [], ...validity })
    for (const stranger of [
      new EtcdMember(endpoint, { ...tls, cert: foreign.cert, key: foreign.key }),
      new EtcdMember(endpoint.replace('https', 'http'), undefined),
    ]) {
      await expect(stranger.value('a')).rejects.toThrow()
      stranger.close()
    }
  })

  test(
    'certificates and the authority are renewed while entries are appended without a break',
    async () => {
      const ledger = await EtcdLedger.open({
        endpoints: endpoints(),
        prefix: 'tls',
        tls: clientTls(),
        clock: systemClock,
      })
      const epoch = await ledger.openSession('writer', Buffer.from('x'))
      const first = { ...clientTls(), authority: textOf('orders-etcd-ca', 'ca.crt') }
      const phases = new Set<string>()
      let shown = JSON.stringify(clientTls())
      let longest = 0
      let number = 0
      // A new authority is introduced, everybody is started with it, it signs, and the old one is forgotten.
      const isDone = (): boolean =>
        phases.has('introducing') &&
        phases.has('retiring') &&
        cluster.status?.etcd?.certificates?.phase === 'steady' &&
        textOf('orders-etcd-ca', 'ca.crt') !== first.authority &&
        !textOf('orders-etcd-client', 'ca.crt').includes(first.authority)
      const end = Date.now() + 120_000
      while (!isDone() && Date.now() < end) {
        const began = performance.now()
        expect(await ledger.append(epoch, ++number, Buffer.from('entry'))).toBe('appended')
        longest = Math.max(longest, performance.now() - began)
        const now = clientTls()
        if (JSON.stringify(now) !== shown) ledger.renewTls(now)
        shown = JSON.stringify(now)
        const phase = cluster.status?.etcd?.certificates?.phase
        if (phase !== undefined) phases.add(phase)
        await sleep(50)
      }
      expect(isDone()).toBe(true)
      expect(number).toBeGreaterThan(50)
      // Members are replaced one at a time: an append waits for an election at the most.
      expect(longest).toBeLessThan(20_000)
      await ledger.close()
      // Each member is started once more, to trust the old authority no longer.
      await cluster.until('the old certificate is refused', async () => {
        const old = new EtcdMember(endpoints()[0] ?? '', { ca: clientTls().ca, cert: first.cert, key: first.key })
        const isRefused = await old.value('a').then(
          () => false,
          (cause: unknown) => !/ECONNREFUSED/.test(String(cause)),
        )
        old.close()
        return isRefused
      })
    },
    LIMIT_MS,
  )

  test('etcd is started with what the operator wrote, and TLS on every port but that of health', async () => {
    // The pod may be on its way to another life.
    let config = ''
    for (const end = Date.now() + 60_000; config === ''; await sleep(200)) {
      config = await readFile(cluster.node.configOf('orders-etcd-0'), 'utf8').catch(cause => {
        if (Date.now() > end) throw cause
        return ''
      })
    }
    expect(JSON.parse(config)).toMatchObject({
      'client-transport-security': { 'client-cert-auth': true },
      'peer-transport-security': { 'client-cert-auth': true, 'allowed-cn': ['orders-etcd-peer'] },
    })
  })
})
