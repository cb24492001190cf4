// Who trusts whom in a managed etcd: one authority per cluster, and a certificate for each role. A pure step from what the
// Secrets hold to what they should hold; whoever calls it writes the Secrets and calls again.
//
// States of the authority, and what leads from one to the next:
//   steady       one authority signs and is trusted           -> introducing, a year before the authority expires
//   introducing  a second one is trusted too and signs nothing -> retiring, when every member runs with both and the clients
//                                                                had the time to read both
//   retiring     the second signs, the first is still trusted  -> steady, when everybody had the time to show new certificates
// Members read certificates anew at each handshake, but what they trust only when they start: a change of what is trusted
// replaces members one by one. In no state is a certificate in use that somebody does not trust.
//
// An authority whose key is lost goes on being trusted like one that retires, and a new one is introduced beside it.

import { createHash } from 'node:crypto'
import {
  CLOCK_DIFFERENCE_MS,
  certificatesOf,
  type Issued,
  isSignedBy,
  issue,
  namesOf,
  newAuthority,
  parsed,
} from '../certificates/certificate.ts'

export const ROLES = ['server', 'peer', 'client'] as const
export type Role = (typeof ROLES)[number]

/** PEM texts by the names that they have in a Secret. */
export type SecretData = Readonly<Record<string, string>>

export interface TrustSecrets {
  /** Of the authority; only the operator reads it. */
  readonly authority: SecretData | undefined
  /** What pods get: `ca.crt`, `tls.crt`, `tls.key`. */
  readonly roles: Readonly<Record<Role, SecretData | undefined>>
}

export interface TrustTimes {
  readonly authorityMs: number
  /** Before an authority expires the next one is introduced. */
  readonly renewAuthorityMs: number
  readonly certificateMs: number
  /** In which everybody has read what a Secret says now: kubelets take up to two minutes, brokers half a minute more. */
  readonly settleMs: number
}

const DAY_MS = 86_400_000

export const TRUST_TIMES: TrustTimes = {
  authorityMs: 5 * 365 * DAY_MS,
  renewAuthorityMs: 365 * DAY_MS,
  certificateMs: 365 * DAY_MS,
  settleMs: 900_000,
}

export interface TrustQuestion {
  readonly secrets: TrustSecrets
  /** What the authority is called, to which something random is added. */
  readonly purpose: string
  readonly wanted: Readonly<Record<Role, { readonly commonName: string; readonly names: readonly string[] }>>
  /** `version` of an earlier answer that every member has been started with. */
  readonly runsWith: string | undefined
  /** Milliseconds since 1970. */
  readonly now: number
  readonly times: TrustTimes
}

export type TrustPhase = 'steady' | 'introducing' | 'retiring'

export interface TrustPlan {
  readonly authority: SecretData
  readonly roles: Readonly<Record<Role, SecretData>>
  readonly phase: TrustPhase
  /** Of the set of trusted authorities: members that were started with another one have to be replaced. */
  readonly version: string
  /** When the first certificate in use ends, ms since 1970. */
  readonly expiresAt: number
  /** When to look again, ms since 1970. */
  readonly lookAgainAt: number
}

interface Authorities {
  readonly current: { readonly cert: string; readonly key: string | undefined }
  readonly next: Issued | undefined
  /** Still trusted, PEM. */
  readonly previous: string
  /** When this state began, ms since 1970. */
  readonly since: number
}

/** Of a certificate's life, after which it is renewed. */
const RENEW_AFTER = 2 / 3

export function planTrust(question: TrustQuestion): TrustPlan {
  const { secrets, wanted, now, times } = question
  const before = read(secrets, now) ?? begin(question)
  const after = advanced(before, question)
  const bundle = bundleOf(after)
  const roles = Object.fromEntries(
    ROLES.map(role => [role, certified(secrets.roles[role], wanted[role], after, bundle, question)]),
  )
  const { server = {}, peer = {}, client = {} } = roles
  const leaves = [server, peer, client].map(({ 'tls.crt': cert }) => validityOf(cert))
  const authorityEnds = validityOf(after.current.cert).until
  const due = [
    ...leaves.map(({ from, until }) => from + (until - from) * RENEW_AFTER),
    phaseOf(after) === 'steady' ? authorityEnds - times.renewAuthorityMs : after.since + times.settleMs,
  ]
  return {
    authority: written(after),
    roles: { server, peer, client },
    phase: phaseOf(after),
    version: versionOf(bundle),
    expiresAt: Math.min(authorityEnds, ...leaves.map(({ until }) => until)),
    lookAgainAt: Math.max(now, Math.min(...due)),
  }
}

function begin({ purpose, secrets, now, times }: TrustQuestion): Authorities {
  const fresh = newAuthority(purpose, { from: now, until: now + times.authorityMs })
  // The key of the authority is lost, but not what members and clients trust: they go on trusting it.
  const [known] = certificatesOf(secrets.roles.server?.['ca.crt'] ?? '')
  if (known === undefined) return { current: fresh, next: undefined, previous: '', since: now }
  return { current: { cert: known, key: undefined }, next: fresh, previous: '', since: now }
}

function advanced(state: Authorities, { purpose, runsWith, now, times }: TrustQuestion): Authorities {
  const hasSettled = now - state.since >= times.settleMs
  if (state.next !== undefined) {
    const isTrusted = runsWith === versionOf(bundleOf(state))
    if (!hasSettled || !isTrusted) return state
    return { current: state.next, next: undefined, previous: state.current.cert + state.previous, since: now }
  }
  if (state.previous !== '') return hasSettled ? { ...state, previous: '', since: now } : state
  if (validityOf(state.current.cert).until - now > times.renewAuthorityMs) return state
  return { ...state, next: newAuthority(purpose, { from: now, until: now + times.authorityMs }), since: now }
}

/** Sorted, so that it does not change when the two change their parts. */
const bundleOf = ({ current, next, previous }: Authorities): string =>
  [...new Set([current.cert, ...(next === undefined ? [] : [next.cert]), ...certificatesOf(previous)])].sort().join('')

const versionOf = (bundle: string): string => createHash('sha256').update(bundle).digest('hex').slice(0, 16)

const phaseOf = ({ next, previous }: Authorities): TrustPhase => {
  if (next !== undefined) return 'introducing'
  return previous === '' ? 'steady' : 'retiring'
}

function certified(
  found: SecretData | undefined,
  wanted: TrustQuestion['wanted'][Role],
  authorities: Authorities,
  bundle: string,
  { now, times }: TrustQuestion,
): SecretData {
  const { current, next } = authorities
  if (isGood(found, wanted.names, current.cert, now) && found?.['ca.crt'] === bundle) return found
  if (isGood(found, wanted.names, current.cert, now) && found !== undefined) return { ...found, 'ca.crt': bundle }
  const signer = current.key === undefined ? next : { cert: current.cert, key: current.key }
  if (signer === undefined) throw new Error('there is no authority to sign with')
  const until = Math.min(now + times.certificateMs, validityOf(signer.cert).until)
  const { cert, key } = issue(signer, { ...wanted, from: now, until })
  return { 'ca.crt': bundle, 'tls.crt': cert, 'tls.key': key }
}

function isGood(found: SecretData | undefined, names: readonly string[], authority: string, now: number): boolean {
  const [cert, signer] = [parsed(found?.['tls.crt']), parsed(authority)]
  if (cert === undefined || signer === undefined || found?.['tls.key'] === undefined) return false
  const { from, until } = validityOf(found['tls.crt'])
  if (now >= from + (until - from) * RENEW_AFTER) return false
  return isSignedBy(cert, signer) && namesOf(cert).join() === [...names].sort().join()
}

function validityOf(pem: string | undefined): { readonly from: number; readonly until: number } {
  const cert = parsed(pem)
  if (cert === undefined) return { from: 0, until: 0 }
  return { from: cert.validFromDate.getTime() + CLOCK_DIFFERENCE_MS, until: cert.validToDate.getTime() }
}

/** Undefined when there is nothing that could be used. */
function read({ authority: data }: TrustSecrets, now: number): Authorities | undefined {
  const current = parsed(data?.['ca.crt'])
  if (data === undefined || current === undefined) return undefined
  const { 'next.crt': cert, 'next.key': key, since = '' } = data
  const began = Date.parse(since)
  return {
    current: { cert: data['ca.crt'] ?? '', key: data['ca.key'] },
    next: cert === undefined || key === undefined || parsed(cert) === undefined ? undefined : { cert, key },
    previous: certificatesOf(data['previous.crt'] ?? '').join(''),
    since: Number.isNaN(began) ? now : began,
  }
}

const written = ({ current, next, previous, since }: Authorities): SecretData => ({
  'ca.crt': current.cert,
  ...(current.key === undefined ? {} : { 'ca.key': current.key }),
  ...(next === undefined ? {} : { 'next.crt': next.cert, 'next.key': next.key }),
  ...(previous === '' ? {} : { 'previous.crt': previous }),
  since: new Date(since).toISOString(),
})
