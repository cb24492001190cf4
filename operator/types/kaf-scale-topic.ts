// KafScaleTopic: a topic of a KafScaleCluster in the same namespace. This schema is the only source of the TypeScript types,
// of crds/kafscaletopics.yaml and of the chart's copy.

import { z } from 'zod'
import { objectMetaSchema } from '../runtime/object.ts'
import { conditions } from './condition.ts'
import { AGE_COLUMN, GROUP, type Kind, READY_COLUMN, REASON_COLUMN, VERSION } from './kind.ts'
import { count, dnsLabel, large, list, listMap, text, withRules } from './schema.ts'
import { topicConfigSchema } from './topic-config.ts'

const kafkaName = () =>
  z
    .string()
    .min(1)
    .max(249)
    .regex(/^[A-Za-z0-9._-]+$/)

export const topicSpecSchema = withRules(
  z.object({
    clusterRef: withRules(dnsLabel(40), {
      rule: 'self == oldSelf',
      message: 'clusterRef cannot change: make a KafScaleTopic of another name for the other cluster',
    }).describe('Name of the KafScaleCluster, in the same namespace.'),
    topicName: withRules(kafkaName(), {
      rule: "self != '.' && self != '..'",
      message: 'topicName must not be . or .. alone: Kafka keeps these two for itself',
    })
      .optional()
      .describe('Name of the topic; by default that of this object. It cannot change.'),
    partitions: withRules(z.int32().min(1).max(10_000), {
      rule: 'self >= oldSelf',
      message: 'partitions cannot become fewer, because records would be lost: set at least as many as before',
    }).describe('Number of partitions. It can grow.'),
    replicationFactor: z
      .int32()
      .min(1)
      .max(32_767)
      .optional()
      .describe('Taken for tools that send it; the bucket keeps the records safe, so it changes nothing.'),
    retentionMs: z.int().min(-1).optional().describe('How long records are kept, in ms; -1 for ever (retention.ms).'),
    retentionBytes: z.int().min(-1).optional().describe('Bytes kept per partition; -1 for no limit (retention.bytes).'),
    config: topicConfigSchema.optional().describe('Settings of the topic, by the names that Kafka has for them.'),
    configPolicy: z
      .enum(['Exact', 'Additive'])
      .default('Exact')
      .describe('Exact: settings that the spec does not have are removed. Additive: they stay.'),
    deletionPolicy: z
      .enum(['Retain', 'Delete'])
      .default('Retain')
      .describe('What becomes of the topic and its records when this object is deleted.'),
  }),
  {
    rule: "!(has(self.retentionMs) && has(self.config) && 'retention.ms' in self.config)",
    message: 'retentionMs and config retention.ms are the same setting: keep one of them',
  },
  {
    rule: "!(has(self.retentionBytes) && has(self.config) && 'retention.bytes' in self.config)",
    message: 'retentionBytes and config retention.bytes are the same setting: keep one of them',
  },
)

const group = z.object({
  group: text(255).describe('Id of the consumer group.'),
  lag: large().describe('Records that it has not read yet.'),
  state: text(32).optional().describe('State of the group.'),
})

export const topicStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().describe('The generation of the spec that all this is of.'),
  phase: text(64).optional().describe('The reason of the condition Ready.'),
  conditions: conditions().optional(),
  topicName: text(249).optional().describe('Name of the topic.'),
  topicId: text(36).optional().describe('Id of the topic, as Kafka writes it.'),
  partitionCount: count().optional().describe('Partitions that the topic has.'),
  replicationFactor: count().optional().describe('Replicas that the brokers tell clients of.'),
  config: z
    .record(z.string(), z.string().max(1000))
    .meta({ maxProperties: 64 })
    .optional()
    .describe('Settings of the topic that are not defaults.'),
  bytes: large().optional().describe('Bytes of its records in the bucket.'),
  offsets: z
    .object({
      earliest: large().describe('First offsets of all partitions together.'),
      latest: large().describe('Next offsets of all partitions together.'),
    })
    .optional()
    .describe('Where its partitions begin and end.'),
  groups: listMap(group, ['group'], 5).optional().describe('The groups that are the furthest behind.'),
  unanswered: list(z.enum(['bytes', 'offsets', 'groups']), 3)
    .optional()
    .describe('What the brokers did not answer, or not wholly, when asked last: it is shown as it was before.'),
})

export const topicSchema = z.object({
  apiVersion: z.literal(`${GROUP}/${VERSION}`),
  kind: z.literal('KafScaleTopic'),
  metadata: objectMetaSchema,
  spec: topicSpecSchema,
  status: topicStatusSchema.optional(),
})

/** With all defaults, as parsed by `topicSchema`. */
export type KafScaleTopic = z.output<typeof topicSchema>
export type TopicSpec = z.output<typeof topicSpecSchema>
export type TopicStatus = z.output<typeof topicStatusSchema>

/** The topic that is meant: `spec.topicName`, or the name of the object. */
export const topicNameOf = ({ metadata, spec }: Pick<KafScaleTopic, 'metadata' | 'spec'>): string =>
  spec.topicName ?? metadata.name

const named = (self: string): string => `(has(${self}.spec.topicName) ? ${self}.spec.topicName : ${self}.metadata.name)`

export const TOPIC: Kind = {
  group: GROUP,
  version: VERSION,
  kind: 'KafScaleTopic',
  plural: 'kafscaletopics',
  singular: 'kafscaletopic',
  shortNames: ['kst'],
  namespaced: true,
  description: 'A topic of a KafScaleCluster in the same namespace.',
  spec: topicSpecSchema,
  status: topicStatusSchema,
  rules: [
    {
      rule: `${named('self')} == ${named('oldSelf')}`,
      message: 'topicName cannot change: make a KafScaleTopic of another name and copy the records',
    },
    {
      rule: `${named('self')}.size() <= 249`,
      message: 'the name is too long for a topic: set topicName, of at most 249 characters',
    },
  ],
  selectable: ['.spec.clusterRef', '.spec.topicName'],
  columns: [
    { name: 'Cluster', path: '.spec.clusterRef', type: 'string', description: 'The KafScaleCluster.' },
    { name: 'Topic', path: '.status.topicName', type: 'string', description: 'Name of the topic.' },
    { name: 'Partitions', path: '.status.partitionCount', type: 'integer', description: 'Partitions that it has.' },
    READY_COLUMN,
    REASON_COLUMN,
    AGE_COLUMN,
  ],
}
