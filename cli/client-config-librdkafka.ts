/** librdkafka: a file of properties for kcat and others, a Python module for confluent-kafka. */
import { type ClientFacts, lines, placeholder } from './client-facts.ts'

/** What is looked up when the configuration is read. */
interface Looked {
  readonly variable: string
}

type Pair = readonly [name: string, value: string | Looked]

export function librdkafka(facts: ClientFacts): string {
  const written = (value: Pair[1]): string => (typeof value === 'string' ? value : placeholder(value.variable))
  return lines(pairsOf(facts).map(([name, value]) => `${name}=${written(value)}`))
}

/** `Producer(config)`, `Consumer({**config, "group.id": "..."})`. */
export function confluentKafka(facts: ClientFacts): string {
  const pairs = pairsOf(facts)
  const written = (value: Pair[1]): string =>
    typeof value === 'string' ? JSON.stringify(value) : `os.environ["${value.variable}"]`
  const entries = pairs.map(([name, value]) => `    "${name}": ${written(value)},`)
  const looks = pairs.some(([, value]) => typeof value !== 'string')
  return lines([...(looks ? ['import os', ''] : []), 'config = {', ...entries, '}'])
}

function pairsOf({ bootstrap, protocol, mechanism, user, ca, cert, key }: ClientFacts): readonly Pair[] {
  const pairs: Pair[] = [['bootstrap.servers', bootstrap]]
  if (protocol !== 'PLAINTEXT') pairs.push(['security.protocol', protocol.toLowerCase()])
  if (ca !== undefined) pairs.push(['ssl.ca.location', ca])
  if (cert !== undefined) pairs.push(['ssl.certificate.location', cert])
  if (key !== undefined) pairs.push(['ssl.key.location', key])
  if (mechanism === undefined) return pairs
  const secret: Looked = { variable: 'KAFKA_PASSWORD' }
  pairs.push(['sasl.mechanism', mechanism])
  if (mechanism !== 'OAUTHBEARER') return [...pairs, ['sasl.username', user ?? ''], ['sasl.password', secret]]
  return [
    ...pairs,
    ['sasl.oauthbearer.method', 'oidc'],
    ['sasl.oauthbearer.token.endpoint.url', { variable: 'KAFKA_TOKEN_URL' }],
    ['sasl.oauthbearer.client.id', user ?? { variable: 'KAFKA_CLIENT_ID' }],
    ['sasl.oauthbearer.client.secret', secret],
  ]
}
