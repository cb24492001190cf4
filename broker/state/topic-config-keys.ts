/**
 * The topic settings that exist, with Kafka's names, types, defaults and bounds (Apache Kafka 4.3 `TopicConfig`).
 *
 * `honoured` ones change what the broker does. The others are taken, checked and shown because clients, Kafka Streams
 * and Connect among them, set them as a matter of course; they describe files, replicas and tiers that do not exist here,
 * so there is nothing for them to change (docs/differences.md).
 */

export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'

export interface ConfigKey {
  readonly name: string
  readonly type: ConfigType
  readonly default: string
  readonly honoured: boolean
  /** Name of the broker setting that gives a default for all topics, and a synonym in DescribeConfigs. */
  readonly brokerKey: string
  readonly documentation: string
  /** Smallest number allowed. */
  readonly min?: number
  readonly max?: number
  readonly values?: readonly string[]
}

/** Java's Long.MAX_VALUE as Kafka prints it: "without a limit". */
export const NO_LIMIT = '9223372036854775807'

const DAY_MS = 86_400_000

const honoured = { honoured: true } as const
const shown = { honoured: false } as const

export const TOPIC_CONFIG_KEYS: readonly ConfigKey[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    default: 'delete',
    brokerKey: 'log.cleanup.policy',
    values: ['compact', 'delete'],
    documentation:
      'What becomes of old records: deleted by age and size, compacted to the last one of each key, or both.',
    ...honoured,
  },
  {
    name: 'compression.type',
    type: 'string',
    default: 'producer',
    brokerKey: 'compression.type',
    values: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    documentation: 'Codec of stored batches; producer leaves each batch as it was sent.',
    ...honoured,
  },
  {
    name: 'compression.gzip.level',
    type: 'int',
    default: '-1',
    brokerKey: 'compression.gzip.level',
    documentation: 'Level for compression.type=gzip.',
    min: -1,
    max: 9,
    ...honoured,
  },
  {
    name: 'compression.lz4.level',
    type: 'int',
    default: '9',
    brokerKey: 'compression.lz4.level',
    documentation: 'Level for compression.type=lz4.',
    min: 1,
    max: 17,
    ...shown,
  },
  {
    name: 'compression.zstd.level',
    type: 'int',
    default: '3',
    brokerKey: 'compression.zstd.level',
    documentation: 'Level for compression.type=zstd.',
    min: -131072,
    max: 22,
    ...honoured,
  },
  {
    name: 'delete.retention.ms',
    type: 'long',
    default: String(DAY_MS),
    brokerKey: 'log.cleaner.delete.retention.ms',
    documentation: 'How long the tombstones of a compacted topic stay, in ms.',
    min: 0,
    ...honoured,
  },
  {
    name: 'file.delete.delay.ms',
    type: 'long',
    default: '60000',
    brokerKey: 'log.segment.delete.delay.ms',
    documentation: 'Wait before a file is deleted, in ms.',
    min: 0,
    ...shown,
  },
  {
    name: 'flush.messages',
    type: 'long',
    default: NO_LIMIT,
    brokerKey: 'log.flush.interval.messages',
    documentation: 'Records between flushes of a file. Every acknowledged record is durable here.',
    min: 1,
    ...shown,
  },
  {
    name: 'flush.ms',
    type: 'long',
    default: NO_LIMIT,
    brokerKey: 'log.flush.interval.ms',
    documentation: 'Time between flushes of a file, in ms. Every acknowledged record is durable here.',
    min: 0,
    ...shown,
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'list',
    default: '',
    brokerKey: 'follower.replication.throttled.replicas',
    documentation: 'Replicas whose replication is throttled on the follower side.',
    ...shown,
  },
  {
    name: 'index.interval.bytes',
    type: 'int',
    default: '4096',
    brokerKey: 'log.index.interval.bytes',
    documentation: 'Bytes between entries of a file index.',
    min: 0,
    ...shown,
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'list',
    default: '',
    brokerKey: 'leader.replication.throttled.replicas',
    documentation: 'Replicas whose replication is throttled on the leader side.',
    ...shown,
  },
  {
    name: 'local.retention.bytes',
    type: 'long',
    default: '-2',
    brokerKey: 'log.local.retention.bytes',
    documentation: 'Bytes kept on local disks by tiered storage.',
    min: -2,
    ...shown,
  },
  {
    name: 'local.retention.ms',
    type: 'long',
    default: '-2',
    brokerKey: 'log.local.retention.ms',
    documentation: 'Time kept on local disks by tiered storage, in ms.',
    min: -2,
    ...shown,
  },
  {
    name: 'max.compaction.lag.ms',
    type: 'long',
    default: NO_LIMIT,
    brokerKey: 'log.cleaner.max.compaction.lag.ms',
    documentation: 'The longest that a record may stay uncompacted, in ms.',
    min: 1,
    ...honoured,
  },
  {
    name: 'max.message.bytes',
    type: 'int',
    default: '1048588',
    brokerKey: 'message.max.bytes',
    documentation: 'The largest record batch taken, in bytes.',
    min: 0,
    max: 2147483647,
    ...honoured,
  },
  {
    name: 'message.timestamp.after.max.ms',
    type: 'long',
    default: '3600000',
    brokerKey: 'log.message.timestamp.after.max.ms',
    documentation: 'How far ahead of the broker a record timestamp may be, in ms.',
    min: 0,
    ...honoured,
  },
  {
    name: 'message.timestamp.before.max.ms',
    type: 'long',
    default: NO_LIMIT,
    brokerKey: 'log.message.timestamp.before.max.ms',
    documentation: 'How far behind the broker a record timestamp may be, in ms.',
    min: 0,
    ...honoured,
  },
  {
    name: 'message.timestamp.type',
    type: 'string',
    default: 'CreateTime',
    brokerKey: 'log.message.timestamp.type',
    values: ['CreateTime', 'LogAppendTime'],
    documentation: 'Whose clock a record timestamp is: the producer at creation or the broker at append.',
    ...honoured,
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'double',
    default: '0.5',
    brokerKey: 'log.cleaner.min.cleanable.ratio',
    documentation: 'Share of uncompacted bytes from which a compacted topic is cleaned.',
    min: 0,
    max: 1,
    ...honoured,
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'long',
    default: '0',
    brokerKey: 'log.cleaner.min.compaction.lag.ms',
    documentation: 'The shortest that a record stays uncompacted, in ms.',
    min: 0,
    ...honoured,
  },
  {
    name: 'min.insync.replicas',
    type: 'int',
    default: '1',
    brokerKey: 'min.insync.replicas',
    documentation:
      'Replicas that must have a record before it is acknowledged. Durability is that of the object store here.',
    min: 1,
    ...shown,
  },
  {
    name: 'preallocate',
    type: 'boolean',
    default: 'false',
    brokerKey: 'log.preallocate',
    documentation: 'Whether files are preallocated.',
    ...shown,
  },
  {
    name: 'remote.log.copy.disable',
    type: 'boolean',
    default: 'false',
    brokerKey: 'remote.log.copy.disable',
    documentation: 'Whether tiered storage stops copying.',
    ...shown,
  },
  {
    name: 'remote.log.delete.on.disable',
    type: 'boolean',
    default: 'false',
    brokerKey: 'remote.log.delete.on.disable',
    documentation: 'Whether remote data goes when tiered storage is turned off.',
    ...shown,
  },
  {
    name: 'remote.storage.enable',
    type: 'boolean',
    default: 'false',
    brokerKey: 'remote.storage.enable',
    documentation: 'Whether tiered storage is on. All data is in the object store here.',
    ...shown,
  },
  {
    name: 'retention.bytes',
    type: 'long',
    default: '-1',
    brokerKey: 'log.retention.bytes',
    documentation: 'Bytes kept per partition; -1 for no limit.',
    min: -1,
    ...honoured,
  },
  {
    name: 'retention.ms',
    type: 'long',
    default: String(7 * DAY_MS),
    brokerKey: 'log.retention.ms',
    documentation: 'How long records are kept, in ms; -1 for ever.',
    min: -1,
    ...honoured,
  },
  {
    name: 'segment.bytes',
    type: 'int',
    default: '1073741824',
    brokerKey: 'log.segment.bytes',
    documentation: 'Size of a file of the log. Objects have sizes of their own here.',
    min: 1048576,
    ...shown,
  },
  {
    name: 'segment.index.bytes',
    type: 'int',
    default: '10485760',
    brokerKey: 'log.index.size.max.bytes',
    documentation: 'Size of a file index.',
    min: 4,
    ...shown,
  },
  {
    name: 'segment.jitter.ms',
    type: 'long',
    default: '0',
    brokerKey: 'log.roll.jitter.ms',
    documentation: 'Random part of segment.ms.',
    min: 0,
    ...shown,
  },
  {
    name: 'segment.ms',
    type: 'long',
    default: String(7 * DAY_MS),
    brokerKey: 'log.roll.ms',
    documentation: 'Age at which a file of the log is closed.',
    min: 1,
    ...shown,
  },
  {
    name: 'unclean.leader.election.enable',
    type: 'boolean',
    default: 'false',
    brokerKey: 'unclean.leader.election.enable',
    documentation: 'Whether a replica that is behind may lead. There is no election here.',
    ...shown,
  },
]

export const TOPIC_CONFIG_BY_NAME: ReadonlyMap<string, ConfigKey> = new Map(
  TOPIC_CONFIG_KEYS.map(key => [key.name, key]),
)

/** Why `value` is not one for the key, or undefined when it is. Kafka's rules, our words. */
export function configProblem(key: ConfigKey, value: string): string | undefined {
  const text = value.trim()
  switch (key.type) {
    case 'boolean':
      return /^(true|false)$/i.test(text) ? undefined : `${key.name} must be true or false`
    case 'int':
    case 'long':
      if (!/^[+-]?\d+$/.test(text)) return `${key.name} must be a whole number`
      return boundsProblem(key, Number(text))
    case 'double':
      if (text === '' || Number.isNaN(Number(text))) return `${key.name} must be a number`
      return boundsProblem(key, Number(text))
    case 'list':
      return text
        .split(',')
        .map(item => item.trim())
        .filter(item => item !== '')
        .map(item => valuesProblem(key, item))
        .find(problem => problem !== undefined)
    case 'string':
      return valuesProblem(key, text)
  }
}

function boundsProblem(key: ConfigKey, value: number): string | undefined {
  const max = key.max ?? (key.type === 'int' ? 2147483647 : 2 ** 63)
  const min = key.min ?? (key.type === 'int' ? -2147483648 : -(2 ** 63))
  if (value >= min && value <= max) return undefined
  return value < min ? `${key.name} must be at least ${min}` : `${key.name} must be at most ${max}`
}

function valuesProblem(key: ConfigKey, value: string): string | undefined {
  if (key.values === undefined || key.values.includes(value)) return undefined
  return `${key.name} must be one of ${key.values.join(', ')}`
}
