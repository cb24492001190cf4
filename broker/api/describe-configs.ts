/** DescribeConfigs: the settings of topics, of this broker, of all brokers, of groups and of subscriptions to metrics. */
import { RESOURCE_BROKER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP, RESOURCE_TOPIC } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type DescribeConfigsResponseConfig,
  newDescribeConfigsResponse,
  newDescribeConfigsResponseConfig,
  newDescribeConfigsResponseResult,
  newDescribeConfigsResponseSynonym,
} from '../wire/messages.gen.ts'
import { allBrokersEntries, brokerEntries } from './configs/broker.ts'
import { clientMetricsEntries } from './configs/client-metrics.ts'
import { type ConfigEntry, configTypeCode } from './configs/entry.ts'
import { brokerNameProblem, type Resource } from './configs/resource.ts'
import { topicEntries } from './configs/topic.ts'
import { type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { topicNameProblem } from './topic-creation.ts'

type DescribeParts = Pick<Parts, 'replica' | 'settings'>

export function describeConfigs(parts: DescribeParts): Handler<'DescribeConfigs'> {
  return ({ resources, includeSynonyms, includeDocumentation }) =>
    newDescribeConfigsResponse({
      throttleTimeMs: 0,
      results: resources.map(({ resourceType, resourceName, configurationKeys }) => {
        const found = entriesOf(parts, { resourceType, resourceName })
        if ('errorCode' in found) {
          const { errorCode: code, message } = found
          return newDescribeConfigsResponseResult({
            errorCode: code,
            errorMessage: message,
            resourceType,
            resourceName,
            configs: [],
          })
        }
        const all = configurationKeys === null || configurationKeys.length === 0
        const wanted = all ? found : found.filter(({ name }) => configurationKeys.includes(name))
        return newDescribeConfigsResponseResult({
          errorCode: errorCode.NONE,
          errorMessage: null,
          resourceType,
          resourceName,
          configs: wanted.map(entry => shown(entry, includeSynonyms, includeDocumentation)),
        })
      }),
    })
}

function entriesOf(
  { replica, settings }: DescribeParts,
  { resourceType, resourceName }: Resource,
): ConfigEntry[] | Problem {
  const { catalog } = replica.state
  const refuse = (message: string): Problem => problem(errorCode.INVALID_REQUEST, message)
  switch (resourceType) {
    case RESOURCE_TOPIC: {
      const nameProblem = topicNameProblem(resourceName)
      if (nameProblem !== undefined) return nameProblem
      const topic = catalog.byName.get(resourceName)
      return topic === undefined
        ? problem(errorCode.UNKNOWN_TOPIC_OR_PARTITION, '')
        : topicEntries(catalog, topic.configs)
    }
    case RESOURCE_BROKER:
      if (resourceName === '') return allBrokersEntries(catalog)
      return brokerNameProblem(settings.brokerId, resourceName) ?? brokerEntries(catalog, settings.brokerConfigs)
    case RESOURCE_CLIENT_METRICS:
      if (resourceName === '') return refuse('a subscription to client metrics needs a name')
      return clientMetricsEntries(catalog.configsOf(resourceType, resourceName))
    case RESOURCE_GROUP:
      return resourceName === '' ? refuse('Group name must not be empty') : []
    default:
      return refuse(`resources of type ${resourceType} have no settings here`)
  }
}

function shown(entry: ConfigEntry, withSynonyms: boolean, withDocumentation: boolean): DescribeConfigsResponseConfig {
  const { name, value, readOnly, source, synonyms, type, documentation } = entry
  return newDescribeConfigsResponseConfig({
    name,
    value,
    readOnly,
    configSource: source,
    // None of the settings is a secret; those that are do not come this way.
    isSensitive: false,
    synonyms: withSynonyms ? synonyms.map(synonym => newDescribeConfigsResponseSynonym(synonym)) : [],
    configType: configTypeCode[type],
    documentation: withDocumentation ? documentation : null,
  })
}
