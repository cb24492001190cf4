/** A setting as DescribeConfigs and CreateTopics show it: its value, where that comes from, and what else it could be. */
import type { ConfigType } from '../../state/topic-config-keys.ts'

/** `DescribeConfigsResponse.ConfigSource` of the protocol. */
export const configSource = {
  TOPIC: 1,
  BROKER: 2,
  ALL_BROKERS: 3,
  STATIC: 4,
  DEFAULT: 5,
  CLIENT_METRICS: 7,
} as const

export type ConfigSource = (typeof configSource)[keyof typeof configSource]

/** `DescribeConfigsResponse.ConfigType` of the protocol. */
export const configTypeCode: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
}

/** A place where the setting has a value, under the name that it has there (KIP-226). */
export interface Synonym {
  readonly name: string
  readonly value: string
  readonly source: ConfigSource
}

export interface ConfigEntry {
  readonly name: string
  /** Null for a setting that is not set and has no default. */
  readonly value: string | null
  readonly type: ConfigType
  readonly readOnly: boolean
  readonly source: ConfigSource
  /** What counts first. */
  readonly synonyms: readonly Synonym[]
  readonly documentation: string
}

/** The source of a value is that of the first synonym; without any it is a default. */
export function sourceOf(synonyms: readonly Synonym[]): ConfigSource {
  return synonyms[0]?.source ?? configSource.DEFAULT
}
