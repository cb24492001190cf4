// Every event that the operator records, by reason.

import type { EtcdLife } from './etcd/life.ts'

export const EVENTS = {
  Rescaled: { type: 'Normal', action: 'Scale', meaning: 'The number of brokers changed; the note says why.' },
  RescaleFailed: { type: 'Warning', action: 'Scale', meaning: 'The API server refused a new number of brokers.' },
  RollingOut: { type: 'Normal', action: 'RollOut', meaning: 'Brokers are being replaced; the note says why.' },
  LagScalingFrozen: {
    type: 'Warning',
    action: 'Scale',
    meaning: 'Brokers that came for lag did not make it fall, so lag asks for no more for a while.',
  },
  ScalingConflict: {
    type: 'Warning',
    action: 'Scale',
    meaning: 'An autoscaler has the Deployment of the brokers as its target instead of the KafScaleCluster.',
  },
  CertificateExpiring: {
    type: 'Warning',
    action: 'RenewCertificate',
    meaning: 'A certificate of a listener that the operator does not renew ends soon, and nobody has renewed it.',
  },
  CertificateExpired: {
    type: 'Warning',
    action: 'RenewCertificate',
    meaning: 'A certificate of a listener that the operator does not renew has ended; clients refuse it.',
  },
  TopicOrphaned: {
    type: 'Warning',
    action: 'DeleteTopic',
    meaning: 'A topic that was to be deleted stays, because its cluster is gone or did not answer in time.',
  },
  UserOrphaned: {
    type: 'Warning',
    action: 'DeleteUser',
    meaning:
      'A KafScaleUser went, and its rights stay in the brokers, because these are gone or did not answer in time.',
  },
  EtcdRestoreBegun: {
    type: 'Warning',
    action: 'RestoreEtcd',
    meaning: 'The managed etcd lost its data, or the spec asks for a restore: it begins anew from a snapshot.',
  },
  EtcdRestored: {
    type: 'Warning',
    action: 'RestoreEtcd',
    meaning: 'The managed etcd runs again, from a snapshot. What was acknowledged after that snapshot may be missing.',
  },
  EtcdMemberReplaced: {
    type: 'Warning',
    action: 'ReplaceMember',
    meaning: 'A member of etcd had lost its data and joined the others as a new one.',
  },
  EtcdDefragmented: {
    type: 'Normal',
    action: 'DefragmentEtcd',
    meaning: 'Space that etcd had freed inside of its database was given back.',
  },
  EtcdSpaceFreed: {
    type: 'Warning',
    action: 'FreeSpace',
    meaning: 'etcd was full and took no writes; it was compacted and takes them again.',
  },
  BucketCreated: { type: 'Normal', action: 'CreateBucket', meaning: 'The bucket did not exist and was created.' },
  BucketChanged: {
    type: 'Normal',
    action: 'ChangeBucket',
    meaning: 'Policy, lifecycle or public access of the bucket was made as the spec says.',
  },
  RecordsDeleted: {
    type: 'Normal',
    action: 'DeleteRecords',
    meaning: 'The cluster was deleted, and with it all objects under its prefix.',
  },
  RecordsOrphaned: {
    type: 'Warning',
    action: 'DeleteRecords',
    meaning: 'The cluster was deleted, but objects of it stay in the bucket; the message says why.',
  },
} as const

/** What is told when a managed etcd comes to this state; undefined when that is nothing out of the ordinary. */
export function lifeEvent({ number, state, because }: EtcdLife): [keyof typeof EVENTS, note: string] | undefined {
  if (state === 'ending') {
    const why = because === 'DataLost' ? 'a majority of its members has lost its data' : 'the spec asks for it'
    return ['EtcdRestoreBegun', `etcd is restored from a snapshot, because ${why}; brokers pause.`]
  }
  if (number === 1 || state !== 'running') return undefined
  return ['EtcdRestored', 'etcd runs again, from a snapshot; status.etcd.restored says what is missing.']
}
