// What the Secret of a user holds: all that a client needs, and nothing that somebody else needs. Pure.
//
//   username, bootstrap.servers, security.protocol   always
//   ca.crt                                           where the listener has TLS and it is known who signs for it
//   password, sasl.mechanism, sasl.jaas.config       for passwords
//   tls.crt, tls.key, user.pem                       for certificates; user.pem is both in one file, as Java wants them
//   client.properties                                a whole configuration of Kafka's Java client

import type { SecretData } from '../certificates/trust.ts'

export interface ConnectionFacts {
  readonly userName: string
  readonly bootstrapServers: string
  readonly protocol: string
  /** PEM; undefined where nothing has to be trusted, or what the system trusts is enough. */
  readonly authority: string | undefined
}

const MECHANISMS = { 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const

export function passwordSecret(facts: ConnectionFacts, type: keyof typeof MECHANISMS, password: string): SecretData {
  const { userName } = facts
  const login = {
    'sasl.mechanism': MECHANISMS[type],
    'sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="${quoted(userName)}" password="${quoted(password)}";`,
  }
  return { ...common(facts), password, ...login, 'client.properties': properties({ ...javaBasics(facts), ...login }) }
}

export function certificateSecret(facts: ConnectionFacts, cert: string, key: string): SecretData {
  const java = {
    ...javaBasics(facts),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': cert,
    'ssl.keystore.key': key,
  }
  return {
    ...common(facts),
    'tls.crt': cert,
    'tls.key': key,
    'user.pem': key + cert,
    'client.properties': properties(java),
  }
}

const common = ({ userName, bootstrapServers, protocol, authority }: ConnectionFacts): SecretData => ({
  username: userName,
  'bootstrap.servers': bootstrapServers,
  'security.protocol': protocol,
  ...(authority === undefined ? {} : { 'ca.crt': authority }),
})

const javaBasics = ({ bootstrapServers, protocol, authority }: ConnectionFacts): Record<string, string> => ({
  'bootstrap.servers': bootstrapServers,
  'security.protocol': protocol,
  ...(authority === undefined ? {} : { 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': authority }),
})

/** Inside of the quotes of JAAS, which no line may end in. */
const quoted = (text: string): string => text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')

/** As java.util.Properties reads them, which takes bytes for ISO-8859-1. */
function properties(pairs: Readonly<Record<string, string>>): string {
  const escaped = (value: string): string =>
    value
      .replaceAll('\\', '\\\\')
      .replaceAll('\n', '\\n')
      .replace(/^ /, '\\ ')
      .replace(/[^ -~]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${Object.entries(pairs)
    .map(([name, value]) => `${name}=${escaped(value)}`)
    .join('\n')}\n`
}
