import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { certificatesOf, isSignedBy } from '../certificates/certificate.ts'
import { planTrust, ROLES, type TrustPlan, type TrustQuestion, type TrustSecrets, type TrustTimes } from './trust.ts'

const times: TrustTimes = {
  authorityMs: 100_000_000,
  renewAuthorityMs: 40_000_000,
  certificateMs: 30_000_000,
  settleMs: 5_000_000,
}
const wanted = {
  server: { commonName: 'orders-etcd', names: ['orders-etcd-0.orders-etcd', '127.0.0.1'] },
  peer: { commonName: 'orders-etcd-peer', names: ['orders-etcd-0.orders-etcd'] },
  client: { commonName: 'orders-etcd-client', names: [] },
}
const NOTHING: TrustSecrets = { authority: undefined, roles: { server: undefined, peer: undefined, client: undefined } }
const start = Date.UTC(2026, 0, 1)

function plan(secrets: TrustSecrets, now: number, more: Partial<TrustQuestion> = {}): TrustPlan {
  return planTrust({ secrets, purpose: 'orders etcd', wanted, runsWith: undefined, now, times, ...more })
}

const certificate = (pem: string | undefined): X509Certificate => new X509Certificate(pem ?? '')

/** Everybody's certificate was signed by somebody whom everybody trusts, and counts at `now`. */
function expectTrusted({ roles }: TrustPlan, now: number): void {
  for (const shown of ROLES) {
    const leaf = certificate(roles[shown]['tls.crt'])
    expect(leaf.validToDate.getTime()).toBeGreaterThan(now)
    for (const judge of ROLES) {
      const trusted = certificatesOf(roles[judge]['ca.crt'] ?? '').map(pem => new X509Certificate(pem))
      expect(trusted.filter(authority => isSignedBy(leaf, authority))).toHaveLength(1)
    }
  }
}

describe('the certificates of a managed etcd', () => {
  test('are made when there are none, and left alone while they are good', () => {
    const first = plan(NOTHING, start)
    expectTrusted(first, start)
    expect(first.phase).toBe('steady')
    expect(plan(first, start + 1_000_000)).toEqual({ ...first, lookAgainAt: first.lookAgainAt })
  })

  test('are renewed after two thirds of their life, each by itself, without anybody trusting anybody else', () => {
    const first = plan(NOTHING, start)
    const later = plan(first, start + 21_000_000)
    expect(later.version).toBe(first.version)
    for (const role of ROLES) expect(later.roles[role]['tls.crt']).not.toBe(first.roles[role]['tls.crt'])
    expectTrusted(later, start + 21_000_000)
  })

  test('are made anew for other names', () => {
    const first = plan(NOTHING, start)
    const names = [...wanted.server.names, 'orders-etcd-1.orders-etcd']
    const other = plan(first, start, { wanted: { ...wanted, server: { ...wanted.server, names } } })
    expect(other.roles.server['tls.crt']).not.toBe(first.roles.server['tls.crt'])
    expect(other.roles.peer).toEqual(first.roles.peer)
  })

  test('change their authority in steps, and at every step whoever has the old or the new Secret is trusted by all', () => {
    let now = start
    let last = plan(NOTHING, now)
    const phases = [last.phase]
    const signers = new Set([last.authority['ca.crt']])
    for (; now < start + 200_000_000; now += 1_000_000) {
      const next = plan(last, now, { runsWith: last.version })
      expectTrusted(next, now)
      // Some still have the Secrets of the step before, the others already have the new ones.
      for (const [older, newer] of [
        [last, next],
        [next, last],
      ] as const) {
        const trusted = certificatesOf(older.roles.server['ca.crt'] ?? '').map(pem => new X509Certificate(pem))
        const leaf = certificate(newer.roles.client['tls.crt'])
        if (leaf.validToDate.getTime() > now) expect(trusted.some(authority => isSignedBy(leaf, authority))).toBe(true)
      }
      if (next.phase !== last.phase) phases.push(next.phase)
      signers.add(next.authority['ca.crt'])
      last = next
    }
    expect(phases.slice(0, 4)).toEqual(['steady', 'introducing', 'retiring', 'steady'])
    expect(signers.size).toBeGreaterThan(2)
  })

  test('wait with the new authority for members that do not run with it yet', () => {
    const first = plan(NOTHING, start)
    const due = start + 61_000_000
    const introducing = plan(first, due, { runsWith: first.version })
    expect(introducing.phase).toBe('introducing')
    expect(introducing.version).not.toBe(first.version)
    expect(plan(introducing, due + 20_000_000, { runsWith: first.version }).phase).toBe('introducing')
    expect(plan(introducing, due + 4_000_000, { runsWith: introducing.version }).phase).toBe('introducing')
    expect(plan(introducing, due + 6_000_000, { runsWith: introducing.version }).phase).toBe('retiring')
  })

  test('survive the loss of the authority: it goes on being trusted until a new one is', () => {
    const first = plan(NOTHING, start)
    const without = plan({ authority: undefined, roles: first.roles }, start + 1_000_000)
    expect(without.phase).toBe('introducing')
    for (const role of ROLES) expect(without.roles[role]['tls.crt']).toBe(first.roles[role]['tls.crt'])
    const after = plan(without, start + 7_000_000, { runsWith: without.version })
    expect(after.phase).toBe('retiring')
    expectTrusted(after, start + 7_000_000)
  })

  test('say when the next one is due', () => {
    const first = plan(NOTHING, start)
    expect(first.lookAgainAt).toBeLessThanOrEqual(start + 20_000_000)
    expect(first.lookAgainAt).toBeGreaterThan(start)
    expect(first.expiresAt).toBe(start + 30_000_000)
  })
})
