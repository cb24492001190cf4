// What the status of a cluster says of its etcd and its bucket beyond their pods: certificates, lives, snapshots, and how the
// bucket was found. It replaces the conditions of that name, and leaves all others as they are.

import { type Condition, type Finding, inOrderOf, mergeConditions } from '../types/condition.ts'
import { CLUSTER_CONDITIONS, finder } from '../types/conditions.ts'
import { managedEtcdOf } from '../types/etcd.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import type { EtcdStanding } from './etcd-stand.ts'
import type { ClusterInputs } from './inputs.ts'

export interface CareView {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly inputs: ClusterInputs
  readonly previous: ClusterStatus | undefined
  readonly etcd: EtcdStanding | undefined
}

type Say = ReturnType<typeof finder<typeof CLUSTER_CONDITIONS>>

export function careStatus(status: ClusterStatus, view: CareView): ClusterStatus {
  const say = finder(CLUSTER_CONDITIONS, view.inputs.cluster.metadata.generation)
  const found = etcdFindings(say, view)
  return {
    ...status,
    conditions: replaced(status.conditions ?? [], view.previous?.conditions ?? [], found, view.now),
    etcd: etcdStatus(status.etcd, view),
  }
}

/** Each at its place: another order would be another status. */
function replaced(
  conditions: readonly Condition[],
  previous: readonly Condition[],
  found: readonly Finding[],
  now: number,
): Condition[] {
  const own = new Map(mergeConditions(previous, found, now).map(condition => [condition.type, condition]))
  const kept = conditions.map(condition => own.get(condition.type) ?? condition)
  const present = new Set(conditions.map(({ type }) => type))
  return inOrderOf(previous, [...kept, ...[...own.values()].filter(({ type }) => !present.has(type))])
}

function etcdFindings(say: Say, { inputs, etcd }: CareView): Finding[] {
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  if (managed === undefined) return [say('EtcdBackedUp', 'NotManaged')]
  if (etcd === undefined) return []
  return []
}

function etcdStatus(status: ClusterStatus['etcd'], { previous, etcd }: CareView): ClusterStatus['etcd'] {
  if (etcd === undefined) return { ...previous?.etcd, ...status }
  const { life, certificates } = etcd
  return {
    ...status,
    life,
    ...(certificates === undefined
      ? {}
      : { certificates: { phase: certificates.phase, expires: new Date(certificates.expiresAt).toISOString() } }),
    ...(previous?.etcd?.lastSnapshot === undefined ? {} : { lastSnapshot: previous.etcd.lastSnapshot }),
    ...(previous?.etcd?.restored === undefined ? {} : { restored: previous.etcd.restored }),
  }
}
