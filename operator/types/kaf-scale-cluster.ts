// KafScaleCluster: a Kafka endpoint. This schema is the only source of the TypeScript types, of crds/kafscaleclusters.yaml
// and of the chart's copy. `brokers.replicas` has no default: an applier that stops sending it would reset a scaled cluster.

import { z } from 'zod'
import { objectMetaSchema } from '../runtime/object.ts'
import { brokersSchema, shortConfigSchema } from './brokers.ts'
import { clusterStatusSchema } from './cluster-status.ts'
import { CONSOLE_RULES, consoleSchema } from './console.ts'
import { etcdSchema } from './etcd.ts'
import { AGE_COLUMN, GROUP, type Kind, READY_COLUMN, REASON_COLUMN, VERSION } from './kind.ts'
import { listenerSchema, peerSchema } from './listener.ts'
import { objectStoreSchema } from './object-store.ts'
import { scalingSchema } from './scaling.ts'
import { labels, list, listMap, withRules } from './schema.ts'
import { authorizationSchema, securitySchema } from './security.ts'
import { topicConfigSchema } from './topic-config.ts'

const topicDefaults = z.object({
  autoCreate: z.boolean().optional().describe('Topics are made on first use (auto.create.topics.enable).'),
  partitions: z.int32().min(1).max(10_000).optional().describe('Partitions of a topic made without a number.'),
  config: topicConfigSchema.optional().describe('Settings of a KafScaleTopic that does not have them.'),
})

const retention = z.object({
  ms: z.int().min(-1).optional().describe('How long records are kept, in ms; -1 for ever.'),
  bytes: z.int().min(-1).optional().describe('Bytes kept per partition; -1 for no limit.'),
})

const monitoring = z.object({
  podMonitor: z.boolean().default(true).describe('Make a PodMonitor, where that kind exists.'),
  prometheusRule: z.boolean().default(true).describe('Make alerts, where the kind PrometheusRule exists.'),
  intervalSeconds: z.int32().min(1).max(3600).default(30).describe('Time between scrapes.'),
  labels: labels().optional().describe('Labels by which your Prometheus picks both.'),
})

export const clusterSpecSchema = withRules(
  z.object({
    brokers: brokersSchema.prefault({}).describe('The pods of the brokers.'),
    s3: objectStoreSchema.describe('The bucket of the records.'),
    etcd: etcdSchema.prefault({}).describe('Where the metadata is.'),
    config: shortConfigSchema.optional().describe('Short form of some of brokers.config.'),
    scaling: scalingSchema.prefault({}).describe('What the number of brokers follows.'),
    listeners: listMap(listenerSchema, ['name'], 8)
      .optional()
      .describe('Addresses for clients; by default one, internal and plain, on port 9092.'),
    topicDefaults: topicDefaults.optional().describe('What topics get that do not say.'),
    retention: retention.optional().describe('How long records of a KafScaleTopic are kept that does not say.'),
    monitoring: monitoring.prefault({}).describe('What Prometheus is told.'),
    security: securitySchema.prefault({}).describe('Whether strangers are kept out, in one field.'),
    authorization: authorizationSchema.optional().describe('Who may do what.'),
    networkPolicy: z
      .object({
        enabled: z.boolean().default(false).describe('Only those that a listener allows may connect.'),
        metricsFrom: list(peerSchema, 32).optional().describe('Who may read metrics; by default all.'),
      })
      .prefault({})
      .describe('Who may connect to the pods.'),
    console: consoleSchema
      .optional()
      .describe('The web console, on port 48080 of a Service of its own; without it there is none.'),
    deletionPolicy: z
      .enum(['Retain', 'Delete'])
      .default('Retain')
      .describe('What becomes of the records in the bucket when the cluster is deleted.'),
    paused: z
      .boolean()
      .default(false)
      .describe('Leave everything as it is. The annotation kafscale.io/pause can pause a part, and end by itself.'),
    hibernation: z
      .object({ enabled: z.boolean().default(false).describe('No brokers; the records stay in the bucket.') })
      .prefault({})
      .describe('A rest for a cluster that nobody uses for a while.'),
  }),
  {
    rule: '!(has(self.brokers.service) && has(self.listeners))',
    message: 'brokers.service is the short form of one listener: keep it or listeners, not both',
  },
  {
    rule: '!has(self.listeners) || self.listeners.all(a, self.listeners.exists_one(b, a.port == b.port))',
    message: 'two listeners have the same port: give each one of its own',
  },
  {
    rule: '!has(self.listeners) || !self.listeners.exists(listener, listener.port == 19093)',
    message: 'port 19093 is that of metrics: give the listener another one',
  },
  {
    rule: "!has(self.listeners) || !self.listeners.exists(listener, listener.port in [19091, 19092] || listener.name in ['peers', 'operator', 'metrics'])",
    message: 'ports 19091 and 19092 and the names peers, operator and metrics are taken: give the listener others',
  },
  {
    rule: "!has(self.listeners) || (has(self.security) && has(self.security.enabled) && self.security.enabled) || self.listeners.all(listener, !has(listener.authentication) || listener.authentication.type != 'tls' || has(listener.tls))",
    message: 'authentication of type tls needs certificates: give the listener tls, or set security.enabled',
  },
  {
    rule: "self.s3.bucket == oldSelf.s3.bucket && (has(self.s3.prefix) ? self.s3.prefix : '') == (has(oldSelf.s3.prefix) ? oldSelf.s3.prefix : '')",
    message:
      's3.bucket and s3.prefix cannot change: the records would stay behind; make a new cluster and copy the topics',
  },
  ...CONSOLE_RULES,
)

export const clusterSchema = z.object({
  apiVersion: z.literal(`${GROUP}/${VERSION}`),
  kind: z.literal('KafScaleCluster'),
  metadata: objectMetaSchema,
  spec: clusterSpecSchema,
  status: clusterStatusSchema.optional(),
})

/** With all defaults, as parsed by `clusterSchema`. */
export type KafScaleCluster = z.output<typeof clusterSchema>
export type ClusterSpec = z.output<typeof clusterSpecSchema>
export type ClusterStatus = z.output<typeof clusterStatusSchema>

export const CLUSTER: Kind = {
  group: GROUP,
  version: VERSION,
  kind: 'KafScaleCluster',
  plural: 'kafscaleclusters',
  singular: 'kafscalecluster',
  shortNames: ['ksc'],
  namespaced: true,
  description: 'A Kafka endpoint: brokers without disks, with their records in a bucket and their metadata in etcd.',
  spec: clusterSpecSchema,
  status: clusterStatusSchema,
  rules: [
    {
      rule: "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
      message: 'the name of a KafScaleCluster begins names of Services: at most 40 of a-z, 0-9 and -, a letter first',
    },
  ],
  scale: {
    spec: '.spec.brokers.replicas',
    status: '.status.brokers.replicas',
    selector: '.status.brokers.selector',
  },
  selectable: ['.spec.s3.bucket'],
  columns: [
    READY_COLUMN,
    {
      name: 'Brokers',
      path: '.status.brokers.summary',
      type: 'string',
      description: 'Brokers ready, of those wanted.',
    },
    { name: 'Version', path: '.status.version', type: 'string', description: 'Version of the brokers.' },
    { name: 'Lag', path: '.status.lag.records', type: 'integer', description: 'Records not read yet, of all groups.' },
    {
      name: 'Scaling',
      path: '.status.scaling.summary',
      type: 'string',
      description: 'Mode, and what limits the size.',
    },
    { name: 'Endpoint', path: '.status.endpoint', type: 'string', description: 'Where clients connect.', wide: true },
    { name: 'Console', path: '.status.console.url', type: 'string', description: 'Where the console is.', wide: true },
    { name: 'Bucket', path: '.spec.s3.bucket', type: 'string', description: 'Bucket of the records.', wide: true },
    { ...REASON_COLUMN, wide: true },
    AGE_COLUMN,
  ],
}
