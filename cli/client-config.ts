/**
 * What a client needs to come in by a listener, written as that client's own configuration. No secret stands in it: clients
 * take a password, or the secret of a client that gets tokens, from the environment variable KAFKA_PASSWORD, and the address
 * where tokens come from, with OAUTHBEARER, from KAFKA_TOKEN_URL.
 */
import { aiokafka } from './client-config-aiokafka.ts'
import { flink, java, spark, spring } from './client-config-java.ts'
import { confluentKafka, librdkafka } from './client-config-librdkafka.ts'
import { kafkajs, platformatic } from './client-config-node.ts'
import type { ClientFacts } from './client-facts.ts'

export const CLIENTS = [
  ...(['java', 'spring', 'librdkafka', 'confluent-kafka', 'aiokafka'] as const),
  ...(['kafkajs', 'platformatic', 'flink', 'spark'] as const),
] as const

export type ClientKind = (typeof CLIENTS)[number]

const WRITERS: Readonly<Record<ClientKind, (facts: ClientFacts) => string>> = {
  java,
  spring,
  librdkafka,
  'confluent-kafka': confluentKafka,
  aiokafka,
  kafkajs,
  platformatic,
  flink,
  spark,
}

/** Clients on the JVM take certificate and key from one file. */
export const TAKES_ONE_FILE: ReadonlySet<ClientKind> = new Set<ClientKind>(['java', 'spring', 'flink', 'spark'])

export function clientConfig(kind: ClientKind, facts: ClientFacts): string {
  return WRITERS[kind](facts)
}
