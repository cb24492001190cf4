// The families of clients, each configured with what `kafscale client-config` prints for it, and with nothing else.

import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mechanism } from '../../broker/security/sasl.ts'
import { type ClientKind, clientConfig, TAKES_ONE_FILE } from '../../cli/client-config.ts'
import type { Certificate } from '../../testing/certificates.ts'
import { Agent, type AgentProgram } from '../../testing/clients/agent.ts'
import { javaAgent } from '../clients/java-agent.ts'
import { nodeAgent } from '../clients/node-agent.ts'
import { pythonAgent } from '../clients/python-agent.ts'
import type { TokenTraits } from './issuer.ts'
import type { Secured } from './secured.ts'

export interface Family {
  readonly name: string
  readonly kind: ClientKind
  /** Of the file that its configuration is written to. */
  readonly extension: string
  readonly program: () => Promise<AgentProgram>
  /** What is wrong with a token that it shows: the rules are the broker's, so that each family tries another one. */
  readonly refused: TokenTraits
  /** Whether it knows KIP-368; if not, its connections end with their tokens, and its admin client says so. */
  readonly authenticatesAgain: boolean
}

export const FAMILIES: readonly Family[] = [
  {
    name: "Apache Kafka's Java client",
    kind: 'java',
    extension: 'properties',
    program: () => javaAgent('4.4.0'),
    refused: { issuer: 'https://other.test' },
    authenticatesAgain: true,
  },
  {
    name: 'librdkafka (confluent-kafka)',
    kind: 'confluent-kafka',
    extension: 'py',
    program: () => pythonAgent('confluent_agent.py'),
    refused: { audience: 'other' },
    authenticatesAgain: true,
  },
  {
    name: 'aiokafka',
    kind: 'aiokafka',
    extension: 'py',
    program: () => pythonAgent('aiokafka_agent.py'),
    refused: { signedBy: 'strange' },
    authenticatesAgain: false,
  },
  {
    name: 'kafkajs',
    kind: 'kafkajs',
    extension: 'mjs',
    program: async () => nodeAgent('kafkajs-agent.ts'),
    refused: { signedBy: 'nobody' },
    authenticatesAgain: true,
  },
  {
    name: '@platformatic/kafka',
    kind: 'platformatic',
    extension: 'mjs',
    program: async () => nodeAgent('platformatic-agent.ts'),
    refused: { expiresIn: '-5m' },
    authenticatesAgain: true,
  },
]

/** How a client says who it is: by a certificate, or by a mechanism over TLS. */
export interface Login {
  readonly certificate?: Certificate
  readonly mechanism?: Mechanism
  readonly user?: string
  /** A password, or what a client shows to get a token. */
  readonly secret?: string
}

/** Text of the file that a client of this kind is configured with. */
export async function printed(kind: ClientKind, secured: Secured, login: Login): Promise<string> {
  const { certificate, mechanism, user } = login
  const isMutual = certificate !== undefined
  const oneFile = isMutual && TAKES_ONE_FILE.has(kind) ? await together(certificate) : undefined
  return clientConfig(kind, {
    bootstrap: isMutual ? secured.addresses.SSL : secured.addresses.SASL_SSL,
    protocol: isMutual ? 'SSL' : 'SASL_SSL',
    ...{ mechanism, user },
    ca: secured.authority.cert,
    cert: oneFile ?? certificate?.cert,
    key: oneFile === undefined ? certificate?.key : undefined,
  })
}

async function together({ cert, key }: Certificate): Promise<string> {
  const path = `${cert}.both`
  await writeFile(path, (await readFile(key, 'utf8')) + (await readFile(cert, 'utf8')))
  return path
}

/** What the printed configuration looks up. */
export const environmentOf = (secured: Secured, { secret = '' }: Login): Record<string, string> => ({
  KAFKA_PASSWORD: secret,
  KAFKA_TOKEN_URL: secured.issuer.tokenUrl,
})

/** For a JVM whose client gets tokens: Apache Kafka 4 asks at no address that is not allowed. */
export const allowingTokens = ({ issuer }: Secured): string =>
  `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.tokenUrl}`

export async function startAgent(
  { kind, extension }: Family,
  { program, args, env }: AgentProgram,
  secured: Secured,
  login: Login,
): Promise<Agent> {
  const path = join(secured.folder, `${kind}-${randomUUID()}.${extension}`)
  await writeFile(path, await printed(kind, secured, login))
  const own = kind === 'java' && login.mechanism === 'OAUTHBEARER' ? [allowingTokens(secured)] : []
  const bootstrap = login.certificate === undefined ? secured.addresses.SASL_SSL : secured.addresses.SSL
  const looked = { ...environmentOf(secured, login), CLIENT_CONFIG: path }
  return new Agent({ program, args: [...own, ...args], env: { ...env, ...looked } }, bootstrap)
}
