// What the status of a cluster says of its etcd and its bucket beyond their pods: certificates, lives, snapshots, and how the
// bucket was found. It replaces the conditions of that name, and Ready where one of them says that clients cannot go on, or
// that they miss something; it leaves all others as they are.

import type { BucketReport } from '../bucket/look.ts'
import type { EtcdReport } from '../etcd/care.ts'
import { isRestoring, quorumOf } from '../etcd/life.ts'
import { type SnapshotView, snapshotView } from '../etcd/snapshot-view.ts'
import type { KubeObject } from '../runtime/object.ts'
import { type Condition, type Finding, inOrderOf, mergeConditions } from '../types/condition.ts'
import { CLUSTER_CONDITIONS, finder } from '../types/conditions.ts'
import { managedEtcdOf } from '../types/etcd.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import type { EtcdStanding } from './etcd-stand.ts'
import type { ClusterInputs } from './inputs.ts'
import type { SecurityStanding } from './security-stand.ts'
import { certificateFindings, certificatesStatus } from './security-status.ts'

export interface CareView {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly inputs: ClusterInputs
  readonly previous: ClusterStatus | undefined
  readonly etcd: EtcdStanding | undefined
  readonly security?: SecurityStanding | undefined
  readonly report: EtcdReport | undefined
  readonly bucket: BucketReport | undefined
  /** Members of the managed etcd that are ready. */
  readonly ready: number
  /** Of the cluster, of all components. */
  readonly pods: readonly KubeObject[]
}

type Say = ReturnType<typeof finder<typeof CLUSTER_CONDITIONS>>

/** Says of a restore, by its time, that somebody knows what is missing since then. */
const LOSS_KNOWN = 'kafscale.io/loss-known'

export function careStatus(status: ClusterStatus, view: CareView): ClusterStatus {
  const say = finder(CLUSTER_CONDITIONS, view.inputs.cluster.metadata.generation)
  const cared = [...etcdFindings(say, view), ...bucketFindings(say, view), ...certificateFindings(say, view)]
  const ready = readiness(say, status, cared, view.inputs.cluster.spec.s3.credentialsSecretRef !== undefined)
  const found = ready === undefined ? cared : [ready, ...cared]
  return {
    ...status,
    ...(ready === undefined ? {} : { phase: ready.reason }),
    conditions: replaced(status.conditions ?? [], view.previous?.conditions ?? [], found, view.now),
    etcd: etcdStatus(status.etcd, view),
    bucket: bucketStatus(view),
    ...certificatesStatus(view),
  }
}

/** Brokers end, or never get ready, without a bucket and a store of metadata that takes writes. */
const FOLLOWING = new Set(['Ready', 'Progressing', 'BrokersUnavailable', 'BrokersCrashing'])

/**
 * What Ready is to say instead of what the brokers' pods say; undefined when these are right. `sharesKeys`: the operator
 * looked at the bucket as the brokers do. What is forbidden to its own account may be allowed to theirs.
 */
function readiness(
  say: Say,
  { conditions = [] }: ClusterStatus,
  cared: readonly Finding[],
  sharesKeys: boolean,
): Finding | undefined {
  const plain = conditions.find(({ type }) => type === 'Ready')
  if (plain === undefined || !FOLLOWING.has(plain.reason)) return undefined
  const reasoned = (type: string, ...reasons: readonly string[]): Finding | undefined =>
    cared.find(finding => finding.type === type && (reasons.length === 0 || reasons.includes(finding.reason)))
  const etcd = reasoned('EtcdReady', 'EtcdNoSpace', 'EtcdCorrupt')
  if (etcd !== undefined) return say('Ready', 'EtcdUnavailable', etcd.message)
  const bucket = reasoned('BucketReady')
  const counts = bucket?.status === 'False' && (sharesKeys || bucket.reason !== 'BucketForbidden')
  if (counts) return say('Ready', 'BucketUnavailable', bucket.message)
  const loss = reasoned('RecordsLost', 'RecordsMissing')
  return loss !== undefined && plain.reason === 'Ready' ? say('Ready', 'RecordsMissing', loss.message) : undefined
}

/** What another operator found counts until this one has looked. */
function bucketFindings(say: Say, { bucket, previous }: CareView): Finding[] {
  if (bucket !== undefined) return [say('BucketReady', bucket.state, bucket.message)]
  const known = previous?.conditions?.find(({ type }) => type === 'BucketReady')
  return known === undefined ? [] : [known]
}

/** Before the first look of this operator it is what another one found. */
function bucketStatus({ bucket, previous, inputs }: CareView): ClusterStatus['bucket'] {
  const known = previous?.bucket
  const created = known?.created === true || bucket?.created === true
  return {
    name: inputs.cluster.spec.s3.bucket,
    ...(created ? { created } : {}),
    ...(bucket === undefined
      ? known?.differences && { differences: known.differences }
      : bucket.differences.length > 0 && { differences: bucket.differences.slice(0, 32) }),
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

function etcdFindings(say: Say, view: CareView): Finding[] {
  const { inputs, etcd } = view
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  if (managed === undefined) return [say('EtcdBackedUp', 'NotManaged')]
  if (etcd === undefined) return []
  return [...memberFinding(say, view, etcd), snapshotFinding(say, snapshotsOf(view)), lossFinding(say, view)]
}

/** Nothing where the pods say all. */
function memberFinding(say: Say, { report, ready, inputs }: CareView, { life, members }: EtcdStanding): Finding[] {
  const managed = managedEtcdOf(inputs.cluster.spec.etcd)
  const failed = members.find(({ verdict, life: of }) => verdict === 'failed' && of === life.number)
  if (isRestoring(life)) {
    if (failed !== undefined && ready < quorumOf(managed?.replicas ?? 1))
      return [say('EtcdReady', 'EtcdRestoreFailed', `${failed.member}: ${failed.problem ?? 'it did not say why'}`)]
    return [say('EtcdReady', 'EtcdRestoring')]
  }
  if (report?.isCorrupt === true) return [say('EtcdReady', 'EtcdCorrupt')]
  return report?.isFull === true ? [say('EtcdReady', 'EtcdNoSpace')] : []
}

const snapshotsOf = ({ inputs, pods, previous, now }: CareView): SnapshotView =>
  snapshotView(pods, previous?.etcd?.lastSnapshot, managedEtcdOf(inputs.cluster.spec.etcd)?.snapshots, now)

function snapshotFinding(say: Say, { state, problem }: SnapshotView): Finding {
  return say('EtcdBackedUp', state, problem)
}

function lossFinding(say: Say, view: CareView): Finding {
  const restored = restoredOf(view)
  if (restored === undefined) return say('RecordsLost', 'NothingLost')
  if (restored.objects === undefined) return say('RecordsLost', 'LookingForLoss')
  if (restored.objects === 0) return say('RecordsLost', 'NothingLost')
  if (view.inputs.cluster.metadata.annotations?.[LOSS_KNOWN] === restored.time) return say('RecordsLost', 'LossKnown')
  const { objects, records, lostFrom, lostUntil, report } = restored
  return say(
    'RecordsLost',
    'RecordsMissing',
    `${objects} objects with ${records} records were written after ${lostFrom}${lostUntil === undefined ? '' : ` and until ${lostUntil}`}, and nothing names them since etcd was restored at ${restored.time}. Some of them may never have been acknowledged. They are kept in the bucket; ${report} lists them.`,
  )
}

/** What is known of the last restore; undefined when there was none. */
const restoredOf = ({ report, previous, etcd }: CareView) =>
  report?.recovered === undefined
    ? previous?.etcd?.restored
    : restoredStatus(report.recovered, beganWith(report.recovered, previous, etcd))

const asTime = (ms: number): string => new Date(ms).toISOString()

/** Members tell of it until they are replaced. */
function beganWith(
  { time }: NonNullable<EtcdReport['recovered']>,
  previous: ClusterStatus | undefined,
  etcd: EtcdStanding | undefined,
): string | undefined {
  const known = previous?.etcd?.restored
  if (known?.time === asTime(time)) return known.lostFrom
  return etcd?.members.find(({ verdict }) => verdict === 'restored')?.time
}

/** Where the bucket had no checkpoint, it is the time of the snapshot that counts. */
function restoredStatus({ time, lostFrom, loss }: NonNullable<EtcdReport['recovered']>, begunWith: string | undefined) {
  return {
    time: asTime(time),
    lostFrom: lostFrom > 0 ? asTime(lostFrom) : (begunWith ?? asTime(0)),
    ...(loss?.lostUntil === undefined ? {} : { lostUntil: asTime(loss.lostUntil) }),
    ...(loss === undefined ? {} : { objects: loss.objects, records: loss.records, report: loss.report }),
  }
}

function etcdStatus(status: ClusterStatus['etcd'], view: CareView): ClusterStatus['etcd'] {
  const { previous, etcd } = view
  if (etcd === undefined) return { ...previous?.etcd, ...status }
  const { life, certificates } = etcd
  const { lastSnapshot } = snapshotsOf(view)
  const restored = restoredOf(view)
  const replaced = replacedMembers(previous, etcd)
  return {
    ...status,
    life,
    ...(certificates === undefined
      ? {}
      : { certificates: { phase: certificates.phase, expires: new Date(certificates.expiresAt).toISOString() } }),
    ...(lastSnapshot === undefined ? {} : { lastSnapshot }),
    ...(restored === undefined ? {} : { restored }),
    ...(replaced.length === 0 ? {} : { replaced }),
  }
}

type Replaced = NonNullable<NonNullable<ClusterStatus['etcd']>['replaced']>[number]

/** Of each member the last time, by name. */
function replacedMembers(previous: ClusterStatus | undefined, { members, life }: EtcdStanding): Replaced[] {
  const known = new Map((previous?.etcd?.replaced ?? []).map(one => [one.member, one]))
  for (const { member, pod, verdict, life: of } of members)
    if (verdict === 'joined' && of === life.number && pod !== undefined) known.set(member, { member, pod })
  return [...known.values()].sort((a, b) => (a.member < b.member ? -1 : 1))
}

/** Members that were replaced between two statuses of a cluster. */
export function newlyReplaced(before: ClusterStatus | undefined, after: ClusterStatus): readonly string[] {
  const known = new Set(before?.etcd?.replaced?.map(({ pod }) => pod))
  return (after.etcd?.replaced ?? []).flatMap(({ member, pod }) => (known.has(pod) ? [] : [member]))
}
