/**
 * Subscriptions to metrics of clients (KIP-714). They can be kept and shown as on any Kafka broker; like one without a
 * receiver of telemetry this broker asks no client for metrics.
 */
import { type ConfigType, parseConfig, type ValueRules } from '../../state/topic-config-keys.ts'
import { errorCode } from '../../wire/errors.ts'
import { type Problem, problem } from '../failure.ts'
import { type ConfigEntry, configSource, sourceOf } from './entry.ts'

interface Key extends ValueRules {
  readonly type: ConfigType
  readonly default: string
  readonly documentation: string
}

const CLIENT_FACTS = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

const KEYS: readonly Key[] = [
  {
    name: 'interval.ms',
    type: 'int',
    default: '300000',
    min: 100,
    max: 3_600_000,
    documentation: 'Time between two reports of a client, in ms.',
  },
  {
    name: 'match',
    type: 'list',
    default: '',
    item: new RegExp(`^(${CLIENT_FACTS.join('|')})=.+$`),
    documentation: 'Which clients are meant: FACT=PATTERN.',
  },
  { name: 'metrics', type: 'list', default: '', documentation: 'Prefixes of the names of the metrics wanted.' },
]

export function clientMetricsEntries(configs: ReadonlyMap<string, string>): ConfigEntry[] {
  return KEYS.map(({ name, type, default: builtIn, documentation }) => {
    const own = configs.get(name)
    const synonyms = own === undefined ? [] : [{ name, value: own, source: configSource.CLIENT_METRICS }]
    return { name, value: own ?? builtIn, type, readOnly: false, source: sourceOf(synonyms), synonyms, documentation }
  })
}

export function clientMetricsListDefault(name: string): string | undefined {
  const key = KEYS.find(one => one.name === name)
  return key?.type === 'list' ? key.default : undefined
}

export function checkClientMetrics(
  configs: ReadonlyMap<string, string>,
): { readonly values: ReadonlyMap<string, string> } | Problem {
  const values = new Map<string, string>()
  for (const [name, text] of configs) {
    const key = KEYS.find(one => one.name === name)
    if (key === undefined) return problem(errorCode.INVALID_REQUEST, `Unknown client metrics configuration: ${name}`)
    const parsed = parseConfig(key, text)
    if ('problem' in parsed) {
      return problem(name === 'match' ? errorCode.INVALID_CONFIG : errorCode.INVALID_REQUEST, parsed.problem)
    }
    values.set(name, parsed.value)
  }
  return { values }
}
