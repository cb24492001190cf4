// Every condition that the operator reports and every reason it gives: the one table behind the setters, docs/conditions.md
// and the alerts. `Ready` is always there. A reason has one status, so that the two can never contradict each other.
//
// Messages say what to do; they hold no ages and no counters, which would make a settled object change for ever.
// Reconciling and Stalled are the words of kstatus, by which GitOps tools judge; AbleToScale, ScalingActive and
// ScalingLimited are those of the HorizontalPodAutoscaler.

import type { Finding } from './condition.ts'

export interface Reason {
  readonly status: Finding['status']
  /** `info` is as it should be; `warning` heals by itself or is a choice; `error` wants somebody to act. */
  readonly severity: 'info' | 'warning' | 'error'
  readonly meaning: string
}

export interface ConditionType {
  readonly meaning: string
  readonly reasons: Readonly<Record<string, Reason>>
}

const yes = (meaning: string): Reason => ({ status: 'True', severity: 'info', meaning })
const no = (meaning: string): Reason => ({ status: 'False', severity: 'info', meaning })
const waiting = (meaning: string): Reason => ({ status: 'False', severity: 'warning', meaning })
const wrong = (meaning: string): Reason => ({ status: 'False', severity: 'error', meaning })
const alarm = (meaning: string): Reason => ({ status: 'True', severity: 'error', meaning })
const notice = (meaning: string): Reason => ({ status: 'True', severity: 'warning', meaning })
const unknown = (meaning: string): Reason => ({ status: 'Unknown', severity: 'warning', meaning })

/** Why nothing can be done before somebody acts; Accepted, Ready and Stalled share them. */
const refusals = (make: (meaning: string) => Reason) => ({
  InvalidSpec: make('The spec contradicts itself in a way that admission cannot see.'),
  NotSupported: make('The spec asks for something that this version of the broker cannot do.'),
  NameConflict: make('An object that the cluster needs exists and belongs to somebody else.'),
  SecretMissing: make('A Secret that the spec names does not exist, or lacks a key.'),
  CertManagerMissing: make('A listener names an issuer of cert-manager, which is not installed here.'),
})

const PAUSED = notice('Reconciliation is paused, by the spec or by an annotation.')

export const CLUSTER_CONDITIONS = {
  Ready: {
    meaning: 'Clients can connect, and everything is as the spec says.',
    reasons: {
      Ready: yes('Every broker that is wanted is ready.'),
      Progressing: waiting('Brokers are starting or being replaced.'),
      BrokersUnavailable: wrong('No broker is ready.'),
      ImagePullFailed: wrong('The image of the brokers cannot be pulled.'),
      BrokersCrashing: wrong('Brokers start and end again; the message has their last words.'),
      Unschedulable: wrong('No node has room for the brokers.'),
      EtcdUnavailable: wrong('etcd does not answer, or has no quorum.'),
      BucketUnavailable: wrong('The bucket cannot be used; the message says what to change.'),
      RecordsMissing: notice('Clients can connect, but records are missing since etcd was restored: see RecordsLost.'),
      Hibernated: no('Hibernation is on: there are no brokers, the data stays in the bucket.'),
      Deleting: waiting('The cluster is being deleted.'),
      ApiServerRefused: wrong('The API server refused an object; the message has its words.'),
      ...refusals(wrong),
    },
  },
  Reconciling: {
    meaning: 'Work is under way to make it as the spec says (kstatus).',
    reasons: { Progressing: yes('Work is under way.'), Settled: no('There is nothing to do.') },
  },
  Stalled: {
    meaning: 'Nothing will change until somebody acts (kstatus).',
    reasons: {
      NotStalled: no('Nothing stands in the way.'),
      ApiServerRefused: alarm('The API server refused an object; the message has its words.'),
      ...refusals(alarm),
    },
  },
  Accepted: {
    meaning: 'The spec is one that can be carried out.',
    reasons: { Accepted: yes('The spec can be carried out.'), ...refusals(wrong) },
  },
  EtcdReady: {
    meaning: 'The metadata store answers.',
    reasons: {
      EtcdReady: yes('etcd answers and has a quorum.'),
      EtcdExternal: unknown('etcd is not managed here and the brokers have not told of it yet.'),
      EtcdStarting: waiting('Members of etcd are starting.'),
      EtcdUnavailable: wrong('etcd does not answer, or has no quorum.'),
      EtcdNoSpace: wrong('etcd is out of space and takes no writes; raise etcd.managed.quota.'),
      EtcdCorrupt: wrong('A member of etcd has other data than the others (alarm CORRUPT).'),
      EtcdRestoring: waiting('etcd begins anew from a snapshot; brokers wait for it.'),
      EtcdRestoreFailed: wrong('etcd lost its data and cannot begin from a snapshot; the message says why.'),
    },
  },
  EtcdBackedUp: {
    meaning: 'A recent snapshot of the managed etcd is in the bucket.',
    reasons: {
      SnapshotHealthy: yes('The last snapshot is in the bucket and recent.'),
      SnapshotPending: unknown('No snapshot is due yet.'),
      SnapshotStale: wrong('The last snapshot is older than it should be.'),
      SnapshotFailed: wrong('The last snapshot failed; the message has the words of its job.'),
      SnapshotsOff: notice('etcd.managed.snapshots.enabled is false: what is lost with etcd is lost.'),
      NotManaged: unknown('etcd is not managed here, and neither are its snapshots.'),
    },
  },
  RecordsLost: {
    meaning: 'etcd was restored from an older copy, and records that were acknowledged later are missing.',
    reasons: {
      NothingLost: no('etcd was never restored, or nothing was written after the copy.'),
      LookingForLoss: unknown('etcd was restored; brokers are looking for what is missing.'),
      LossKnown: no('Records are missing, and the annotation kafscale.io/loss-known says that this is known.'),
      RecordsMissing: alarm(
        'Objects with records are in the bucket that nothing names any more; the message says which.',
      ),
    },
  },
  CertificatesReady: {
    meaning: 'The listeners have certificates.',
    reasons: {
      CertificatesValid: yes('The certificates are there, and are renewed in time.'),
      NoCertificates: unknown('No listener has TLS or asks who clients are.'),
      AuthorityRollingOver: notice('The next authority of the cluster is trusted beside the one that ends.'),
      CertificateExpiring: notice(
        'A certificate that others renew ends soon and was not renewed; the message says which.',
      ),
      CertificateExpired: wrong(
        'A certificate that others renew has ended, so clients refuse it; the message says which.',
      ),
      CertificatesMissing: wrong('A certificate is not there; the message says which, and what to do.'),
    },
  },
  BucketReady: {
    meaning: 'The bucket exists and is as the spec says.',
    reasons: {
      BucketReady: yes('The bucket can be used and is as the spec says.'),
      BucketNotChecked: unknown('The bucket has not been looked at yet.'),
      BucketMissing: wrong('The bucket does not exist, and s3.provision.create is not set.'),
      BucketForbidden: wrong('The credentials do not suffice.'),
      BucketWrongRegion: wrong('The bucket is in another region than the spec says.'),
      BucketUnreachable: wrong('The S3 service does not answer, or not as S3.'),
      BucketUnsupported: notice('The S3 service does not know a setting of buckets that the spec asks for.'),
      BucketDiffers: notice('Policy or lifecycle differ from the spec; status.bucket shows how.'),
    },
  },
  Paused: {
    meaning: 'Reconciliation, or a part of it, is paused.',
    reasons: { Paused: PAUSED, NotPaused: no('Nothing is paused.') },
  },
  AbleToScale: {
    meaning: 'The number of brokers may be changed now.',
    reasons: {
      ReadyForNewScale: yes('The number of brokers may change.'),
      ScaleUpStabilized: yes('A smaller size was recommended lately, so there is no growth yet.'),
      ScaleDownStabilized: yes('A larger size was recommended lately, so brokers stay.'),
      RolloutInProgress: no('Brokers are being replaced.'),
      CapacityExhausted: wrong('Brokers of the last step found no node with room.'),
      FailedUpdateScale: wrong('The API server refused the new size.'),
    },
  },
  ScalingActive: {
    meaning: 'The number of brokers follows the load.',
    reasons: {
      ValidMetricFound: yes('Signals are there, and the size follows them.'),
      ScalingDisabled: no('The mode is Manual, or the cluster is hibernated or paused.'),
      ExternalScaler: no('Something outside sets brokers.replicas through the scale subresource.'),
      Recommending: no('The mode is Recommend: sizes are computed and not written.'),
      FailedGetMetrics: waiting('Signals are missing; they can keep brokers from going, not from coming.'),
    },
  },
  ScalingLimited: {
    meaning: 'The size that the signals ask for is not the size that is set.',
    reasons: {
      DesiredWithinRange: no('The size is what the signals ask for.'),
      TooFewReplicas: notice('The signals ask for less than scaling.min.'),
      TooManyReplicas: notice('The signals ask for more than scaling.max.'),
      ScaleUpLimit: notice('Growth is limited by scaling.behavior.scaleUp.'),
      ScaleDownLimit: notice('Shrinking is limited by scaling.behavior.scaleDown.'),
    },
  },
  LagScalingIneffective: {
    meaning: 'More brokers did not make the lag fall, so lag asks for no more of them for a while.',
    reasons: {
      Effective: no('Lag falls when brokers come.'),
      NoGain: notice('Two steps brought nothing; look at the consumers.'),
    },
  },
  ScalingConflict: {
    meaning: 'Something else sets the number of pods of the Deployment.',
    reasons: {
      NoConflict: no('Nothing else sets it.'),
      DeploymentScaledByOther: alarm(
        'An autoscaler has the Deployment as its target; it must have the KafScaleCluster.',
      ),
    },
  },
} as const satisfies Readonly<Record<string, ConditionType>>

export const TOPIC_CONDITIONS = {
  Ready: {
    meaning: 'The topic exists and is as the spec says.',
    reasons: {
      Ready: yes('The topic is as the spec says.'),
      Progressing: waiting('The topic is being created or changed.'),
      ClusterMissing: waiting('There is no KafScaleCluster of the name in clusterRef in this namespace.'),
      ClusterNotReady: waiting('The cluster does not answer yet.'),
      ResourceConflict: wrong('An older KafScaleTopic describes the same topic; the message names it.'),
      InvalidSpec: wrong('The brokers refused the topic; the message has their words.'),
      PartitionsExceedSpec: notice('The topic has more partitions than the spec; partitions cannot go.'),
      NotManaged: unknown('The annotation kafscale.io/managed says that the topic is to be left alone.'),
      Deleting: waiting('The topic is being deleted.'),
      DeletionFailed: wrong('The brokers refused to delete the topic; the message has their words.'),
    },
  },
  Reconciling: {
    meaning: 'Work is under way to make it as the spec says (kstatus).',
    reasons: { Progressing: yes('Work is under way.'), Settled: no('There is nothing to do.') },
  },
  Stalled: {
    meaning: 'Nothing will change until somebody acts (kstatus).',
    reasons: {
      NotStalled: no('Nothing stands in the way.'),
      ResourceConflict: alarm('An older KafScaleTopic describes the same topic; the message names it.'),
      InvalidSpec: alarm('The brokers refused the topic; the message has their words.'),
    },
  },
  ConfigInSync: {
    meaning: 'The settings of the topic are those of the spec.',
    reasons: {
      InSync: yes('The settings are those of the spec.'),
      Drifted: waiting('Somebody changed a setting; it is being set back.'),
      ForeignKeys: notice('The topic has settings that the spec does not have; configPolicy Additive leaves them.'),
    },
  },
  Paused: {
    meaning: 'Reconciliation is paused.',
    reasons: { Paused: PAUSED, NotPaused: no('Nothing is paused.') },
  },
} as const satisfies Readonly<Record<string, ConditionType>>

export const USER_CONDITIONS = {
  Ready: {
    meaning: 'The user can come in and may do what the spec says, and its Secret has what clients need.',
    reasons: {
      Ready: yes('The user is as the spec says.'),
      Progressing: waiting('The user is being made or changed.'),
      ClusterMissing: waiting('There is no KafScaleCluster of the name in clusterRef in this namespace.'),
      ClusterNotReady: waiting('The cluster does not answer yet, or has no address or certificates yet.'),
      ResourceConflict: wrong('An older KafScaleUser has the same name in Kafka; the message names it.'),
      ListenerMissing: wrong('No listener of the cluster takes users of this kind; the message says what to change.'),
      SecretMissing: wrong('The Secret with the password does not exist, or lacks the key.'),
      NameConflict: wrong('The Secret that the user is to have exists and belongs to somebody else.'),
      InvalidSpec: wrong('The brokers refused the user; the message has their words.'),
      ApiServerRefused: wrong('The API server refused its Secret; the message has its words.'),
      AuthorizationDisabled: notice(
        'The user is there, but ACLs do not hold: set authorization.type of the cluster to acl.',
      ),
      Deleting: waiting('The user is being deleted.'),
      DeletionFailed: wrong('The brokers refused to delete the user; the message has their words.'),
    },
  },
  Reconciling: {
    meaning: 'Work is under way to make it as the spec says (kstatus).',
    reasons: { Progressing: yes('Work is under way.'), Settled: no('There is nothing to do.') },
  },
  Stalled: {
    meaning: 'Nothing will change until somebody acts (kstatus).',
    reasons: {
      NotStalled: no('Nothing stands in the way.'),
      ResourceConflict: alarm('An older KafScaleUser has the same name in Kafka; the message names it.'),
      ListenerMissing: alarm('No listener of the cluster takes users of this kind; the message says what to change.'),
      SecretMissing: alarm('The Secret with the password does not exist, or lacks the key.'),
      NameConflict: alarm('The Secret that the user is to have exists and belongs to somebody else.'),
      InvalidSpec: alarm('The brokers refused the user; the message has their words.'),
      ApiServerRefused: alarm('The API server refused its Secret; the message has its words.'),
    },
  },
  Paused: {
    meaning: 'Reconciliation is paused.',
    reasons: { Paused: PAUSED, NotPaused: no('Nothing is paused.') },
  },
} as const satisfies Readonly<Record<string, ConditionType>>

/** A table of condition types, and the names in it. */
export type ConditionTable = Readonly<Record<string, ConditionType>>
export type ConditionName<Table extends ConditionTable> = keyof Table & string
export type ReasonName<Table extends ConditionTable, Type extends ConditionName<Table>> = keyof Table[Type]['reasons'] &
  string

/** Says what was found for one generation of an object, in the words of a table. */
export type Finder<Table extends ConditionTable> = <Type extends ConditionName<Table>>(
  type: Type,
  reason: ReasonName<Table, Type>,
  message?: string,
) => Finding

/** Without a message the meaning of the reason is the message. Messages above what the schema allows are cut. */
export const finder =
  <Table extends ConditionTable>(table: Table, observedGeneration: number | undefined): Finder<Table> =>
  (type, reason, message) => {
    const facts = table[type]?.reasons[reason]
    if (facts === undefined) throw new Error(`the table has no reason ${reason} of ${type}`)
    const said = (message ?? facts.meaning).slice(0, 4096)
    const generation = observedGeneration === undefined ? {} : { observedGeneration }
    return { type, status: facts.status, reason, message: said, ...generation }
  }
