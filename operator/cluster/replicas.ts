// How many brokers are wanted. The number never is part of the Deployment that is applied: it is written through /scale.

import type { Look } from '../scaling/autoscaler.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import type { Workload } from './live.ts'

const DEFAULT_REPLICAS = 3

/**
 * `brokers` is the Deployment as it is at this moment, `look` what was last seen of the load. A decision holds for the size that
 * it was made for: when somebody has changed that meanwhile, the next look decides.
 */
export function desiredReplicas(
  { spec }: Pick<KafScaleCluster, 'spec'>,
  brokers: Pick<Workload, 'wanted' | 'isSized'> | undefined,
  look: Look | undefined,
): number {
  if (spec.hibernation.enabled) return 0
  const given = spec.brokers.replicas
  const { wanted: now, isSized = false } = brokers ?? {}
  switch (spec.scaling.mode) {
    case 'Manual':
    case 'External':
      return given ?? DEFAULT_REPLICAS
    // Whoever comes from Auto keeps the size that they have.
    case 'Recommend':
      return given ?? (now === undefined || now === 0 || !isSized ? DEFAULT_REPLICAS : now)
    // The signals rule; the spec says only where to begin: when it was just made, and after a rest.
    case 'Auto':
      if (brokers === undefined || now === undefined || now === 0 || isUnbegun({ spec }, brokers))
        return initialSize({ spec })
      return look !== undefined && look.observation.current === now ? look.decision.desired : now
  }
}

/** Nobody has set the number of brokers yet, and the one that the API server put there is not the one to begin with. */
export function isUnbegun(
  { spec }: Pick<KafScaleCluster, 'spec'>,
  { wanted, isSized }: Pick<Workload, 'wanted' | 'isSized'>,
): boolean {
  return spec.scaling.mode === 'Auto' && !isSized && wanted !== initialSize({ spec })
}

function initialSize({ spec }: Pick<KafScaleCluster, 'spec'>): number {
  const { min, max = Number.MAX_SAFE_INTEGER } = spec.scaling
  return Math.min(Math.max(spec.brokers.replicas ?? min, min), max)
}
