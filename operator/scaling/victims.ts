// Which brokers go when there are to be fewer: those whose end disturbs the fewest clients. Kubernetes takes pods of the
// lowest deletion cost first, after those that are not ready (KEP-2255).

import type { BrokerLoad } from './observation.ts'

/** Annotation of pods that Kubernetes goes by. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
/** Below 0, which is what every other pod costs. */
export const VICTIM_COST = '-1'

const traffic = ({ ingressBytesPerSecond = 0, egressBytesPerSecond = 0 }: BrokerLoad): number =>
  ingressBytesPerSecond + egressBytesPerSecond

/** Names of the pods that are to go. One whose load was not seen goes after those with connections, since it may have many. */
export function victims(brokers: readonly BrokerLoad[], count: number): readonly string[] {
  const connections = (broker: BrokerLoad): number => broker.connections ?? Number.POSITIVE_INFINITY
  return brokers
    .toSorted(
      (a, b) =>
        Number(a.ready) - Number(b.ready) ||
        (connections(a) === connections(b) ? 0 : connections(a) - connections(b)) ||
        traffic(a) - traffic(b) ||
        (a.name < b.name ? -1 : 1),
    )
    .slice(0, count)
    .map(({ name }) => name)
}
