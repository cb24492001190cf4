import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { certificatesOf, isSignedBy } from './certificate.ts'
import {
  planCertificate,
  planTrust,
  type SecretData,
  type TrustPlan,
  type TrustQuestion,
  type TrustSecrets,
  type TrustTimes,
} from './trust.ts'

const times: TrustTimes = {
  authorityMs: 100_000_000,
  renewAuthorityMs: 40_000_000,
  certificateMs: 30_000_000,
  settleMs: 5_000_000,
}
const server = { commonName: 'orders-etcd', names: ['orders-etcd-0.orders-etcd', '127.0.0.1', '::1'] }
const wanted = new Map([
  ['server', server],
  ['peer', { commonName: 'orders-etcd-peer', names: ['orders-etcd-0.orders-etcd'] }],
  ['client', { commonName: 'orders-etcd-client', names: [] }],
])
const ROLES = [...wanted.keys()]
const NOTHING: TrustSecrets = { authority: undefined, roles: new Map() }
const start = Date.UTC(2026, 0, 1)

function plan(secrets: TrustSecrets, now: number, more: Partial<TrustQuestion> = {}): TrustPlan {
  return planTrust({ secrets, purpose: 'orders etcd', wanted, isTrusted: () => false, now, times, ...more })
}

const of = ({ roles }: TrustPlan, role: string): SecretData => roles.get(role) ?? {}
const runningWith = (version: string) => ({ isTrusted: (other: string) => other === version })

const certificate = (pem: string | undefined): X509Certificate => new X509Certificate(pem ?? '')

/** Everybody's certificate was signed by somebody whom everybody trusts, and counts at `now`. */
function expectTrusted(plan: TrustPlan, now: number): void {
  for (const shown of ROLES) {
    const leaf = certificate(of(plan, shown)['tls.crt'])
    expect(leaf.validToDate.getTime()).toBeGreaterThan(now)
    for (const judge of ROLES) {
      const trusted = certificatesOf(of(plan, judge)['ca.crt'] ?? '').map(pem => new X509Certificate(pem))
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
    for (const role of ROLES) expect(of(later, role)['tls.crt']).not.toBe(of(first, role)['tls.crt'])
    expectTrusted(later, start + 21_000_000)
  })

  test('are made anew for other names', () => {
    const first = plan(NOTHING, start)
    const names = [...server.names, 'orders-etcd-1.orders-etcd']
    const other = plan(first, start, { wanted: new Map([...wanted, ['server', { ...server, names }]]) })
    expect(of(other, 'server')['tls.crt']).not.toBe(of(first, 'server')['tls.crt'])
    expect(of(other, 'peer')).toEqual(of(first, 'peer'))
  })

  test('change their authority in steps, and at every step whoever has the old or the new Secret is trusted by all', () => {
    let now = start
    let last = plan(NOTHING, now)
    const phases = [last.phase]
    const signers = new Set([last.authority['ca.crt']])
    for (; now < start + 200_000_000; now += 1_000_000) {
      const next = plan(last, now, runningWith(last.version))
      expectTrusted(next, now)
      // Some still have the Secrets of the step before, the others already have the new ones.
      for (const [older, newer] of [
        [last, next],
        [next, last],
      ] as const) {
        const trusted = certificatesOf(of(older, 'server')['ca.crt'] ?? '').map(pem => new X509Certificate(pem))
        const leaf = certificate(of(newer, 'client')['tls.crt'])
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
    const introducing = plan(first, due, runningWith(first.version))
    expect(introducing.phase).toBe('introducing')
    expect(introducing.version).not.toBe(first.version)
    expect(plan(introducing, due + 20_000_000, runningWith(first.version)).phase).toBe('introducing')
    expect(plan(introducing, due + 4_000_000, runningWith(introducing.version)).phase).toBe('introducing')
    expect(plan(introducing, due + 6_000_000, runningWith(introducing.version)).phase).toBe('retiring')
  })

  test('survive the loss of the authority: it goes on being trusted until a new one is', () => {
    const first = plan(NOTHING, start)
    const without = plan({ authority: undefined, roles: first.roles }, start + 1_000_000)
    expect(without.phase).toBe('introducing')
    for (const role of ROLES) expect(of(without, role)['tls.crt']).toBe(of(first, role)['tls.crt'])
    const after = plan(without, start + 7_000_000, runningWith(without.version))
    expect(after.phase).toBe('retiring')
    expectTrusted(after, start + 7_000_000)
  })

  test('are signed for others too, who show themselves as clients and never as servers', () => {
    const first = plan(NOTHING, start)
    const wish = { commonName: 'alice', names: [], isClientOnly: true }
    const made = planCertificate(first.authority, undefined, wish, { now: start, times })
    const leaf = certificate(made?.data['tls.crt'])
    expect([leaf.subject, leaf.keyUsage]).toEqual(['CN=alice', ['1.3.6.1.5.5.7.3.2']])
    expect(isSignedBy(leaf, certificate(first.authority['ca.crt']))).toBe(true)
    const later = { now: start + 1_000_000, times }
    expect(planCertificate(first.authority, made?.data, wish, later)?.data).toEqual(made?.data)
    const other = planCertificate(first.authority, made?.data, { ...wish, commonName: 'bob' }, later)
    expect(certificate(other?.data['tls.crt']).subject).toBe('CN=bob')
    const due = planCertificate(first.authority, made?.data, wish, { now: made?.lookAgainAt ?? 0, times })
    expect(due?.data['tls.crt']).not.toBe(made?.data['tls.crt'])
    expect(planCertificate(undefined, undefined, wish, later)).toBeUndefined()
  })

  test('say when the next one is due', () => {
    const first = plan(NOTHING, start)
    expect(first.lookAgainAt).toBeLessThanOrEqual(start + 20_000_000)
    expect(first.lookAgainAt).toBeGreaterThan(start)
    expect(first.expiresAt).toBe(start + 30_000_000)
  })
})
