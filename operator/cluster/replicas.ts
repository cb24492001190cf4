// How many brokers are wanted. The number never is part of the Deployment that is applied: it is written through /scale.

import type { Look } from '../scaling/autoscaler.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'

const DEFAULT_REPLICAS = 3

/**
 * `now` is what the Deployment wants at this moment, `look` what was last seen of the load. A decision holds for the size that
 * it was made for: when somebody has changed that meanwhile, the next look decides.
 */
export function desiredReplicas(
  { spec }: Pick<KafScaleCluster, 'spec'>,
  now: number | undefined,
  look: Look | undefined,
): number {
  if (spec.hibernation.enabled) return 0
  const { mode, min, max = Number.MAX_SAFE_INTEGER } = spec.scaling
  const given = spec.brokers.replicas
  const isNew = now === undefined || now === 0
  switch (mode) {
    case 'Manual':
    case 'External':
      return given ?? DEFAULT_REPLICAS
    // Whoever comes from Auto keeps the size that they have.
    case 'Recommend':
      return given ?? (isNew ? DEFAULT_REPLICAS : now)
    // The signals rule; the spec says only where to begin. A Deployment that was just made has none, and none after a rest.
    case 'Auto':
      if (isNew) return Math.min(Math.max(given ?? min, min), max)
      return look !== undefined && look.observation.current === now ? look.decision.desired : now
  }
}
