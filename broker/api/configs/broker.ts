/**
 * Settings of the broker under the names that Kafka gives them: those of our settings that have such a name, facts that
 * clients look for there, and the defaults for all topics, which alone can be changed at run time (KIP-226).
 */
import { type Catalog, RESOURCE_BROKER } from '../../state/catalog.ts'
import { type ConfigKey, type ConfigType, parseConfig, TOPIC_CONFIG_KEYS } from '../../state/topic-config-keys.ts'
import { errorCode } from '../../wire/errors.ts'
import { type Problem, problem } from '../failure.ts'
import { type ConfigEntry, configSource, type Synonym, sourceOf } from './entry.ts'
import { clusterSynonyms } from './topic.ts'

interface StaticKey {
  readonly name: string
  readonly type: ConfigType
  /** Kafka's; null for none. A value that differs from it counts as set by the operator. */
  readonly default: string | null
  readonly documentation: string
}

const key = (name: string, type: ConfigType, fallback: string | null, documentation: string): StaticKey => ({
  name,
  type,
  default: fallback,
  documentation,
})

/** `ApiSettings.brokerConfigs` has the values of those that differ from broker to broker. */
const STATIC_KEYS: readonly StaticKey[] = [
  key('advertised.listeners', 'list', null, 'Where clients are told to connect to.'),
  key('auto.create.topics.enable', 'boolean', 'true', 'Whether topics are created on first use.'),
  key('broker.id', 'int', '-1', 'Id of this broker.'),
  key('broker.rack', 'string', null, 'Zone of this broker.'),
  key('connections.max.idle.ms', 'long', '600000', 'Idle connections are closed after this time, in ms.'),
  key('default.replication.factor', 'int', '1', 'Replication factor of topics created without one.'),
  key('delete.topic.enable', 'boolean', 'true', 'Whether topics can be deleted.'),
  key('group.initial.rebalance.delay.ms', 'int', '3000', 'Wait for more members of a new group, in ms.'),
  key('group.max.session.timeout.ms', 'int', '1800000', 'Longest session timeout of a member, in ms.'),
  key('group.max.size', 'int', '2147483647', 'The most members of a group.'),
  key('group.min.session.timeout.ms', 'int', '6000', 'Shortest session timeout of a member, in ms.'),
  key('listeners', 'list', 'PLAINTEXT://:9092', 'Where the broker listens.'),
  key('log.dirs', 'list', null, 'Where records and metadata are kept.'),
  key('log.retention.check.interval.ms', 'long', '300000', 'Time between looks for records to delete, in ms.'),
  key('max.connections', 'int', '2147483647', 'The most connections.'),
  key('max.connections.per.ip', 'int', '2147483647', 'The most connections of one address.'),
  key('max.incremental.fetch.session.cache.slots', 'int', '1000', 'The most fetch sessions.'),
  key('node.id', 'int', null, 'Id of this broker.'),
  key('num.partitions', 'int', '1', 'Partitions of topics created without a number.'),
  key('offset.metadata.max.bytes', 'int', '4096', 'Longest text that can be stored with an offset.'),
  key('offsets.retention.check.interval.ms', 'long', '600000', 'Time between looks for offsets to delete, in ms.'),
  key('offsets.retention.minutes', 'int', '10080', 'How long offsets of a group without members are kept.'),
  key('process.roles', 'list', null, 'What this process is.'),
  key('producer.id.expiration.ms', 'int', '86400000', 'How long an idle producer is remembered, in ms.'),
  key('socket.request.max.bytes', 'int', '104857600', 'Largest request, in bytes.'),
]

const TOPIC_DEFAULTS: ReadonlyMap<string, ConfigKey> = new Map(
  TOPIC_CONFIG_KEYS.flatMap(topicKey => (topicKey.brokerKey === null ? [] : [[topicKey.brokerKey, topicKey]])),
)

const FALLBACK_KEYS: readonly StaticKey[] = TOPIC_CONFIG_KEYS.flatMap(({ brokerKey, brokerFallback }) =>
  brokerFallback === undefined
    ? []
    : [
        key(
          brokerFallback.name,
          brokerFallback.type,
          brokerFallback.value,
          `What counts while ${brokerKey} is not set.`,
        ),
      ],
)

const READ_ONLY = [...STATIC_KEYS, ...FALLBACK_KEYS]
const READ_ONLY_NAMES: ReadonlySet<string> = new Set(READ_ONLY.map(({ name }) => name))

/** All settings of this broker. */
export function brokerEntries(catalog: Catalog, values: ReadonlyMap<string, string>): ConfigEntry[] {
  const ofCluster = catalog.configsOf(RESOURCE_BROKER, '')
  const readOnly = READ_ONLY.map(({ name, type, default: builtIn, documentation }): ConfigEntry => {
    const value = values.get(name) ?? builtIn
    const last = builtIn === null ? [] : [{ name, value: builtIn, source: configSource.DEFAULT }]
    const synonyms: Synonym[] =
      value === builtIn || value === null ? last : [{ name, value, source: configSource.STATIC }, ...last]
    return { name, value, type, readOnly: true, source: sourceOf(synonyms), synonyms, documentation }
  })
  const dynamic = [...TOPIC_DEFAULTS].map(([name, topicKey]): ConfigEntry => {
    const { type, documentation } = topicKey
    const synonyms = clusterSynonyms(topicKey, ofCluster)
    return {
      name,
      value: synonyms[0]?.value ?? null,
      type,
      readOnly: false,
      source: sourceOf(synonyms),
      synonyms,
      documentation,
    }
  })
  return [...readOnly, ...dynamic].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What is set for all brokers at run time. */
export function allBrokersEntries(catalog: Catalog): ConfigEntry[] {
  return [...catalog.configsOf(RESOURCE_BROKER, '')].flatMap(([name, value]) => {
    const topicKey = TOPIC_DEFAULTS.get(name)
    if (topicKey === undefined) return []
    const { type, documentation } = topicKey
    const source = configSource.ALL_BROKERS
    return [{ name, value, type, readOnly: false, source, synonyms: [{ name, value, source }], documentation }]
  })
}

export function brokerListDefault(name: string): string | undefined {
  const topicKey = TOPIC_DEFAULTS.get(name)
  return topicKey?.type === 'list' ? topicKey.default : undefined
}

/** As in Kafka a wrong value is an invalid request here, not an invalid config (KAFKA-13609). */
export function checkBrokerConfigs(
  configs: ReadonlyMap<string, string>,
  forAllBrokers: boolean,
): { readonly values: ReadonlyMap<string, string> } | Problem {
  const fixed = [...configs.keys()].filter(name => READ_ONLY_NAMES.has(name))
  if (fixed.length > 0) {
    return problem(errorCode.INVALID_REQUEST, `Cannot update these configs dynamically: [${fixed.join(', ')}]`)
  }
  const values = new Map<string, string>()
  for (const [name, text] of configs) {
    const topicKey = TOPIC_DEFAULTS.get(name)
    if (topicKey === undefined) return problem(errorCode.INVALID_CONFIG, `Unknown broker config name: ${name}`)
    if (!forAllBrokers) return problem(errorCode.INVALID_REQUEST, `${name} can only be set for all brokers together`)
    const parsed = parseConfig({ ...topicKey, name }, text)
    if ('problem' in parsed) return problem(errorCode.INVALID_REQUEST, parsed.problem)
    values.set(name, parsed.value)
  }
  return { values }
}
