// How many brokers are wanted. The number never is part of the Deployment that is applied: it is written through /scale.

import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'

const DEFAULT_REPLICAS = 3

/** `now` is what the Deployment wants at this moment. */
export function desiredReplicas({ spec }: Pick<KafScaleCluster, 'spec'>, now: number | undefined): number {
  if (spec.hibernation.enabled) return 0
  const { mode, min } = spec.scaling
  const given = spec.brokers.replicas
  if (mode === 'Manual' || mode === 'External') return given ?? DEFAULT_REPLICAS
  // The signals rule; the spec says only where to begin. A Deployment that was just made has one pod, or none after a rest.
  return now === undefined || now === 0 ? Math.max(given ?? min, min) : now
}
