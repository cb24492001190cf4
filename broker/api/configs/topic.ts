/** Settings of topics: what they may be, and how they are shown. */
import { type Catalog, RESOURCE_BROKER } from '../../state/catalog.ts'
import { type ConfigKey, parseConfig, TOPIC_CONFIG_BY_NAME, TOPIC_CONFIG_KEYS } from '../../state/topic-config-keys.ts'
import { type ConfigEntry, configSource, type Synonym, sourceOf } from './entry.ts'
import { type Checked, checkEach } from './values.ts'

/** All settings, in order of their names; `configs` are those that the topic has of its own. */
export function topicEntries(catalog: Catalog, configs: ReadonlyMap<string, string>): ConfigEntry[] {
  const ofCluster = catalog.configsOf(RESOURCE_BROKER, '')
  return TOPIC_CONFIG_KEYS.map(key => {
    const { name, type, documentation } = key
    const own = configs.get(name)
    const inherited = clusterSynonyms(key, ofCluster)
    const synonyms = own === undefined ? inherited : [{ name, value: own, source: configSource.TOPIC }, ...inherited]
    const value = synonyms[0]?.value ?? key.default
    return { name, value, type, readOnly: false, source: sourceOf(synonyms), synonyms, documentation }
  })
}

/**
 * Where a topic's default comes from. As in Kafka there is none to be seen while the broker setting of that very name has
 * no value: `log.retention.ms` is unset, its default is that of `log.retention.hours`.
 */
export function clusterSynonyms(key: ConfigKey, ofCluster: ReadonlyMap<string, string>): Synonym[] {
  const { brokerKey, brokerFallback } = key
  if (brokerKey === null) return []
  const dynamic = ofCluster.get(brokerKey)
  if (dynamic === undefined && brokerFallback !== undefined) return []
  const { name, value } = brokerFallback ?? { name: brokerKey, value: key.default }
  const last = { name, value, source: configSource.DEFAULT }
  return dynamic === undefined ? [last] : [{ name: brokerKey, value: dynamic, source: configSource.ALL_BROKERS }, last]
}

/** Checks the whole set of a topic's own settings, unknown ones and combinations included. */
export function checkTopicConfigs(configs: ReadonlyMap<string, string>): Checked {
  const checked = checkEach(configs, (name, text) => {
    const key = TOPIC_CONFIG_BY_NAME.get(name)
    return key === undefined ? { problem: `Unknown topic config name: ${name}` } : parseConfig(key, text)
  })
  if ('problem' in checked) return checked
  const problem = combinationProblem(checked.values)
  return problem === undefined ? checked : { problem }
}

function combinationProblem(values: ReadonlyMap<string, string>): string | undefined {
  const least = lagOf(values, 'min.compaction.lag.ms')
  const most = lagOf(values, 'max.compaction.lag.ms')
  if (least > most) return `min.compaction.lag.ms (${least}) must not be larger than max.compaction.lag.ms (${most})`
  if (values.get('remote.storage.enable') !== 'true') return undefined
  return 'remote.storage.enable: there is no tiered storage, all data is in the object store'
}

function lagOf(values: ReadonlyMap<string, string>, name: string): bigint {
  return BigInt(values.get(name) ?? TOPIC_CONFIG_BY_NAME.get(name)?.default ?? 0)
}
