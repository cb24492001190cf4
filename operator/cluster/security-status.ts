// What the status of a cluster says of the certificates of its listeners.

import type { Finding } from '../types/condition.ts'
import type { CLUSTER_CONDITIONS, finder } from '../types/conditions.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import type { SecurityStanding } from './security-stand.ts'

type Say = ReturnType<typeof finder<typeof CLUSTER_CONDITIONS>>

interface SecurityView {
  /** Undefined when the pass did not come so far; what was told last stays. */
  readonly security?: SecurityStanding | undefined
  readonly previous: ClusterStatus | undefined
}

export function certificateFindings(say: Say, { security, previous }: SecurityView): Finding[] {
  if (security === undefined) {
    const known = previous?.conditions?.find(({ type }) => type === 'CertificatesReady')
    return known === undefined ? [] : [known]
  }
  const { refusal, certificates } = security
  if (refusal !== undefined) return [say('CertificatesReady', 'CertificatesMissing', refusal.message)]
  if (certificates === undefined) return [say('CertificatesReady', 'NoCertificates')]
  const isSteady = certificates.phase === 'steady'
  return [say('CertificatesReady', isSteady ? 'CertificatesValid' : 'AuthorityRollingOver')]
}

export function certificatesStatus({ security, previous }: SecurityView): Pick<ClusterStatus, 'certificates'> {
  const told =
    security?.certificates === undefined
      ? undefined
      : {
          phase: security.certificates.phase,
          expires: new Date(security.certificates.expiresAt).toISOString(),
        }
  return { certificates: security === undefined ? previous?.certificates : told }
}
