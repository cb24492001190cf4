// The settings of a topic in a spec: names and values are checked at admission against the table that the brokers check
// them by.

import { TOPIC_CONFIG_KEYS } from '../../broker/state/topic-config-keys.ts'
import { celList } from './brokers.ts'
import { type Rule, settings, withRules } from './schema.ts'

const names = TOPIC_CONFIG_KEYS.map(({ name }) => name)

const WHOLE = new Set(['int', 'long'])
const wholeNumbers = TOPIC_CONFIG_KEYS.filter(({ type }) => WHOLE.has(type)).map(({ name }) => name)

const choices = TOPIC_CONFIG_KEYS.flatMap(({ name, type, values }): Rule[] => {
  if (type === 'boolean') return [choice(name, ['true', 'false'])]
  return type === 'string' && values !== undefined ? [choice(name, values)] : []
})

function choice(name: string, values: readonly string[]): Rule {
  return {
    rule: `!('${name}' in self) || string(self['${name}']) in ${celList(values)}`,
    message: `config: ${name} must be one of ${values.map(value => `"${value}"`).join(', ')}`,
  }
}

const POLICY = '^ *(compact|delete)( *, *(compact|delete))* *$'

export const topicConfigSchema = withRules(
  settings(names.length),
  {
    rule: `self.all(key, key in ${celList(names)})`,
    message: `config has a key that is no setting of a topic; use only ${names.join(', ')}`,
  },
  {
    rule: `self.all(key, !(key in ${celList(wholeNumbers)}) || string(self[key]).matches('^-?[0-9]{1,19}$'))`,
    message: `config: ${wholeNumbers.join(', ')} must be whole numbers`,
  },
  {
    rule: `!('cleanup.policy' in self) || string(self['cleanup.policy']).matches('${POLICY}')`,
    message: 'config: cleanup.policy must be delete, compact, or both separated by a comma',
  },
  ...choices,
)

/** The settings as Kafka has them: text by name. */
export const topicConfigText = (config: Readonly<Record<string, string | number>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]))
