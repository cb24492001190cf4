// What the status of a cluster says of the certificates of its listeners.

import { type Finding, rfc3339 } from '../types/condition.ts'
import type { CLUSTER_CONDITIONS, finder } from '../types/conditions.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import type { ForeignCertificate, SecurityStanding } from './security-stand.ts'

type Say = ReturnType<typeof finder<typeof CLUSTER_CONDITIONS>>

interface SecurityView {
  /** Milliseconds since 1970. */
  readonly now: number
  /** Undefined when the pass did not come so far; what was told last stays. */
  readonly security?: SecurityStanding | undefined
  readonly previous: ClusterStatus | undefined
}

/** A certificate that somebody else makes should be another one by then. */
const SOON_MS = 14 * 86_400_000

export function certificateFindings(say: Say, { security, previous, now }: SecurityView): Finding[] {
  if (security === undefined) {
    const known = previous?.conditions?.find(({ type }) => type === 'CertificatesReady')
    return known === undefined ? [] : [known]
  }
  const { refusal, certificates, foreign } = security
  if (refusal !== undefined) return [say('CertificatesReady', 'CertificatesMissing', refusal.message)]
  const ended = foreign.find(({ until }) => until <= now)
  if (ended !== undefined) return [say('CertificatesReady', 'CertificateExpired', endWords(ended, 'has ended'))]
  const ending = foreign.find(one => isEnding(one, now))
  if (ending !== undefined) return [say('CertificatesReady', 'CertificateExpiring', endWords(ending, 'ends'))]
  if (certificates === undefined) return [say('CertificatesReady', 'NoCertificates')]
  const isSteady = certificates.phase === 'steady'
  return [say('CertificatesReady', isSteady ? 'CertificatesValid' : 'AuthorityRollingOver')]
}

/** One that lives for a short time is renewed at two thirds of it, by cert-manager at least. */
const isEnding = ({ from, until }: ForeignCertificate, now: number): boolean =>
  until - now < Math.min(SOON_MS, (until - from) / 3)

function endWords({ listener, secret, until, isIssued }: ForeignCertificate, verb: 'ends' | 'has ended'): string {
  const todo = isIssued
    ? `look why cert-manager did not renew it: kubectl describe certificate ${secret}`
    : 'put a new one there; brokers read it by themselves'
  return `The certificate of listener ${listener}, in Secret ${secret}, ${verb} at ${rfc3339(until)}: ${todo}.`
}

export function certificatesStatus({
  security,
  previous,
}: Omit<SecurityView, 'now'>): Pick<ClusterStatus, 'certificates'> {
  const told =
    security?.certificates === undefined
      ? undefined
      : {
          phase: security.certificates.phase,
          expires: new Date(security.certificates.expiresAt).toISOString(),
        }
  return { certificates: security === undefined ? previous?.certificates : told }
}
