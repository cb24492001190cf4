// spec.etcd: where the metadata of the cluster is, in an etcd of one's own or in one that the operator runs.

import { z } from 'zod'
import { httpUrl, list, objectName, quantity, resources, set, text, withRules } from './schema.ts'

const storage = z.object({
  size: quantity().default('10Gi').describe('Size of the volume of a member.'),
  storageClass: objectName().optional().describe('Class of the volumes; by default that of the Kubernetes cluster.'),
  memory: z
    .boolean()
    .default(false)
    .describe('Keep the data in memory instead of on volumes: fast, and lost when the last member ends.'),
})

const snapshots = z.object({
  enabled: z.boolean().default(true).describe('Copies of the metadata go to the bucket.'),
  schedule: text(100).default('0 * * * *').describe('When, as in cron.'),
  keep: z.int32().min(1).max(1000).default(24).describe('How many are kept.'),
  prefix: text(200).optional().describe('Where in the bucket; by default beside the records.'),
})

const managed = withRules(
  z.object({
    replicas: z.int32().min(1).max(7).default(3).describe('Members: 1, 3, 5 or 7.'),
    image: text(400).optional().describe('Image of etcd; by default that of the operator.'),
    storage: storage.prefault({}).describe('Where members keep their data.'),
    resources: resources().optional().describe('CPU and memory of a member.'),
    quota: quantity().default('4Gi').describe('Size at which etcd takes no more writes.'),
    tls: z.boolean().default(true).describe('Members and brokers talk by TLS with certificates of the operator.'),
    snapshots: snapshots.prefault({}).describe('Copies of the metadata.'),
    restoreFrom: text(500)
      .optional()
      .describe(
        'Key of a snapshot to begin with; by default the newest in the bucket, if there is one. Another key later replaces the data.',
      ),
  }),
  {
    rule: 'self.replicas % 2 == 1',
    message: 'etcd.managed.replicas must be odd: an even number of members survives no more failures than one less',
  },
  {
    rule: 'self.storage.memory == oldSelf.storage.memory',
    message:
      'etcd.managed.storage.memory cannot change: the metadata would be lost; make a new cluster from a snapshot',
  },
  {
    rule: 'self.tls == oldSelf.tls',
    message:
      'etcd.managed.tls cannot change: members know each other by their URLs; make a new cluster from a snapshot',
  },
  {
    rule: 'self.replicas >= oldSelf.replicas',
    message:
      'etcd.managed.replicas may not shrink: members that go would have to hand over; make a new cluster from a snapshot',
  },
)

const tls = z.object({
  secretRef: objectName().describe('Secret with ca.crt and, when etcd asks who is there, tls.crt and tls.key.'),
})

export const etcdSchema = withRules(
  z.object({
    endpoints: set(httpUrl(), 9).optional().describe('URLs of an etcd that exists.'),
    secretRef: objectName().optional().describe('Secret with username and password of that etcd.'),
    tls: tls.optional().describe('Certificates for that etcd.'),
    prefix: z
      .string()
      .max(200)
      .regex(/^\/[A-Za-z0-9._/-]*[A-Za-z0-9._-]$/)
      .optional()
      .describe('What every key begins with; by default namespace and name of the cluster.'),
    managed: managed.optional().describe('An etcd that the operator runs; so by default when there are no endpoints.'),
  }),
  {
    rule: '!(has(self.endpoints) && has(self.managed))',
    message: 'etcd.endpoints and etcd.managed exclude each other: keep one of them',
  },
  {
    rule: 'has(self.endpoints) || !(has(self.secretRef) || has(self.tls))',
    message: 'etcd.secretRef and etcd.tls are for an etcd that exists: set etcd.endpoints too, or remove them',
  },
  {
    rule: 'has(self.endpoints) == has(oldSelf.endpoints)',
    message: 'etcd cannot change between endpoints and managed: the metadata would stay behind; make a new cluster',
  },
)

export type EtcdSpec = z.output<typeof etcdSchema>

/** What the operator runs, with all defaults; undefined when endpoints are given. */
export const managedEtcdOf = ({ endpoints, managed: wanted }: EtcdSpec): z.output<typeof managed> | undefined =>
  endpoints === undefined ? (wanted ?? managed.parse({})) : undefined

export const endpointList = () => list(httpUrl(), 9)
