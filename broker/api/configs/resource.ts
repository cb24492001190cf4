/** The kinds of things that have settings, and what can be changed of each. */
import { RESOURCE_BROKER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP, RESOURCE_TOPIC } from '../../state/catalog.ts'
import { TOPIC_CONFIG_BY_NAME } from '../../state/topic-config-keys.ts'
import { errorCode } from '../../wire/errors.ts'
import { SHARED_BROKER_ID } from '../brokers.ts'
import { type Problem, problem } from '../failure.ts'
import type { Parts } from '../parts.ts'
import { topicNameProblem } from '../topic-creation.ts'
import { brokerListDefault, checkBrokerConfigs } from './broker.ts'
import { checkClientMetrics, clientMetricsListDefault } from './client-metrics.ts'
import { checkTopicConfigs } from './topic.ts'

/** As requests name it. */
export interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

export interface Changeable {
  /** The default of a setting that is a list; undefined when it is none, or unknown. */
  readonly listDefault: (name: string) => string | undefined
  /** Checks the whole set of values that a change would leave. */
  readonly check: (configs: ReadonlyMap<string, string>) => { readonly values: ReadonlyMap<string, string> } | Problem
  /** Why there is nothing to change, found after everything else, as in Kafka. */
  readonly absence: () => Problem | undefined
}

const PRESENT = (): undefined => undefined

/** What can be changed of a resource, or why nothing can. */
export function changeable(
  parts: Pick<Parts, 'replica' | 'settings'>,
  { resourceType, resourceName }: Resource,
): Changeable | Problem {
  const refuse = (message: string): Problem => problem(errorCode.INVALID_REQUEST, message)
  switch (resourceType) {
    case RESOURCE_TOPIC:
      return resourceName === ''
        ? refuse('Default topic resources are not allowed.')
        : (topicNameProblem(resourceName) ?? topic(parts.replica, resourceName))
    case RESOURCE_BROKER:
      return brokerNameProblem(parts.settings.brokerId, resourceName) ?? broker(resourceName)
    case RESOURCE_CLIENT_METRICS:
      return resourceName === ''
        ? refuse('a subscription to client metrics needs a name')
        : { listDefault: clientMetricsListDefault, check: checkClientMetrics, absence: PRESENT }
    case RESOURCE_GROUP:
      return resourceName === '' ? refuse('Default group resources are not allowed.') : GROUP
    default:
      return refuse(`Unknown resource type ${resourceType}`)
  }
}

function topic(replica: Parts['replica'], name: string): Changeable {
  return {
    listDefault: key => {
      const known = TOPIC_CONFIG_BY_NAME.get(key)
      return known?.type === 'list' ? known.default : undefined
    },
    check: configs => {
      const checked = checkTopicConfigs(configs)
      return 'problem' in checked ? problem(errorCode.INVALID_CONFIG, checked.problem) : checked
    },
    absence: () =>
      replica.state.catalog.byName.has(name)
        ? undefined
        : problem(errorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`),
  }
}

function broker(name: string): Changeable {
  const check = (configs: ReadonlyMap<string, string>) => checkBrokerConfigs(configs, name === '')
  return { listDefault: brokerListDefault, check, absence: PRESENT }
}

/** Groups of the classic protocol have no settings; those of the newer ones come with these. */
const GROUP: Changeable = {
  listDefault: () => undefined,
  check: configs => {
    for (const name of configs.keys()) return problem(errorCode.INVALID_CONFIG, `Unknown group config name: ${name}`)
    return { values: configs }
  },
  absence: PRESENT,
}

/** The empty name stands for all brokers; a broker answers for no other one, but for whoever is behind a shared address. */
export function brokerNameProblem(brokerId: number, name: string): Problem | undefined {
  const refuse = (message: string): Problem => problem(errorCode.INVALID_REQUEST, message)
  if (name === '') return undefined
  if (!/^[+-]?\d{1,10}$/.test(name)) return refuse(`Broker id must be an integer, but it is: ${name}`)
  if (Number(name) === brokerId || Number(name) === SHARED_BROKER_ID) return undefined
  return refuse(`Unexpected broker id, expected ${brokerId} or empty string, but received ${name}`)
}
