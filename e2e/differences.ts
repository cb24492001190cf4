// Where our broker's answers differ from Apache Kafka's on purpose, each with its reason. The comparison fails for a
// difference that is not here, and for an entry here that no difference needs any more. docs/differences.md gives the
// same reasons, word for word.

import type { Difference } from './comparison.ts'

export interface KnownDifference {
  step: RegExp
  kind: Difference['kind'] | 'any'
  path: RegExp
  /** What our answer has there ('' for nothing); any when left out. */
  here?: RegExp
  reason: string
}

const COPIES =
  'A replication factor above the number of brokers is accepted: the object store keeps records safe, and clients ask for 3 as a matter of course.'
const NO_SUCH_PART =
  'Broker settings of parts that do not exist here (replica fetchers, the quorum, log cleaners, tiers, SASL, share groups and so on) are not shown.'
const AT_START =
  'Listeners, limits of connections and the expiry of idle producers are set when the broker starts; Apache Kafka can change them while it runs. Connections are limited to 20000 unless set otherwise.'
const ONE_ROLE =
  'There is no controller beside the brokers: `process.roles` is `broker`, and there is no listener for one.'
const ONE_INTERVAL =
  'Old offsets are looked for as often as old records, every 5 minutes (`log.retention.check.interval.ms`), not every 10.'
const NO_ELECTIONS =
  '`min.insync.replicas` is a plain default. A new Apache Kafka 4.3 sets it for the whole cluster, because its eligible leader replicas (KIP-966) need that; there is no election here.'
const UNKNOWN_SETTING =
  'An unknown broker setting is refused. Apache Kafka keeps it for plugins, which do not exist here, so it can only be a mistake.'
const ONE_LOG_LEVEL =
  'Levels of single loggers (BROKER_LOGGER) cannot be changed: there is one level, `KAFSCALE_LOG_LEVEL`.'
const OWN_WORDS = 'Refused records get the same error with a sentence of our own.'
const GONE_AT_ONCE =
  'Records below the log start offset are gone at once. Apache Kafka still finds their timestamps and counts their bytes until it deletes the segment.'
const NO_INTERNAL_TOPICS =
  'There are no internal topics such as `__consumer_offsets`: groups and their offsets are in the ledger.'
const TRANSACTIONS = 'Transactions are not in this release.'
const SECURITY = 'Delegation tokens are not in this release.'
const NEW_GROUPS =
  'Consumer groups of the new protocol (KIP-848), share groups and streams groups are not in this release, nor are group settings, which belong to them.'
const CLUSTER_TOOLS =
  'Features, reassignments, elections, replica moves, the description of the quorum and the removal of brokers are not in this release.'
const BETWEEN_BROKERS = 'Requests that brokers of Apache Kafka send to each other are not for clients and not served.'

const BROKER = String.raw`^\.ConfigResource\(type=BROKER, name='ID'\)\.`
const UNSUPPORTED = /UnsupportedVersionException|The node does not support [A-Z_]+$/

export const KNOWN_DIFFERENCES: KnownDifference[] = [
  { step: /^create a topic with replication factor 3$/, kind: 'missing', path: /^error( message)?$/, reason: COPIES },
  {
    step: /^create a topic with replication factor 3$/,
    kind: 'extra',
    path: /^\.partitions$/,
    here: /^1$/,
    reason: COPIES,
  },
  {
    step: /^create a topic with replication factor 3$/,
    kind: 'extra',
    path: /^\.replicationFactor$/,
    here: /^3$/,
    reason: COPIES,
  },
  {
    step: /^create a topic with replication factor 3$/,
    kind: 'extra',
    path: /^\.configs\./,
    here: / DEFAULT_CONFIG null$/,
    reason: COPIES,
  },
  {
    step: /^kafka-topics --create .* --replication-factor 2$/,
    kind: 'different',
    path: /^exit code$/,
    here: /^0$/,
    reason: COPIES,
  },
  {
    step: /^kafka-topics --create .* --replication-factor 2$/,
    kind: 'missing',
    path: /^Error while .* Unable to replicate /,
    reason: COPIES,
  },
  {
    step: /^kafka-topics --create .* --replication-factor 2$/,
    kind: 'extra',
    path: /^Created topic t-2\.$/,
    reason: COPIES,
  },

  { step: /^configs of a broker$/, kind: 'missing', path: new RegExp(BROKER), reason: NO_SUCH_PART },
  {
    step: /^configs of a broker$/,
    kind: 'different',
    path: new RegExp(`${BROKER}(listeners|max\\.connections(\\.per\\.ip)?|producer\\.id\\.expiration\\.ms)$`),
    here: / (LIST|INT) read-only \[/,
    reason: AT_START,
  },
  {
    step: /^configs of a broker$/,
    kind: 'different',
    path: new RegExp(`${BROKER}listeners$`),
    here: /^PLAINTEXT:\/\/ADDRESS /,
    reason: ONE_ROLE,
  },
  {
    step: /^configs of a broker$/,
    kind: 'different',
    path: new RegExp(`${BROKER}process\\.roles$`),
    here: /^broker /,
    reason: ONE_ROLE,
  },
  {
    step: /^configs of a broker$/,
    kind: 'different',
    path: new RegExp(`${BROKER}offsets\\.retention\\.check\\.interval\\.ms$`),
    here: /^300000 STATIC_BROKER_CONFIG LONG read-only /,
    reason: ONE_INTERVAL,
  },

  {
    step: /^create a .*topic/,
    kind: 'different',
    path: /^\.configs\.min\.insync\.replicas$/,
    here: /^1 DEFAULT_CONFIG null$/,
    reason: NO_ELECTIONS,
  },
  {
    step: /^configs of a (topic|broker)/,
    kind: 'different',
    path: /\.min\.insync\.replicas$/,
    here: /^1 DEFAULT_CONFIG INT \[DEFAULT_CONFIG:min\.insync\.replicas=1\]$/,
    reason: NO_ELECTIONS,
  },
  { step: /^configs of all brokers$/, kind: 'missing', path: /\.min\.insync\.replicas$/, reason: NO_ELECTIONS },
  {
    step: /^kafka-topics --describe --topic/,
    kind: 'missing',
    path: /^Topic: \S+ TopicId: .* Configs: min\.insync\.replicas=1(,|$)/,
    reason: NO_ELECTIONS,
  },
  {
    step: /^kafka-topics --describe --topic/,
    kind: 'extra',
    path: /^Topic: \S+ TopicId: .* Configs: (?!.*min\.insync)\S/,
    reason: NO_ELECTIONS,
  },
  {
    step: /^kafka-configs --describe .* (--all|--entity-default)$/,
    kind: 'missing',
    path: /^min\.insync\.replicas=1 /,
    reason: NO_ELECTIONS,
  },
  {
    step: /^kafka-configs --describe .* --all$/,
    kind: 'extra',
    path: /^min\.insync\.replicas=1 .*\{DEFAULT_CONFIG:/,
    reason: NO_ELECTIONS,
  },

  {
    step: /^config: change an unknown config of a broker$/,
    kind: 'different',
    path: /^\.ConfigResource\(type=BROKER, name='ID'\)$/,
    here: /^InvalidConfigurationException: /,
    reason: UNKNOWN_SETTING,
  },
  {
    step: /^list config resources$/,
    kind: 'missing',
    path: /^ has ConfigResource\(type=BROKER_LOGGER, name='ID'\)$/,
    reason: ONE_LOG_LEVEL,
  },
  {
    step: /^write a record (of the far future|that is too large for the topic|without key for a compacted topic)$/,
    kind: 'different',
    path: /^error message$/,
    here: /is out of range; it must be from \d+ to TIME|are more than max\.message\.bytes|without a key/,
    reason: OWN_WORDS,
  },
  {
    step: /^offsets after the deletions$/,
    kind: 'different',
    path: /^\.max timestamp\./,
    here: /^-1$|^Optional\.empty$/,
    reason: GONE_AT_ONCE,
  },
  {
    step: /^log folders$/,
    kind: 'different',
    path: /whose records are deleted$/,
    here: /^false$/,
    reason: GONE_AT_ONCE,
  },
  {
    step: /^kafka-topics --(list|describe --topics-with-overrides)/,
    kind: 'missing',
    path: /^(Topic: )?__(consumer_offsets|transaction_state)\b/,
    reason: NO_INTERNAL_TOPICS,
  },

  { step: /^(an unknown transaction|transactions)$/, kind: 'missing', path: /^$/, reason: TRANSACTIONS },
  {
    step: /^(an unknown transaction|transactions)$/,
    kind: 'any',
    path: /^error( message)?$/,
    here: /UnsupportedVersion|does not support|type=TRANSACTION/,
    reason: TRANSACTIONS,
  },
  {
    step: /^kafka-broker-api-versions$/,
    kind: 'any',
    path: /^(\w+Txn|TxnOffsetCommit|DescribeTransactions|ListTransactions)\(\d+\): /,
    reason: TRANSACTIONS,
  },

  { step: /^delegation tokens$/, kind: 'any', path: /^error( message)?$/, here: UNSUPPORTED, reason: SECURITY },
  { step: /^kafka-broker-api-versions$/, kind: 'any', path: /^\w+DelegationToken\(\d+\): /, reason: SECURITY },

  { step: /^configs of a group$/, kind: 'missing', path: /\.(consumer|share|streams)\.[a-z.]+$/, reason: NEW_GROUPS },
  {
    step: /^kafka-broker-api-versions$/,
    kind: 'any',
    path: /^((Consumer|Share|Streams)Group(Heartbeat|Describe)|Share(Fetch|Acknowledge)|\w+ShareGroupOffsets)\(\d+\): /,
    reason: NEW_GROUPS,
  },

  { step: /^features$/, kind: 'missing', path: /^\.(finalized|supported) /, reason: CLUSTER_TOOLS },
  {
    step: /^(the quorum|reassignments|elect the preferred leader)$/,
    kind: 'missing',
    path: /^(\.leader)?$/,
    reason: CLUSTER_TOOLS,
  },
  {
    step: /^(the quorum|reassignments|elect the preferred leader|unregister an unknown broker)$/,
    kind: 'any',
    path: /^error( message)?$/,
    here: UNSUPPORTED,
    reason: CLUSTER_TOOLS,
  },
  {
    step: /^(cancel a reassignment|reassign to an unknown broker)$/,
    kind: 'different',
    path: /^\.d-records-0$/,
    here: UNSUPPORTED,
    reason: CLUSTER_TOOLS,
  },
  {
    step: /^kafka-broker-api-versions$/,
    kind: 'any',
    path: /^(AlterReplicaLogDirs|ElectLeaders|\w+PartitionReassignments|DescribeQuorum|UpdateFeatures|UnregisterBroker)\(\d+\): /,
    reason: CLUSTER_TOOLS,
  },
  {
    step: /^kafka-broker-api-versions$/,
    kind: 'any',
    path: /^(WriteTxnMarkers|\w+RaftVoter|\w+ShareGroupState(Summary)?)\(\d+\): /,
    reason: BETWEEN_BROKERS,
  },
]

/** Differences that no entry explains, and entries that explain none. */
export function judged(
  found: Difference[],
  known: KnownDifference[],
): { unexplained: Difference[]; unused: KnownDifference[] } {
  const explains = ({ step, kind, path, here }: KnownDifference, difference: Difference) =>
    (kind === 'any' || kind === difference.kind) &&
    step.test(difference.step) &&
    path.test(difference.path) &&
    (here === undefined || here.test(difference.other ?? ''))
  return {
    unexplained: found.filter(difference => !known.some(entry => explains(entry, difference))),
    unused: known.filter(entry => !found.some(difference => explains(entry, difference))),
  }
}
