/** Clients for Node: a module that exports what the client's constructor takes. */
import { type ClientFacts, lines, placeholder } from './client-facts.ts'

/** `new Kafka(config)` */
export function kafkajs(facts: ClientFacts): string {
  const { mechanism, protocol } = facts
  const tls = files(facts, text => `[${text}]`)
  const entries = [`brokers: ${JSON.stringify(facts.bootstrap.split(','))}`]
  if (protocol.endsWith('SSL')) entries.push(tls === '' ? 'ssl: true' : `ssl: { ${tls} }`)
  if (mechanism === 'OAUTHBEARER') {
    entries.push("sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await token() }) }")
  } else if (mechanism !== undefined) {
    entries.push(`sasl: { mechanism: '${mechanism.toLowerCase()}', ${login(facts)} }`)
  }
  return module(facts, entries)
}

/** `new Producer({ ...config, clientId: '...' })` */
export function platformatic(facts: ClientFacts): string {
  const { mechanism, protocol } = facts
  const tls = files(facts, text => text)
  const entries = [`bootstrapBrokers: ${JSON.stringify(facts.bootstrap.split(','))}`]
  if (protocol.endsWith('SSL')) entries.push(tls === '' ? 'tls: {}' : `tls: { ${tls} }`)
  if (mechanism === 'OAUTHBEARER') entries.push("sasl: { mechanism: 'OAUTHBEARER', token }")
  else if (mechanism !== undefined) entries.push(`sasl: { mechanism: '${mechanism}', ${login(facts)} }`)
  return module(facts, entries)
}

function files({ ca, cert, key }: ClientFacts, authorities: (text: string) => string): string {
  const read = (path: string): string => `readFileSync(${JSON.stringify(path)})`
  const given = [
    ca === undefined ? [] : [`ca: ${authorities(read(ca))}`],
    cert === undefined ? [] : [`cert: ${read(cert)}`],
    key === undefined ? [] : [`key: ${read(key)}`],
  ]
  return given.flat().join(', ')
}

const login = ({ user }: ClientFacts): string =>
  `username: ${JSON.stringify(user ?? '')}, password: process.env.KAFKA_PASSWORD`

function module(facts: ClientFacts, entries: readonly string[]): string {
  const reads = facts.ca !== undefined || facts.cert !== undefined
  return lines([
    ...(reads ? ["import { readFileSync } from 'node:fs'", ''] : []),
    ...(facts.mechanism === 'OAUTHBEARER' ? [...tokenFunction(facts), ''] : []),
    'export const config = {',
    ...entries.map(entry => `  ${entry},`),
    '}',
  ])
}

/** The grant for programs that act for themselves (RFC 6749, section 4.4). */
function tokenFunction({ user }: ClientFacts): readonly string[] {
  const id = user === undefined ? placeholder('process.env.KAFKA_CLIENT_ID') : user.replace(/[`\\$]/g, '\\$&')
  const login = `${id}:${placeholder('process.env.KAFKA_PASSWORD')}`
  return [
    'async function token() {',
    `  const login = Buffer.from(\`${login}\`).toString('base64')`,
    '  const answer = await fetch(process.env.KAFKA_TOKEN_URL, {',
    "    method: 'POST',",
    `    headers: { authorization: \`Basic ${placeholder('login')}\` },`,
    "    body: new URLSearchParams({ grant_type: 'client_credentials' }),",
    '  })',
    `  if (!answer.ok) throw new Error(\`no token: HTTP ${placeholder('answer.status')}\`)`,
    '  return (await answer.json()).access_token',
    '}',
  ]
}
