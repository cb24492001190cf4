// Who trusts whom: one authority for one purpose, and a certificate for each role. A pure step from what the Secrets hold to
// what they should hold; whoever calls it writes the Secrets and calls again. The managed etcd of a cluster has an authority
// of its own, and so have the listeners of its brokers.
//
// States of the authority, and what leads from one to the next:
//   steady       one authority signs and is trusted           -> introducing, a year before the authority expires
//   introducing  a second one is trusted too and signs nothing -> retiring, when everybody has read both and the clients had
//                                                                the time to do so
//   retiring     the second signs, the first is still trusted  -> steady, when everybody had the time to show new certificates
// Members of etcd read certificates anew at each handshake, but what they trust only when they start: a change of what is
// trusted replaces members one by one. Brokers read both anew. In no state is a certificate in use that somebody does not
// trust.
//
// An authority whose key is lost goes on being trusted like one that retires, and a new one is introduced beside it.

import { createHash } from 'node:crypto'
import {
  CLOCK_DIFFERENCE_MS,
  certificatesOf,
  commonNameOf,
  type Issued,
  isSignedBy,
  issue,
  namesOf,
  newAuthority,
  parsed,
  sortedNames,
} from './certificate.ts'

/** PEM texts by the names that they have in a Secret. */
export type SecretData = Readonly<Record<string, string>>

export interface TrustSecrets {
  /** Of the authority; only the operator reads it. */
  readonly authority: SecretData | undefined
  /** What pods get, by role: `ca.crt`, `tls.crt`, `tls.key`. */
  readonly roles: ReadonlyMap<string, SecretData | undefined>
}

/** What a certificate is to say. */
export interface CertificateWish {
  readonly commonName: string
  readonly names: readonly string[]
  /** Such a one stands for no server. */
  readonly isClientOnly?: boolean
  /** Such a one lets nobody in. */
  readonly isServerOnly?: boolean
}

export interface TrustTimes {
  readonly authorityMs: number
  /** Before an authority expires the next one is introduced. */
  readonly renewAuthorityMs: number
  readonly certificateMs: number
  /** In which everybody has read what a Secret says now. */
  readonly settleMs: number
}

const DAY_MS = 86_400_000

/** Where only pods trust it: kubelets take up to two minutes to hand a Secret on, brokers half a minute more to read it. */
export const TRUST_TIMES: TrustTimes = {
  authorityMs: 5 * 365 * DAY_MS,
  renewAuthorityMs: 365 * DAY_MS,
  certificateMs: 365 * DAY_MS,
  settleMs: 900_000,
}

/** Where clients trust it that somebody else looks after: they have a month to take the next authority over. */
export const CLIENT_TRUST_TIMES: TrustTimes = { ...TRUST_TIMES, settleMs: 30 * DAY_MS }

export interface TrustQuestion {
  readonly secrets: TrustSecrets
  /** What the authority is called, to which something random is added. */
  readonly purpose: string
  /** By role. */
  readonly wanted: ReadonlyMap<string, CertificateWish>
  /** Whether those that trust only when they start have been started with this `version` of an earlier answer. */
  readonly isTrusted: (version: string) => boolean
  /** Milliseconds since 1970. */
  readonly now: number
  readonly times: TrustTimes
}

export type TrustPhase = 'steady' | 'introducing' | 'retiring'

export interface TrustPlan {
  readonly authority: SecretData
  readonly roles: ReadonlyMap<string, SecretData>
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
  const roles = new Map(
    [...wanted].map(([role, wish]) => [role, certified(secrets.roles.get(role), wish, after, bundle, question)]),
  )
  const leaves = [...roles.values()].map(({ 'tls.crt': cert }) => validityOf(cert))
  const authorityEnds = validityOf(after.current.cert).until
  const due = [
    ...leaves.map(renewalOf),
    phaseOf(after) === 'steady' ? authorityEnds - times.renewAuthorityMs : after.since + times.settleMs,
  ]
  return {
    authority: written(after),
    roles,
    phase: phaseOf(after),
    version: versionOf(bundle),
    expiresAt: Math.min(authorityEnds, ...leaves.map(({ until }) => until)),
    lookAgainAt: Math.max(now, Math.min(...due)),
  }
}

export interface CertificatePlan {
  /** `ca.crt`, `tls.crt`, `tls.key`. */
  readonly data: SecretData
  /** ms since 1970. */
  readonly expiresAt: number
  readonly lookAgainAt: number
}

/**
 * One more certificate of an authority that `planTrust` keeps, for somebody who has a Secret of their own; `found` is what
 * that holds now. Undefined while there is no authority.
 */
export function planCertificate(
  authority: SecretData | undefined,
  found: SecretData | undefined,
  wanted: CertificateWish,
  question: Pick<TrustQuestion, 'now' | 'times'>,
): CertificatePlan | undefined {
  const authorities = read({ authority, roles: new Map() }, question.now)
  if (authorities === undefined) return undefined
  const data = certified(found, wanted, authorities, bundleOf(authorities), question)
  const validity = validityOf(data['tls.crt'])
  return { data, expiresAt: validity.until, lookAgainAt: renewalOf(validity) }
}

function begin({ purpose, secrets, now, times }: TrustQuestion): Authorities {
  const fresh = newAuthority(purpose, { from: now, until: now + times.authorityMs })
  // The key of the authority is lost, but not what members and clients trust: they go on trusting it.
  const [known] = [...secrets.roles.values()].flatMap(role => certificatesOf(role?.['ca.crt'] ?? ''))
  if (known === undefined) return { current: fresh, next: undefined, previous: '', since: now }
  return { current: { cert: known, key: undefined }, next: fresh, previous: '', since: now }
}

function advanced(state: Authorities, { purpose, isTrusted, now, times }: TrustQuestion): Authorities {
  const hasSettled = now - state.since >= times.settleMs
  if (state.next !== undefined) {
    if (!hasSettled || !isTrusted(versionOf(bundleOf(state)))) return state
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
  wanted: CertificateWish,
  authorities: Authorities,
  bundle: string,
  { now, times }: Pick<TrustQuestion, 'now' | 'times'>,
): SecretData {
  const { current, next } = authorities
  if (isGood(found, wanted, current.cert, now) && found !== undefined) return { ...found, 'ca.crt': bundle }
  const signer = current.key === undefined ? next : { cert: current.cert, key: current.key }
  if (signer === undefined) throw new Error('there is no authority to sign with')
  const until = Math.min(now + times.certificateMs, validityOf(signer.cert).until)
  const { cert, key } = issue(signer, { ...wanted, from: now, until })
  return { 'ca.crt': bundle, 'tls.crt': cert, 'tls.key': key }
}

function isGood(
  found: SecretData | undefined,
  { commonName, names }: CertificateWish,
  authority: string,
  now: number,
): boolean {
  const [cert, signer] = [parsed(found?.['tls.crt']), parsed(authority)]
  if (cert === undefined || signer === undefined || found?.['tls.key'] === undefined) return false
  if (now >= renewalOf(validityOf(found['tls.crt']))) return false
  if (!isSignedBy(cert, signer) || commonNameOf(cert) !== commonName) return false
  return namesOf(cert).join() === sortedNames(names).join()
}

/** When a certificate that counts in this time is renewed. */
const renewalOf = ({ from, until }: { readonly from: number; readonly until: number }): number =>
  from + (until - from) * RENEW_AFTER

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
