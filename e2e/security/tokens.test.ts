// Tokens that must not open anything, and those that end while their client is at work (KIP-368).

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Kafka, logLevel } from 'kafkajs'
import type { Agent, AgentProgram } from '../../testing/clients/agent.ts'
import { until } from '../../testing/operator.ts'
import { available } from '../../tools/parts/parts.ts'
import { FIRST_MEMBER_AT_ONCE } from '../examples/program.ts'
import { suiteWith } from '../suite.ts'
import { FAMILIES, type Family, startAgent } from './families.ts'
import type { TokenTraits } from './issuer.ts'
import { Secured } from './secured.ts'

jest.setTimeout(180_000)

const TOKEN_LIFE_S = 6
const LIVES = 3
const EVERY_MS = 250

let secured: Secured

beforeAll(async () => {
  secured = await Secured.start({ ...FIRST_MEMBER_AT_ONCE, KAFSCALE_LOG_LEVEL: 'debug' })
})

afterAll(() => secured?.stop())

const linesWith = (...texts: readonly string[]): string[] =>
  secured
    .log()
    .split('\n')
    .filter(line => texts.every(text => line.includes(text)))

describe('a token', () => {
  const comesIn = async (token: string): Promise<unknown> => {
    const oauthBearerProvider = async () => ({ value: token })
    const kafka = new Kafka({
      ...{ clientId: 'tokens', brokers: [secured.addresses.SASL_PLAINTEXT], logLevel: logLevel.NOTHING },
      ...{ retry: { retries: 0 }, sasl: { mechanism: 'oauthbearer', oauthBearerProvider } },
    })
    const admin = kafka.admin()
    try {
      await admin.connect()
      return await admin.listTopics()
    } finally {
      await admin.disconnect()
    }
  }

  test('of the issuer opens the door', async () => {
    expect(await comesIn(await secured.issuer.token('carol'))).toEqual([])
  })

  test.each<[string, TokenTraits, string]>([
    ['of another issuer', { issuer: 'https://other.test' }, 'unexpected \\"iss\\" claim value'],
    ['for others', { audience: 'other' }, 'unexpected \\"aud\\" claim value'],
    ['of the past', { expiresIn: '-5m' }, '\\"exp\\" claim timestamp check failed'],
    ['signed with a key that nobody publishes', { signedBy: 'strange' }, 'signature verification failed'],
    ['signed by nobody', { signedBy: 'nobody' }, 'alg'],
    ['signed with the published key as if it were a secret', { signedBy: 'public' }, 'alg'],
  ])('%s does not, and the log says why without it', async (_, traits, reason) => {
    const token = await secured.issuer.token('carol', traits)
    const audited = () => linesWith('"audit":"authentication"', '"mechanism":"OAUTHBEARER"', reason).length
    const before = audited()
    await expect(comesIn(token)).rejects.toThrow()
    await until('a line of the audit log', () => audited() > before)
    expect(linesWith(token.slice(0, 100))).toEqual([])
  })
})

/** How often each connection of a principal has authenticated. */
function authentications(principal: string): number[] {
  const counts = new Map<string, number>()
  for (const line of linesWith('"message":"authenticated"', `"principal":"User:${principal}"`)) {
    const connection = /"connection":"([^"]+)"/.exec(line)?.[1] ?? ''
    counts.set(connection, (counts.get(connection) ?? 0) + 1)
  }
  return [...counts.values()]
}

/** Writes, reads in a group and asks, for some lives of its tokens; what it has read is what it has written. */
async function works(family: Family, agent: Agent, topic: string): Promise<void> {
  await agent.call('createTopic', { topic, partitions: 1, configs: {} })
  await agent.call('join', { group: topic, topic })
  const written: string[] = []
  for (const end = performance.now() + LIVES * TOKEN_LIFE_S * 1000; performance.now() < end; await sleep(EVERY_MS)) {
    const value = Buffer.from(`value ${written.length}`).toString('base64')
    const record = { partition: 0, key: null, value, headers: [], timestamp: 1 }
    await agent.call('produce', { topic, codec: 'none', records: [record] })
    written.push(value)
    if (family.authenticatesAgain) expect(await agent.call('topics', {})).toContain(topic)
  }
  const read = () => agent.received.map(({ value }) => value)
  await agent.until('all records', () => new Set(read()).size >= written.length)
  // Who has to connect again may read again what it has not committed.
  expect(family.authenticatesAgain ? read() : [...new Set(read())]).toEqual(written)
}

const SECRET = 'clerk-secret'
const clerkOf = ({ kind }: Family): string => `clerk-${kind}`

async function startWork(family: Family, program: AgentProgram): Promise<void> {
  const clerk = clerkOf(family)
  secured.issuer.register(clerk, SECRET, clerk, { expiresIn: `${TOKEN_LIFE_S}s` })
  const login = { mechanism: 'OAUTHBEARER', user: clerk, secret: SECRET } as const
  const agent = await startAgent(family, program, secured, login)
  try {
    await works(family, agent, clerk)
  } finally {
    await agent.kill()
  }
}

const ends = new Map<Family, Promise<void>>()

// All at once, for most of what they do is to wait.
beforeAll(async () => {
  for (const family of FAMILIES) {
    const program = await available(family.program())
    if (!program.have) continue
    const end = startWork(family, program.part)
    end.catch(() => {})
    ends.set(family, end)
  }
})

for (const family of FAMILIES) {
  await suiteWith(`${family.name}, when its token ends, goes on without an error`, family.program(), () => {
    const how = family.authenticatesAgain ? 'by authenticating again on its connections' : 'by connecting again'
    test(how, async () => {
      await ends.get(family)
      const most = Math.max(...authentications(clerkOf(family)))
      if (family.authenticatesAgain) expect(most).toBeGreaterThanOrEqual(LIVES)
      else expect(most).toBe(1)
    })
  })
}

test('none of them was refused meanwhile, and no secret was written down', () => {
  expect(linesWith('"audit":"authentication"', '"listener":"SASL_SSL"')).toEqual([])
  expect(linesWith(SECRET)).toEqual([])
})
