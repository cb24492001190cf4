/**
 * What a client needs to come in by a listener, written as that client's own configuration. No secret stands in it: a
 * password is taken from the environment variable KAFKA_PASSWORD, a token from KAFKA_TOKEN, where the client can do that.
 */
import type { SecurityProtocol } from '../broker/security/listener-security.ts'
import type { Mechanism } from '../broker/security/sasl.ts'

export const CLIENTS = ['java', 'spring', 'librdkafka', 'kafkajs', 'flink', 'spark'] as const

export type ClientKind = (typeof CLIENTS)[number]

export interface ClientFacts {
  /** HOST:PORT, several by commas. */
  readonly bootstrap: string
  readonly protocol: SecurityProtocol
  readonly mechanism: Mechanism | undefined
  readonly user: string | undefined
  /** Paths of PEM files. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

type Pair = readonly [name: string, value: string]

export function clientConfig(kind: ClientKind, facts: ClientFacts): string {
  switch (kind) {
    case 'java':
      return lines(
        javaPairs(facts, placeholder('env:KAFKA_PASSWORD'), [...PROVIDERS]),
        ([name, value]) => `${name}=${value}`,
      )
    case 'spring':
      return spring(facts)
    case 'librdkafka':
      return lines(librdkafkaPairs(facts), ([name, value]) => `${name}=${value}`)
    case 'kafkajs':
      return kafkajs(facts)
    case 'flink':
      return lines(
        javaPairs(facts, placeholder('env:KAFKA_PASSWORD'), [...PROVIDERS]),
        pair => `'properties.${sql(pair)},`,
      )
    case 'spark':
      return lines(
        javaPairs(facts, placeholder('env:KAFKA_PASSWORD'), [...PROVIDERS]),
        pair => `.option("kafka.${scala(pair)}")`,
      )
  }
}

/** What stands in a configuration for a value that is looked up when it is read. */
const placeholder = (name: string): string => ['$', '{', name, '}'].join('')

/** Lets Kafka's Java client take values from the environment (KIP-421). */
const PROVIDERS: readonly Pair[] = [
  ['config.providers', 'env'],
  ['config.providers.env.class', 'org.apache.kafka.common.config.provider.EnvVarConfigProvider'],
]

const sql = ([name, value]: Pair): string => `${name}' = '${value.replaceAll("'", "''")}'`
const scala = ([name, value]: Pair): string => `${name}", "${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}`

function lines(pairs: readonly Pair[], write: (pair: Pair) => string): string {
  return `${pairs.map(write).join('\n')}\n`
}

function javaPairs(facts: ClientFacts, password: string, providers: readonly Pair[]): Pair[] {
  const { bootstrap, protocol, mechanism, ca, cert } = facts
  const pairs: Pair[] = [['bootstrap.servers', bootstrap]]
  if (protocol !== 'PLAINTEXT') pairs.push(['security.protocol', protocol])
  if (ca !== undefined) pairs.push(['ssl.truststore.type', 'PEM'], ['ssl.truststore.location', ca])
  // One file with the key and the certificate behind it.
  if (cert !== undefined) pairs.push(['ssl.keystore.type', 'PEM'], ['ssl.keystore.location', cert])
  if (mechanism === undefined) return pairs
  pairs.push(['sasl.mechanism', mechanism], ['sasl.jaas.config', jaas(mechanism, facts.user ?? '', password)])
  if (mechanism === 'OAUTHBEARER') {
    pairs.push(
      [
        'sasl.login.callback.handler.class',
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler',
      ],
      ['sasl.oauthbearer.token.endpoint.url', 'https://YOUR-ISSUER/token'],
    )
    return [...pairs, ...providers]
  }
  return [...pairs, ...providers]
}

const MODULES: Readonly<Record<Mechanism, string>> = {
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  'SCRAM-SHA-256': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  'SCRAM-SHA-512': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  OAUTHBEARER: 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule',
}

function jaas(mechanism: Mechanism, user: string, password: string): string {
  if (mechanism === 'OAUTHBEARER') {
    return `${MODULES[mechanism]} required clientId="${user}" clientSecret="${password}";`
  }
  return `${MODULES[mechanism]} required username="${user.replaceAll('"', '\\"')}" password="${password}";`
}

function spring(facts: ClientFacts): string {
  const [, ...pairs] = javaPairs(facts, placeholder('KAFKA_PASSWORD'), [])
  const properties = pairs.map(([name, value]) => `      ${name}: ${JSON.stringify(value)}\n`).join('')
  const bootstrap = `spring:\n  kafka:\n    bootstrap-servers: ${facts.bootstrap}\n`
  return properties === '' ? bootstrap : `${bootstrap}    properties:\n${properties}`
}

function librdkafkaPairs({ bootstrap, protocol, mechanism, user, ca, cert, key }: ClientFacts): Pair[] {
  const pairs: Pair[] = [['bootstrap.servers', bootstrap]]
  if (protocol !== 'PLAINTEXT') pairs.push(['security.protocol', protocol.toLowerCase()])
  if (ca !== undefined) pairs.push(['ssl.ca.location', ca])
  if (cert !== undefined) pairs.push(['ssl.certificate.location', cert])
  if (key !== undefined) pairs.push(['ssl.key.location', key])
  if (mechanism === undefined) return pairs
  pairs.push(['sasl.mechanism', mechanism])
  if (mechanism === 'OAUTHBEARER') {
    return [
      ...pairs,
      ['sasl.oauthbearer.method', 'oidc'],
      ['sasl.oauthbearer.token.endpoint.url', placeholder('KAFKA_TOKEN_URL')],
      ['sasl.oauthbearer.client.id', user ?? placeholder('KAFKA_CLIENT_ID')],
      ['sasl.oauthbearer.client.secret', placeholder('KAFKA_PASSWORD')],
    ]
  }
  return [...pairs, ['sasl.username', user ?? ''], ['sasl.password', placeholder('KAFKA_PASSWORD')]]
}

function kafkajs({ bootstrap, protocol, mechanism, user, ca, cert, key }: ClientFacts): string {
  const entries = [`brokers: ${JSON.stringify(bootstrap.split(','))}`]
  const files: string[] = []
  if (ca !== undefined) files.push(`ca: [readFileSync(${JSON.stringify(ca)})]`)
  if (cert !== undefined) files.push(`cert: readFileSync(${JSON.stringify(cert)})`)
  if (key !== undefined) files.push(`key: readFileSync(${JSON.stringify(key)})`)
  if (protocol.endsWith('SSL')) entries.push(files.length === 0 ? 'ssl: true' : `ssl: { ${files.join(', ')} }`)
  if (mechanism === 'OAUTHBEARER') {
    entries.push(
      `sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: process.env.KAFKA_TOKEN }) }`,
    )
  } else if (mechanism !== undefined) {
    const who = `username: ${JSON.stringify(user ?? '')}, password: process.env.KAFKA_PASSWORD`
    entries.push(`sasl: { mechanism: '${mechanism.toLowerCase()}', ${who} }`)
  }
  const imports = files.length === 0 ? '' : "import { readFileSync } from 'node:fs'\n\n"
  return `${imports}export const config = {\n${entries.map(entry => `  ${entry},\n`).join('')}}\n`
}
