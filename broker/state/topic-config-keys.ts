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
  readonly brokerKey: string | null
  /** Where Kafka's default of `brokerKey` lies under another name: hours behind milliseconds. */
  readonly brokerFallback?: { readonly name: string; readonly type: ConfigType; readonly value: string }
  readonly documentation: string
  /** Smallest number allowed. */
  readonly min?: number
  readonly max?: number
  /** A number between `min` and `max` that is not allowed. */
  readonly not?: number
  readonly values?: readonly string[]
  /** What each item of a list looks like. */
  readonly item?: RegExp
}

/** Java's Long.MAX_VALUE as Kafka prints it: "without a limit". */
export const NO_LIMIT = '9223372036854775807'

const DAY_MS = 86_400_000

/** PARTITION:BROKER, or all. */
const REPLICA = /^(\d+:\d+|\*)$/

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
    name: 'compression.gzip.level',
    type: 'int',
    default: '-1',
    brokerKey: 'compression.gzip.level',
    documentation: 'Level for compression.type=gzip; -1 for its default.',
    min: -1,
    max: 9,
    not: 0,
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
    name: 'compression.type',
    type: 'string',
    default: 'producer',
    brokerKey: 'compression.type',
    values: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    documentation: 'Codec of stored batches; producer leaves each batch as it was sent.',
    ...honoured,
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
    brokerFallback: { name: 'log.flush.scheduler.interval.ms', type: 'long', value: NO_LIMIT },
    documentation: 'Time between flushes of a file, in ms. Every acknowledged record is durable here.',
    min: 0,
    ...shown,
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'list',
    default: '',
    brokerKey: null,
    documentation: 'Replicas whose replication is throttled on the follower side.',
    item: REPLICA,
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
    brokerKey: null,
    documentation: 'Replicas whose replication is throttled on the leader side.',
    item: REPLICA,
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
    brokerKey: null,
    documentation: 'Whether tiered storage stops copying.',
    ...shown,
  },
  {
    name: 'remote.log.delete.on.disable',
    type: 'boolean',
    default: 'false',
    brokerKey: null,
    documentation: 'Whether remote data goes when tiered storage is turned off.',
    ...shown,
  },
  {
    name: 'remote.storage.enable',
    type: 'boolean',
    default: 'false',
    brokerKey: null,
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
    brokerFallback: { name: 'log.retention.hours', type: 'int', value: '168' },
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
    brokerFallback: { name: 'log.roll.jitter.hours', type: 'int', value: '0' },
    documentation: 'Random part of segment.ms.',
    min: 0,
    ...shown,
  },
  {
    name: 'segment.ms',
    type: 'long',
    default: String(7 * DAY_MS),
    brokerKey: 'log.roll.ms',
    brokerFallback: { name: 'log.roll.hours', type: 'int', value: '168' },
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

/** Java's limits of the types with whole numbers. */
const WHOLE = {
  int: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  long: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
} as const

export type Parsed = { readonly value: string } | { readonly problem: string }

/** What every kind of setting needs to be checked. */
export type ValueRules = Pick<ConfigKey, 'name' | 'type' | 'min' | 'max' | 'not' | 'values' | 'item'>

/**
 * The value in the form in which it is kept and shown, or why it is none for the key. Kafka's rules and forms: numbers and
 * booleans in one spelling, items of lists without the space around them.
 */
export function parseConfig(key: ValueRules, text: string): Parsed {
  const problem = (why: string): Parsed => ({ problem: `Invalid value ${text} for configuration ${key.name}: ${why}` })
  const trimmed = text.trim()
  switch (key.type) {
    case 'boolean': {
      const value = trimmed.toLowerCase()
      return value === 'true' || value === 'false' ? { value } : problem('Expected value to be either true or false')
    }
    case 'int':
    case 'long': {
      const type = key.type
      const whole = /^[+-]?\d{1,40}$/.test(trimmed) ? BigInt(trimmed.replace('+', '')) : undefined
      if (whole === undefined || whole < WHOLE[type].min || whole > WHOLE[type].max) {
        return problem(`Not a number of type ${type.toUpperCase()}`)
      }
      const why = boundsProblem(key, Number(whole))
      return why === undefined ? { value: String(whole) } : problem(why)
    }
    case 'double': {
      if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) return problem('Not a number of type DOUBLE')
      const number = Number(trimmed)
      const why = boundsProblem(key, number)
      return why === undefined ? { value: Number.isInteger(number) ? number.toFixed(1) : String(number) } : problem(why)
    }
    case 'list': {
      const items = trimmed === '' ? [] : trimmed.split(',').map(item => item.trim())
      const wrong = items.find(item => itemProblem(key, item) !== undefined)
      if (wrong === undefined) return { value: [...new Set(items)].join(',') }
      return { problem: `Invalid value ${wrong} for configuration ${key.name}: ${itemProblem(key, wrong)}` }
    }
    case 'string': {
      const why = itemProblem(key, trimmed)
      return why === undefined ? { value: trimmed } : problem(why)
    }
  }
}

function boundsProblem({ min, max, not }: ValueRules, value: number): string | undefined {
  if (min !== undefined && value < min) return `Value must be at least ${min}`
  if (max !== undefined && value > max) return `Value must be no more than ${max}`
  return value === not ? `Value must not be ${not}` : undefined
}

function itemProblem({ values, item }: ValueRules, text: string): string | undefined {
  if (values !== undefined && !values.includes(text)) return `String must be one of: ${values.join(', ')}`
  return item === undefined || item.test(text) ? undefined : 'String has the wrong form'
}
