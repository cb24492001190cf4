/**
 * Every setting of the broker, in one schema: names, defaults, bounds, meanings.
 *
 * A value comes from the environment, else from the YAML file that KAFSCALE_CONFIG_FILE names, else from the default.
 * Nothing else in the broker reads the environment. A wrong value, or an unknown key in the file, is a SettingsError of
 * one line that names the setting. Unknown environment variables are left alone: Kubernetes makes some of its own that
 * begin alike (KAFSCALE_BROKER_SERVICE_HOST and so on).
 */
import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { logLevels } from './observe/logger.ts'

export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

export interface Address {
  /** Undefined for all addresses. */
  readonly host: string | undefined
  readonly port: number
}

const MIB = 1024 * 1024

const address = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context): Address => {
      const parts = /^(?:\[([^\]\s]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text)
      const port = Number(parts?.[3])
      if (parts === null || port > 65535) {
        context.addIssue({ code: 'custom', message: 'must be HOST:PORT or :PORT' })
        return z.NEVER
      }
      const host = parts[1] ?? parts[2]
      return { host: host === '' ? undefined : host, port }
    })

/** The environment knows only text. Nothing else is taken for a number: an empty value in a file is not 0. */
const number = <Schema extends z.ZodNumber>(schema: Schema) =>
  z.preprocess(value => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value), schema)

const whole = (fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  number(z.number().int('must be a whole number').min(min).max(max)).default(fallback)

const flag = (fallback: boolean) =>
  z
    .union([z.boolean(), z.enum(['true', 'false', '1', '0']).transform(text => text === 'true' || text === '1')])
    .default(fallback)

/** A setting and where it comes from. `env` names its environment variable. */
const setting = <Schema extends z.ZodType>(env: string, description: string, schema: Schema): Schema =>
  schema.meta({ env, description })

export const settingsSchema = z.strictObject({
  brokerId: setting('KAFSCALE_BROKER_ID', 'Node id that clients see.', whole(0, 0, 2147483647)),
  listen: setting('KAFSCALE_BROKER_ADDR', 'Address for Kafka clients, HOST:PORT or :PORT.', address(':19092')),
  advertisedHost: setting(
    'KAFSCALE_BROKER_HOST',
    'Host name that clients are told to connect to; by default that of KAFSCALE_BROKER_ADDR, or localhost.',
    z
      .string()
      .regex(/^[A-Za-z0-9._:-]{1,255}$/, 'must be a host name or an IP address')
      .optional(),
  ),
  advertisedPort: setting(
    'KAFSCALE_BROKER_PORT',
    'Port that clients are told to connect to; by default the port listened on.',
    number(z.number().int('must be a whole number').min(1).max(65535)).optional(),
  ),
  rack: setting('KAFSCALE_RACK', 'Zone of this broker (broker.rack).', z.string().min(1).optional()),
  metrics: setting('KAFSCALE_METRICS_ADDR', 'Address for metrics and health checks.', address(':19093')),
  dataDir: setting(
    'KAFSCALE_DATA_DIR',
    'Folder of the embedded ledger and object store. Required: there is no default place for data.',
    z.string().min(1),
  ),
  prefix: setting(
    'KAFSCALE_S3_NAMESPACE',
    'First component of every object key.',
    z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes or underscores')
      .refine(text => text !== '.' && text !== '..', 'must not be . or ..')
      .default('default'),
  ),
  autoCreateTopics: setting(
    'KAFSCALE_AUTO_CREATE_TOPICS',
    'Create topics on first use (auto.create.topics.enable).',
    flag(true),
  ),
  autoCreatePartitions: setting(
    'KAFSCALE_AUTO_CREATE_PARTITIONS',
    'Partitions of a topic made without a number (num.partitions).',
    whole(1, 1, 10_000),
  ),
  maxPartitionsPerTopic: setting(
    'KAFSCALE_MAX_PARTITIONS_PER_TOPIC',
    'The most partitions that a topic may have.',
    whole(10_000, 1, 100_000),
  ),
  maxPartitions: setting(
    'KAFSCALE_MAX_PARTITIONS',
    'The most partitions of all topics together.',
    whole(200_000, 1, 1_000_000),
  ),
  cacheBytes: setting(
    'KAFSCALE_CACHE_BYTES',
    'Memory for records that were just written or read, in bytes.',
    whole(128 * MIB, MIB),
  ),
  fetchMemoryBytes: setting(
    'KAFSCALE_FETCH_MEMORY_BYTES',
    'Memory for the records of fetch answers in progress, in bytes; beyond it fetches wait for each other.',
    whole(128 * MIB, MIB),
  ),
  produceMemoryBytes: setting(
    'KAFSCALE_PRODUCE_MEMORY_BYTES',
    'Memory for produce requests in progress, in bytes; beyond it producers are held back.',
    whole(128 * MIB, MIB),
  ),
  windowBytes: setting(
    'KAFSCALE_SEGMENT_BYTES',
    'An object is written at the latest when it has this many bytes.',
    whole(8 * MIB, 64 * 1024, 64 * MIB),
  ),
  flushIntervalMs: setting(
    'KAFSCALE_FLUSH_INTERVAL_MS',
    'The longest that a record waits for company in its object, in ms.',
    whole(250, 0, 60_000),
  ),
  uploadSlots: setting('KAFSCALE_UPLOAD_SLOTS', 'Objects written at the same time.', whole(1, 1, 64)),
  putsPerSecond: setting(
    'KAFSCALE_PUTS_PER_SECOND',
    'Budget of object writes per second; 0 for none, as in a folder a write costs nothing.',
    number(z.number().min(0).max(10_000)).default(0),
  ),
  maxRequestBytes: setting(
    'KAFSCALE_MAX_REQUEST_BYTES',
    'Largest request (socket.request.max.bytes).',
    whole(100 * MIB, 1024, 1024 * MIB),
  ),
  maxConnections: setting('KAFSCALE_MAX_CONNECTIONS', 'The most connections (max.connections).', whole(20_000, 1)),
  maxConnectionsPerIp: setting(
    'KAFSCALE_MAX_CONNECTIONS_PER_IP',
    'The most connections of one address (max.connections.per.ip).',
    whole(20_000, 1),
  ),
  connectionsMaxIdleMs: setting(
    'KAFSCALE_CONNECTIONS_MAX_IDLE_MS',
    'Idle connections are closed after this time (connections.max.idle.ms).',
    whole(600_000, 1000),
  ),
  groupInitialRebalanceDelayMs: setting(
    'KAFSCALE_GROUP_INITIAL_REBALANCE_DELAY_MS',
    'Wait for more members before the first assignment of a group (group.initial.rebalance.delay.ms).',
    whole(3000, 0, 60_000),
  ),
  groupMinSessionTimeoutMs: setting(
    'KAFSCALE_GROUP_MIN_SESSION_TIMEOUT_MS',
    'group.min.session.timeout.ms',
    whole(6000, 1),
  ),
  groupMaxSessionTimeoutMs: setting(
    'KAFSCALE_GROUP_MAX_SESSION_TIMEOUT_MS',
    'group.max.session.timeout.ms',
    whole(1_800_000, 1),
  ),
  groupMaxSize: setting('KAFSCALE_GROUP_MAX_SIZE', 'group.max.size', whole(2147483647, 1, 2147483647)),
  offsetsRetentionMinutes: setting(
    'KAFSCALE_OFFSETS_RETENTION_MINUTES',
    'How long the offsets of a group without members are kept (offsets.retention.minutes).',
    whole(10_080, 1),
  ),
  retentionCheckIntervalMs: setting(
    'KAFSCALE_RETENTION_CHECK_INTERVAL_MS',
    'Time between looks for records to delete (log.retention.check.interval.ms).',
    whole(300_000, 100),
  ),
  checkpointIntervalMs: setting(
    'KAFSCALE_CHECKPOINT_INTERVAL_MS',
    'The longest time between checkpoints of a ledger that changes.',
    whole(30_000, 100),
  ),
  drainTimeoutMs: setting(
    'KAFSCALE_DRAIN_TIMEOUT_MS',
    'Time for requests in progress when the broker stops.',
    whole(10_000, 0),
  ),
  logLevel: setting('KAFSCALE_LOG_LEVEL', `One of ${logLevels.join(', ')}.`, z.enum(logLevels).default('info')),
})

export type Settings = Readonly<z.output<typeof settingsSchema>>

/** A setting as documentation and error messages name it. */
export interface SettingFacts {
  readonly key: string
  readonly env: string
  readonly description: string
}

const factsSchema = z.looseObject({ env: z.string(), description: z.string() })

export const settingFacts: readonly SettingFacts[] = Object.entries(settingsSchema.shape).map(([key, schema]) => {
  const { env, description } = factsSchema.parse(schema.meta())
  return { key, env, description }
})

/** Throws SettingsError. `environment` is that of the process, which main.ts alone reads. */
export function loadSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const file = environment.KAFSCALE_CONFIG_FILE
  const values: Record<string, unknown> = file === undefined ? {} : readFile(file)
  for (const { key, env } of settingFacts) {
    const value = environment[env]
    if (value !== undefined && value !== '') values[key] = value
  }
  const parsed = settingsSchema.safeParse(values)
  if (parsed.success) {
    checkTogether(parsed.data)
    return parsed.data
  }
  throw new SettingsError(describe(parsed.error.issues[0], values).replaceAll(/\s+/g, ' '))
}

/** What no setting can know by itself. */
function checkTogether({ groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs }: Settings): void {
  if (groupMinSessionTimeoutMs <= groupMaxSessionTimeoutMs) return
  throw new SettingsError(
    'KAFSCALE_GROUP_MIN_SESSION_TIMEOUT_MS (groupMinSessionTimeoutMs in a file): must not be more than ' +
      `KAFSCALE_GROUP_MAX_SESSION_TIMEOUT_MS, ${groupMaxSessionTimeoutMs}, but it is "${groupMinSessionTimeoutMs}"`,
  )
}

function readFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(parseYaml(readFileSync(path, 'utf8')) ?? {})
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? 'it is no mapping of settings' : String(cause).split('\n')[0]
    throw new SettingsError(`KAFSCALE_CONFIG_FILE: ${path} cannot be read: ${reason}`, { cause })
  }
}

function describe(issue: z.core.$ZodIssue | undefined, values: Readonly<Record<string, unknown>>): string {
  if (issue === undefined) return 'the settings are not valid'
  if (issue.code === 'unrecognized_keys') return `${issue.keys[0]}: there is no such setting`
  const key = String(issue.path[0])
  const facts = settingFacts.find(one => one.key === key)
  const name = facts === undefined ? key : `${facts.env} (${key} in a file)`
  if (values[key] === undefined) return `${name} is required. ${facts?.description ?? ''}`.trim()
  return `${name}: ${issue.message}, but it is "${String(values[key])}"`
}
