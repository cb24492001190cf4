/** aiokafka: a Python module with the arguments of its clients, `AIOKafkaProducer(**config)`. */
import { type ClientFacts, lines } from './client-facts.ts'

const text = (value: string): string => JSON.stringify(value)
const environment = (variable: string): string => `os.environ["${variable}"]`

export function aiokafka(facts: ClientFacts): string {
  const { bootstrap, protocol, mechanism, user } = facts
  const entries = [['bootstrap_servers', text(bootstrap)]]
  if (protocol !== 'PLAINTEXT') entries.push(['security_protocol', text(protocol)])
  if (protocol.endsWith('SSL')) entries.push(['ssl_context', `create_ssl_context(${files(facts)})`])
  if (mechanism !== undefined) entries.push(['sasl_mechanism', text(mechanism)])
  if (mechanism === 'OAUTHBEARER') entries.push(['sasl_oauth_token_provider', 'TokenProvider()'])
  else if (mechanism !== undefined) {
    entries.push(['sasl_plain_username', text(user ?? '')], ['sasl_plain_password', environment('KAFKA_PASSWORD')])
  }
  return lines([
    ...imports(facts),
    ...(mechanism === 'OAUTHBEARER' ? tokenProvider(facts) : []),
    'config = {',
    ...entries.map(([name, value]) => `    "${name}": ${value},`),
    '}',
  ])
}

function files({ ca, cert, key }: ClientFacts): string {
  const given = [
    ca === undefined ? [] : [`cafile=${text(ca)}`],
    cert === undefined ? [] : [`certfile=${text(cert)}`],
    key === undefined ? [] : [`keyfile=${text(key)}`],
  ]
  return given.flat().join(', ')
}

function imports({ protocol, mechanism }: ClientFacts): readonly string[] {
  const isToken = mechanism === 'OAUTHBEARER'
  const standard = isToken
    ? [
        'import asyncio',
        'import base64',
        'import json',
        'import os',
        'import urllib.parse',
        'import urllib.request',
        '',
      ]
    : []
  const own = [
    ...(isToken ? ['from aiokafka.abc import AbstractTokenProvider'] : []),
    ...(protocol.endsWith('SSL') ? ['from aiokafka.helpers import create_ssl_context'] : []),
  ]
  const all = [...(mechanism !== undefined && !isToken ? ['import os', ''] : standard), ...own]
  return all.length === 0 ? [] : [...all, '']
}

/** The grant for programs that act for themselves (RFC 6749, section 4.4). */
function tokenProvider({ user }: ClientFacts): readonly string[] {
  return [
    '',
    'class TokenProvider(AbstractTokenProvider):',
    '    async def token(self):',
    '        return await asyncio.to_thread(self.ask)',
    '',
    '    def ask(self):',
    `        login = ${user === undefined ? environment('KAFKA_CLIENT_ID') : text(user)} + ":" + ${environment('KAFKA_PASSWORD')}`,
    '        form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()',
    '        headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}',
    `        request = urllib.request.Request(${environment('KAFKA_TOKEN_URL')}, form, headers)`,
    '        with urllib.request.urlopen(request) as answer:',
    '            return json.load(answer)["access_token"]',
    '',
    '',
  ]
}
