/**
 * The settings of a topic as the broker acts on them: the topic's own, else the cluster's dynamic default, else the
 * built-in default. Parsed once and kept until a configuration changes.
 */
import { type Catalog, RESOURCE_BROKER, type Topic } from './catalog.ts'
import { type ConfigKey, TOPIC_CONFIG_BY_NAME } from './topic-config-keys.ts'

export interface TopicSettings {
  /** Bytes. */
  readonly maxMessageBytes: number
  readonly compacted: boolean
  /** Is old data deleted by age and size? */
  readonly deleted: boolean
  /** ms; Infinity for ever. */
  readonly retentionMs: number
  /** Bytes per partition; Infinity without a limit. */
  readonly retentionBytes: number
  readonly compressionType: string
  readonly compressionGzipLevel: number
  readonly compressionZstdLevel: number
  readonly logAppendTime: boolean
  /** ms before and after the broker's clock. */
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
}

const cache = new WeakMap<Topic, { readonly version: number; readonly settings: TopicSettings }>()

export function topicSettings(catalog: Catalog, topic: Topic): TopicSettings {
  const known = cache.get(topic)
  if (known?.version === catalog.configVersion) return known.settings
  const settings = parse(key => effectiveValue(catalog, topic, key))
  cache.set(topic, { version: catalog.configVersion, settings })
  return settings
}

/** The value that counts for a topic. */
export function effectiveValue(catalog: Catalog, topic: Pick<Topic, 'configs'>, key: ConfigKey): string {
  const ofTopic = topic.configs.get(key.name)
  if (ofTopic !== undefined) return ofTopic
  const ofCluster = key.brokerKey === null ? undefined : catalog.configsOf(RESOURCE_BROKER, '').get(key.brokerKey)
  return ofCluster ?? key.default
}

function parse(lookUp: (key: ConfigKey) => string): TopicSettings {
  const text = (name: string): string => {
    const key = TOPIC_CONFIG_BY_NAME.get(name)
    if (key === undefined) throw new Error(`there is no topic setting ${name}`)
    return lookUp(key)
  }
  const number = (name: string): number => Number(text(name))
  const limit = (name: string): number => (number(name) < 0 ? Number.POSITIVE_INFINITY : number(name))
  const policies = text('cleanup.policy')
    .split(',')
    .map(policy => policy.trim())
  return {
    maxMessageBytes: number('max.message.bytes'),
    compacted: policies.includes('compact'),
    deleted: policies.includes('delete'),
    retentionMs: limit('retention.ms'),
    retentionBytes: limit('retention.bytes'),
    compressionType: text('compression.type'),
    compressionGzipLevel: number('compression.gzip.level'),
    compressionZstdLevel: number('compression.zstd.level'),
    logAppendTime: text('message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
  }
}
