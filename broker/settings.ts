/** Every setting of the broker, in one schema: names, defaults, bounds, meanings. load-settings.ts reads them. */
import { z } from 'zod'
import { logLevels } from './observe/logger.ts'
import { listenerSecurity } from './security/listener-security.ts'
import {
  address,
  flag,
  flagValue,
  MIB,
  namedAddresses,
  names,
  number,
  price,
  principals,
  url,
  urls,
  whole,
} from './setting-kinds.ts'

/** Name of the listener when no listeners are named. */
export const DEFAULT_LISTENER = 'PLAINTEXT'

/** A setting and where it comes from. `env` names its environment variable. */
const setting = <Schema extends z.ZodType>(env: string, description: string, schema: Schema): Schema =>
  schema.meta({ env, description })

export const settingsSchema = z.strictObject({
  brokerId: setting(
    'KAFSCALE_BROKER_ID',
    'Node id that clients see; by default the lowest that no other broker of the cluster has.',
    number(z.number().int('must be a whole number').min(0).max(999_999_999)).optional(),
  ),
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
  listeners: setting(
    'KAFSCALE_LISTENERS',
    'Listeners in place of KAFSCALE_BROKER_ADDR: NAME://HOST:PORT, several by commas (listeners).',
    namedAddresses.optional(),
  ),
  advertisedListeners: setting(
    'KAFSCALE_ADVERTISED_LISTENERS',
    'What clients of each listener are told to connect to: NAME://HOST:PORT, several by commas (advertised.listeners).',
    namedAddresses.optional(),
  ),
  sharedListeners: setting(
    'KAFSCALE_SHARED_LISTENERS',
    'Names of the listeners whose advertised address leads to any broker, such as that of a load balancer.',
    names.optional(),
  ),
  internalListener: setting(
    'KAFSCALE_INTERNAL_LISTENER',
    'Name of the listener by which brokers reach each other; by default the first that is not shared.',
    z.string().min(1).optional(),
  ),
  listenerSecurity: setting(
    'KAFSCALE_LISTENER_SECURITY',
    'How listeners are secured, by name, in YAML: protocol, certFile, keyFile, clientCaFile, clientAuth, principalMappingRules, ' +
      'mechanisms, usersFile, oauth, maxReauthMs (docs/security.md).',
    listenerSecurity,
  ),
  authorizer: setting(
    'KAFSCALE_AUTHORIZER',
    'What clients may do: "none" for everything, "acl" for what ACLs allow them (authorizer.class.name).',
    z.enum(['none', 'acl']).default('none'),
  ),
  superUsers: setting(
    'KAFSCALE_SUPER_USERS',
    'Principals that may do everything: User:NAME, several by semicolons (super.users).',
    principals.optional(),
  ),
  allowEveryoneIfNoAclFound: setting(
    'KAFSCALE_ALLOW_EVERYONE_IF_NO_ACL_FOUND',
    'Whether everybody may do what no ACL speaks of (allow.everyone.if.no.acl.found).',
    flag(false),
  ),
  rack: setting('KAFSCALE_RACK', 'Zone of this broker (broker.rack).', z.string().min(1).optional()),
  metrics: setting('KAFSCALE_METRICS_ADDR', 'Address for metrics and health checks.', address(':19093')),
  dataDir: setting(
    'KAFSCALE_DATA_DIR',
    'Folder of the embedded ledger and object store, for a broker on one machine.',
    z.string().min(1).optional(),
  ),
  etcdEndpoints: setting(
    'KAFSCALE_ETCD_ENDPOINTS',
    'URLs of the etcd members that keep the ledger of a cluster, separated by commas.',
    urls.optional(),
  ),
  etcdPrefix: setting(
    'KAFSCALE_ETCD_PREFIX',
    'What every key in etcd begins with; a cluster has one of its own.',
    z
      .string()
      .regex(/^\/[A-Za-z0-9._/-]{0,200}[A-Za-z0-9._-]$/, 'must begin with / and have letters, digits, and . _ - /')
      .default('/kafscale'),
  ),
  etcdUsername: setting('KAFSCALE_ETCD_USERNAME', 'User of etcd, when it asks for one.', z.string().min(1).optional()),
  etcdPassword: setting('KAFSCALE_ETCD_PASSWORD', 'Password of the user of etcd.', z.string().min(1).optional()),
  etcdCaFile: setting(
    'KAFSCALE_ETCD_CA_FILE',
    'File with the certificates that etcd is trusted by, PEM.',
    z.string().min(1).optional(),
  ),
  etcdCertFile: setting(
    'KAFSCALE_ETCD_CERT_FILE',
    'File with the certificate that this broker shows to etcd, PEM.',
    z.string().min(1).optional(),
  ),
  etcdKeyFile: setting(
    'KAFSCALE_ETCD_KEY_FILE',
    'File with the key of that certificate, PEM.',
    z.string().min(1).optional(),
  ),
  s3Bucket: setting(
    'KAFSCALE_S3_BUCKET',
    'Bucket of the records of a cluster. It must exist.',
    z.string().min(1).optional(),
  ),
  s3Region: setting(
    'KAFSCALE_S3_REGION',
    'Region of the bucket; may be left out with an endpoint, which then gets us-east-1.',
    z.string().min(1).optional(),
  ),
  s3Endpoint: setting(
    'KAFSCALE_S3_ENDPOINT',
    'URL of the S3 service; by default that of AWS in the region.',
    url.optional(),
  ),
  s3CaFile: setting(
    'KAFSCALE_S3_CA_FILE',
    'File with the certificates that the S3 service is trusted by, PEM; by default those that Node.js trusts.',
    z.string().min(1).optional(),
  ),
  s3PathStyle: setting(
    'KAFSCALE_S3_PATH_STYLE',
    'Name the bucket in the path instead of the host; by default so when an endpoint is set.',
    flagValue.optional(),
  ),
  s3AccessKey: setting(
    'KAFSCALE_S3_ACCESS_KEY',
    'Access key; by default credentials are looked for as AWS tools do: environment, files, web identity, instance.',
    z.string().min(1).optional(),
  ),
  s3SecretKey: setting('KAFSCALE_S3_SECRET_KEY', 'Secret of the access key.', z.string().min(1).optional()),
  s3SessionToken: setting(
    'KAFSCALE_S3_SESSION_TOKEN',
    'Session token of the access key.',
    z.string().min(1).optional(),
  ),
  s3KmsArn: setting(
    'KAFSCALE_S3_KMS_ARN',
    'Key that objects are encrypted with (SSE-KMS).',
    z.string().min(1).optional(),
  ),
  s3Concurrency: setting('KAFSCALE_S3_CONCURRENCY', 'Requests to the S3 service at the same time.', whole(64, 1, 1024)),
  s3ReadBucket: setting(
    'KAFSCALE_S3_READ_BUCKET',
    'Bucket to read from first, a replica of the other; what it does not have is read from the other.',
    z.string().min(1).optional(),
  ),
  s3ReadRegion: setting(
    'KAFSCALE_S3_READ_REGION',
    'Region of the bucket to read from first.',
    z.string().min(1).optional(),
  ),
  s3ReadEndpoint: setting('KAFSCALE_S3_READ_ENDPOINT', 'URL of the S3 service to read from first.', url.optional()),
  s3PutPrice: setting(
    'KAFSCALE_S3_PUT_PRICE',
    'US dollars for 1000 writing or listing requests, for the metric of their cost.',
    price(0.005),
  ),
  s3GetPrice: setting(
    'KAFSCALE_S3_GET_PRICE',
    'US dollars for 1000 reading requests, for the metric of their cost.',
    price(0.0004),
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
  uploadSlots: setting(
    'KAFSCALE_UPLOAD_SLOTS',
    'Objects written at the same time; by default 1 in a folder, 8 in a bucket.',
    number(z.number().int('must be a whole number').min(1).max(64)).optional(),
  ),
  putsPerSecond: setting(
    'KAFSCALE_PUTS_PER_SECOND',
    'Budget of object writes per second; 0 for none. By default 20 in a bucket, none in a folder, where they cost nothing.',
    number(z.number().min(0).max(10_000)).optional(),
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
