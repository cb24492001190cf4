// What a pass over a KafScaleCluster works with: the options of the reconciler, and what is gathered and found on the way.

import type { Clock } from '../../broker/clock.ts'
import type { BucketReport } from '../bucket/look.ts'
import type { EtcdReport } from '../etcd/care.ts'
import type { Applier } from '../runtime/applier.ts'
import type { Pass } from '../runtime/controller.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import type { KubeObject, Manifest } from '../runtime/object.ts'
import type { Resource } from '../runtime/resource.ts'
import type { Objects } from '../runtime/store.ts'
import type { Look } from '../scaling/autoscaler.ts'
import type { ClusterStatus, KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import type { Pause } from '../types/pause.ts'
import { MANAGED_BY } from './desired/names.ts'
import type { EtcdStand, EtcdStanding } from './etcd-stand.ts'
import type { ClusterInputs, OperatorDefaults } from './inputs.ts'
import type { SecurityStand, SecurityStanding } from './security-stand.ts'
import type { ClusterView } from './status.ts'

export const OPERATOR_MANAGER = MANAGED_BY
/** Sets the number of pods, and nothing else. */
export const SCALER_MANAGER = 'kafscale-autoscaler'

/** Of each kind that clusters own, what there is. */
export type OwnedKind =
  | 'serviceAccounts'
  | 'configMaps'
  | 'services'
  | 'networkPolicies'
  | 'podDisruptionBudgets'
  | 'deployments'
  | 'statefulSets'
  | 'cronJobs'

export const OWNED_KINDS: readonly OwnedKind[] = [
  'serviceAccounts',
  'configMaps',
  'services',
  'networkPolicies',
  'podDisruptionBudgets',
  'deployments',
  'statefulSets',
  'cronJobs',
]

/** Index of owned objects by the uid of their controller. */
export const BY_OWNER = 'owner'
/** Index of pods by the cluster that they belong to, `namespace/name`. */
export const BY_CLUSTER = 'cluster'
/** Index of autoscalers by the Deployment that they scale, `namespace/name`. */
export const BY_TARGET = 'target'

export type ClusterEvent =
  | 'Rescaled'
  | 'RescaleFailed'
  | 'LagScalingFrozen'
  | 'ScalingConflict'
  | 'RollingOut'
  | 'EtcdMemberReplaced'
  | 'CertificateExpiring'
  | 'CertificateExpired'

export interface ClusterReconcilerOptions {
  readonly client: KubeClient
  readonly applier: Applier
  readonly clock: Clock
  readonly defaults: OperatorDefaults
  readonly clusters: Objects<KafScaleCluster>
  readonly owned: Readonly<Record<OwnedKind, Objects<Manifest>>>
  readonly pods: Objects<KubeObject>
  /** Only metadata. */
  readonly secrets: Objects<KubeObject>
  /** KafScaleTopics by cluster. */
  readonly topics: Objects<KubeObject>
  /** HorizontalPodAutoscalers, by what they scale. */
  readonly autoscalers: Objects<KubeObject>
  /** What was last seen of the load of a cluster. */
  readonly lookAt: (key: string, uid: string | undefined) => Look | undefined
  /** Topics that outlived their KafScaleTopic, of a cluster, and that the status does not have yet. */
  readonly orphansOf: (key: string) => readonly Orphan[]
  readonly onEvent: (cluster: KafScaleCluster, event: ClusterEvent, note: string) => void
  readonly has: () => ClusterInputs['has']
  readonly etcd: EtcdStand
  readonly security: SecurityStand
  /** What was seen last of the members of its etcd. */
  readonly etcdReport: (key: string) => EtcdReport | undefined
  /** How its bucket was found last. */
  readonly bucketReport: (key: string) => BucketReport | undefined
  /** Tells of what was written, so that the caches have it at once. */
  readonly onWrite: (resource: Resource, object: Manifest) => void
}

export type Orphan = NonNullable<ClusterStatus['orphans']>[number]

/** What a pass over a cluster knows; the steps add to it. */
export interface Context {
  inputs: ClusterInputs
  readonly pass: Pass
  readonly pause: Pause | undefined
  readonly look: Look | undefined
  /** Name of an autoscaler that has the Deployment as its target. */
  readonly rival: string | undefined
  refusal: ClusterView['refusal']
  /** Why the number of brokers could not be written. */
  scaleRefusal: string | undefined
  etcd: EtcdStanding | undefined
  security: SecurityStanding | undefined
}

export const podsOf = (
  { pods }: Pick<ClusterReconcilerOptions, 'pods'>,
  { metadata }: Pick<KafScaleCluster, 'metadata'>,
): readonly KubeObject[] => pods.by(BY_CLUSTER, `${metadata.namespace}/${metadata.name}`)
