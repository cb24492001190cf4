// Each family of clients by each way to say who one is: with what `kafscale client-config` prints it comes in as the principal
// that it should be, writes, reads in a group and sees what that principal may see; with a wrong secret it comes to nothing.

import { mkdtemp } from 'node:fs/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { UserStep } from '../../operator/user/plan.ts'
import { Authority, type Certificate } from '../../testing/certificates.ts'
import type { Agent } from '../../testing/clients/agent.ts'
import { until } from '../../testing/operator.ts'
import { FIRST_MEMBER_AT_ONCE } from '../examples/program.ts'
import { suiteWith } from '../suite.ts'
import { FAMILIES, type Login, startAgent } from './families.ts'
import { Secured } from './secured.ts'

jest.setTimeout(180_000)

let secured: Secured
/** Of another authority, with the same name in it. */
let forged: Certificate

const ALLOW = 3
const ALL = 2
const PREFIXED = 4
const TOPIC = 2
const GROUP = 3

/** Everything with topics and groups whose names begin with the user's own. */
const ownRights = (name: string): UserStep[] =>
  [TOPIC, GROUP].map(resourceType => ({
    ...({ kind: 'add acl', name } as const),
    acl: {
      ...{ resourceType, resourceName: `${name}.`, patternType: PREFIXED },
      ...{ host: '*', operation: ALL, permissionType: ALLOW },
    },
  }))

beforeAll(async () => {
  secured = await Secured.start({
    ...FIRST_MEMBER_AT_ONCE,
    KAFSCALE_AUTHORIZER: 'acl',
    KAFSCALE_SUPER_USERS: 'User:ANONYMOUS',
  })
  const other = await Authority.create(await mkdtemp(`${secured.folder}/other-`))
  forged = await other.sign('alice-client')
  await secured.setPassword('bob', 'bob-secret')
  secured.issuer.register('shop', 'shop-secret', 'carol')
  await secured.set(['alice', 'bob', 'carol'].flatMap(ownRights))
})

afterAll(() => secured?.stop())

/** Each way, the principal that it leads to, and the same with something wrong. */
const WAYS: readonly {
  readonly way: string
  readonly principal: string
  readonly login: () => Login
  readonly wrong: () => Login
}[] = [
  {
    way: 'a certificate',
    principal: 'alice',
    login: () => ({ certificate: secured.client }),
    wrong: () => ({ certificate: forged }),
  },
  {
    way: 'SCRAM-SHA-256',
    principal: 'bob',
    login: () => ({ mechanism: 'SCRAM-SHA-256', user: 'bob', secret: 'bob-secret' }),
    wrong: () => ({ mechanism: 'SCRAM-SHA-256', user: 'nobody', secret: 'bob-secret' }),
  },
  {
    way: 'SCRAM-SHA-512',
    principal: 'bob',
    login: () => ({ mechanism: 'SCRAM-SHA-512', user: 'bob', secret: 'bob-secret' }),
    wrong: () => ({ mechanism: 'SCRAM-SHA-512', user: 'bob', secret: 'guessed' }),
  },
  {
    way: 'OAUTHBEARER',
    principal: 'carol',
    login: () => ({ mechanism: 'OAUTHBEARER', user: 'shop', secret: 'shop-secret' }),
    wrong: () => ({ mechanism: 'OAUTHBEARER', user: 'wrong', secret: 'wrong-secret' }),
  },
]

const VALUE = Buffer.from('through').toString('base64')

async function writesAndReads(agent: Agent, topic: string): Promise<void> {
  await agent.call('createTopic', { topic, partitions: 1, configs: {} })
  const record = { partition: 0, key: null, value: VALUE, headers: [], timestamp: 1 }
  await agent.call('produce', { topic, codec: 'none', records: [record] })
  await agent.call('join', { group: topic, topic })
  await agent.until('the record', ({ received }) => received.length > 0)
  await agent.call('leave', {})
  expect(agent.received.map(({ value }) => value)).toEqual([VALUE])
}

/** How often somebody has been refused, as the broker has written it down. */
function refusals(mechanism: string): number {
  const lines = secured.log().split('\n')
  return lines.filter(line => line.includes('"audit":"authentication"') && line.includes(`"mechanism":"${mechanism}"`))
    .length
}

for (const family of FAMILIES) {
  await suiteWith(family.name, family.program(), program => {
    test.each(WAYS)('comes in by $way', async ({ way, principal, login }) => {
      const agent = await startAgent(family, program, secured, login())
      try {
        const topic = `${principal}.${family.kind}.${way.replaceAll(' ', '-')}`
        await writesAndReads(agent, topic)
        const seen = await agent.call('topics', {})
        expect(seen).toContain(topic)
        expect(seen.filter(name => !name.startsWith(`${principal}.`))).toEqual([])
      } finally {
        await agent.stop()
      }
    })

    test.each(WAYS)('comes to nothing by $way with something wrong', async ({ wrong }) => {
      secured.issuer.register('wrong', 'wrong-secret', 'carol', family.refused)
      const { mechanism = 'TLS' } = wrong()
      const before = refusals(mechanism)
      const agent = await startAgent(family, program, secured, wrong())
      const topics = expect(agent.call('topics', {})).rejects.toThrow()
      // Some try again and again: what they would say in the end is not waited for.
      await until('the refusal', () => refusals(mechanism) > before, 60_000)
      await agent.kill()
      await topics
    })
  })
}
