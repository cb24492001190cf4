/** Clients on the JVM, which all have Apache's Java client inside and different ways to write its properties. */
import type { Mechanism } from '../broker/security/sasl.ts'
import { type ClientFacts, lines, placeholder } from './client-facts.ts'

type Pair = readonly [name: string, value: string]

/** How values of the environment are written. */
type FromEnvironment = (variable: string) => string

/** By the Java client itself (KIP-421), wherever its properties come from. */
const byTheClient: FromEnvironment = variable => placeholder(`env:${variable}`)

const PROVIDERS: readonly Pair[] = [
  ['config.providers', 'env'],
  ['config.providers.env.class', 'org.apache.kafka.common.config.provider.EnvVarConfigProvider'],
]

/** A file of properties. */
export function java(facts: ClientFacts): string {
  const pairs = ownPairs(facts).map(([name, value]) => `${name}=${inProperties(value)}`)
  return lines([...notes('#', facts), ...pairs])
}

/** A part of application.yaml. */
export function spring(facts: ClientFacts): string {
  const pairs = securityPairs(facts, placeholder).map(([name, value]) => `      ${name}: ${JSON.stringify(value)}`)
  const head = ['spring:', '  kafka:', `    bootstrap-servers: ${JSON.stringify(facts.bootstrap)}`]
  return lines([...notes('#', facts), ...head, ...(pairs.length === 0 ? [] : ['    properties:', ...pairs])])
}

/** Options for the WITH clause of a table. */
export function flink(facts: ClientFacts): string {
  const pairs = ownPairs(facts).map(([name, value]) => `'properties.${name}' = '${value.replaceAll("'", "''")}',`)
  return lines([...notes('--', facts), ...pairs])
}

/** Options of a source or sink, in Scala and Java. */
export function spark(facts: ClientFacts): string {
  const pairs = ownPairs(facts).map(([name, value]) => `.option("kafka.${name}", "${quoted(value)}")`)
  return lines([...notes('//', facts), ...pairs])
}

/** Apache Kafka 4 asks for nothing at addresses that no system property allows, and no client setting can say it. */
const ALLOWED_URLS = 'org.apache.kafka.sasl.oauthbearer.allowed.urls'

function notes(comment: string, { mechanism }: ClientFacts): readonly string[] {
  if (mechanism === undefined) return []
  const inQuotes = `${comment} KAFKA_PASSWORD comes to stand in quotes: in the variable, " and \\ need a backslash before them.`
  if (mechanism !== 'OAUTHBEARER') return [inQuotes]
  return [
    inQuotes,
    `${comment} KAFKA_TOKEN_URL is where tokens come from; the JVM needs -D${ALLOWED_URLS}=$KAFKA_TOKEN_URL too,`,
    `${comment} and on the class path, besides kafka-clients, org.bitbucket.b_c:jose4j.`,
  ]
}

function ownPairs(facts: ClientFacts): readonly Pair[] {
  const providers = facts.mechanism === undefined ? [] : PROVIDERS
  return [['bootstrap.servers', facts.bootstrap], ...securityPairs(facts, byTheClient), ...providers]
}

function securityPairs({ protocol, mechanism, user, ca, cert }: ClientFacts, from: FromEnvironment): readonly Pair[] {
  const pairs: Pair[] = []
  if (protocol !== 'PLAINTEXT') pairs.push(['security.protocol', protocol])
  if (ca !== undefined) pairs.push(['ssl.truststore.type', 'PEM'], ['ssl.truststore.location', ca])
  // One file with the key and the certificate behind it.
  if (cert !== undefined) pairs.push(['ssl.keystore.type', 'PEM'], ['ssl.keystore.location', cert])
  if (mechanism === undefined) return pairs
  pairs.push(['sasl.mechanism', mechanism], ['sasl.jaas.config', jaas(mechanism, user, from)])
  if (mechanism !== 'OAUTHBEARER') return pairs
  return [
    ...pairs,
    [
      'sasl.login.callback.handler.class',
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler',
    ],
    ['sasl.oauthbearer.token.endpoint.url', from('KAFKA_TOKEN_URL')],
  ]
}

const MODULES: Readonly<Record<Mechanism, string>> = {
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  'SCRAM-SHA-256': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  'SCRAM-SHA-512': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  OAUTHBEARER: 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule',
}

function jaas(mechanism: Mechanism, user: string | undefined, from: FromEnvironment): string {
  const [name, secret] = mechanism === 'OAUTHBEARER' ? ['clientId', 'clientSecret'] : ['username', 'password']
  const who = user === undefined ? from('KAFKA_CLIENT_ID') : quoted(user)
  return `${MODULES[mechanism]} required ${name}="${who}" ${secret}="${from('KAFKA_PASSWORD')}";`
}

/** Inside double quotes, in JAAS as in Java. */
const quoted = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')

/** As java.util.Properties reads it, which takes bytes for ISO-8859-1. */
function inProperties(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replace(/[^ -~]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
