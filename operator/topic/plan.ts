// What has to be done so that a topic is as its KafScaleTopic says: pure, from the spec and the topic as it lives.

import { TOPIC_CONFIG_BY_NAME } from '../../broker/state/topic-config-keys.ts'
import type { ClusterSpec } from '../types/kaf-scale-cluster.ts'
import type { KafScaleTopic } from '../types/kaf-scale-topic.ts'
import { topicConfigText } from '../types/topic-config.ts'

/** A topic as the brokers tell of it. `config` holds only what is set on the topic itself. */
export interface LiveTopic {
  readonly name: string
  readonly id: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

export type TopicStep =
  | {
      readonly kind: 'create'
      readonly name: string
      readonly partitions: number
      readonly config: Readonly<Record<string, string>>
    }
  | { readonly kind: 'grow'; readonly name: string; readonly partitions: number }
  | {
      readonly kind: 'alter'
      readonly name: string
      readonly set: Readonly<Record<string, string>>
      readonly remove: readonly string[]
    }
  | { readonly kind: 'delete'; readonly name: string }

export interface TopicPlan {
  readonly steps: readonly TopicStep[]
  /** Settings of the topic that the spec does not have and that stay. */
  readonly foreign: readonly string[]
}

type Specified = Pick<KafScaleTopic, 'metadata' | 'spec'>

/** The name of the topic in Kafka. */
export const topicNameOf = ({ metadata, spec }: Specified): string => spec.topicName ?? metadata.name

/** The settings that the topic is to have: what its own spec says, before what the cluster says for all topics. */
export function wantedConfig(
  { spec }: Pick<KafScaleTopic, 'spec'>,
  cluster: Pick<ClusterSpec, 'topicDefaults' | 'retention'>,
): Readonly<Record<string, string>> {
  const { topicDefaults, retention } = cluster
  return {
    ...setting('retention.ms', retention?.ms),
    ...setting('retention.bytes', retention?.bytes),
    ...topicConfigText(topicDefaults?.config ?? {}),
    ...topicConfigText(spec.config ?? {}),
    ...setting('retention.ms', spec.retentionMs),
    ...setting('retention.bytes', spec.retentionBytes),
  }
}

function setting(name: string, value: number | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: String(value) }
}

/** Nothing to do for a topic that is as it should be, however its values are written. */
export function planTopic(
  topic: Specified,
  cluster: Pick<ClusterSpec, 'topicDefaults' | 'retention'>,
  live: LiveTopic | undefined,
): TopicPlan {
  const name = topicNameOf(topic)
  const config = wantedConfig(topic, cluster)
  const { partitions, configPolicy } = topic.spec
  if (live === undefined) return { steps: [{ kind: 'create', name, partitions, config }], foreign: [] }
  const steps: TopicStep[] = []
  if (live.partitions < partitions) steps.push({ kind: 'grow', name, partitions })
  const set = Object.fromEntries(Object.entries(config).filter(([key, value]) => !isSame(key, live.config[key], value)))
  const strangers = Object.keys(live.config)
    .filter(key => config[key] === undefined)
    .sort()
  const remove = configPolicy === 'Exact' ? strangers : []
  if (Object.keys(set).length > 0 || remove.length > 0) steps.push({ kind: 'alter', name, set, remove })
  return { steps, foreign: configPolicy === 'Exact' ? [] : strangers }
}

/** What becomes of the topic when its object is deleted. */
export const planDeletion = ({ spec }: Specified, live: LiveTopic | undefined): readonly TopicStep[] =>
  spec.deletionPolicy === 'Delete' && live !== undefined ? [{ kind: 'delete', name: live.name }] : []

/** `604800000` and `+604800000`, `true` and `True`, `a, b` and `a,b` are the same to a broker. */
function isSame(key: string, one: string | undefined, other: string): boolean {
  if (one === undefined) return false
  const type = TOPIC_CONFIG_BY_NAME.get(key)?.type
  return canonical(type, one) === canonical(type, other)
}

function canonical(type: string | undefined, value: string): string {
  switch (type) {
    case 'int':
    case 'long':
    case 'double':
      return String(Number(value))
    case 'boolean':
      return value.trim().toLowerCase()
    case 'list':
      return value
        .split(',')
        .map(part => part.trim())
        .join(',')
    default:
      return value
  }
}
