/**
 * A client that may do nothing, with every API in every version, and requests that succeed for others: it is refused as Kafka
 * refuses, changes nothing, and learns nothing that it has not said itself.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Exchange, errorsIn, exchanges, versionsOf, World } from '../../../testing/plausible-requests.ts'
import type { Access } from '../../security/authorizer.ts'
import type { ApiName } from '../../wire/api.ts'
import { errorCode } from '../../wire/errors.ts'
import { advertised } from '../advertised.ts'

const NOTHING: Access = { may: () => false, maySome: () => false, operations: () => 0 }

/** What everybody is told, and lists from which things are left out. Everything else is refused with an error. */
const TOLD_TO_ALL: ReadonlySet<ApiName> = new Set<ApiName>([
  'ApiVersions',
  'SaslHandshake',
  'SaslAuthenticate',
  'DescribeCluster',
  'DescribeLogDirs',
  'DescribeUserScramCredentials',
  'ListGroups',
])

const REFUSALS: ReadonlySet<number> = new Set([
  errorCode.TOPIC_AUTHORIZATION_FAILED,
  errorCode.GROUP_AUTHORIZATION_FAILED,
  errorCode.CLUSTER_AUTHORIZATION_FAILED,
  errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  // By id a topic that may not be described is as one that there is not.
  errorCode.UNKNOWN_TOPIC_ID,
])

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(() => world.broker.stop())

describe.each(advertised.map(({ name }) => name))('%s', name => {
  test.each(versionsOf(name))('version %i is of no use to a stranger', async version => {
    const { request, answer, changed } = await askAsStranger(name, version)
    expect(changed).toBe(false)
    expect(learnt(request, answer)).toEqual([])
    if (TOLD_TO_ALL.has(name)) return
    const errors = errorsIn(answer)
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.filter(code => !REFUSALS.has(code))).toEqual([])
  })
})

function exchangeOf<Name extends ApiName>(name: Name): Exchange<Name> {
  const exchange: (typeof exchanges)[Name] = exchanges[name]
  if (exchange === undefined) throw new Error(`there is no request for ${name}`)
  return exchange
}

async function askAsStranger<Name extends ApiName>(name: Name, version: number) {
  const { broker } = world
  const request = await exchangeOf(name).good(world, version)
  const { position } = broker.core.replica.state
  const answer = await broker.answerTo(name, version, request, { access: NOTHING })
  return { request, answer, changed: broker.core.replica.state.position !== position }
}

/** Names and ids of the world in the answer that are not in the request. */
function learnt(request: unknown, answer: unknown): string[] {
  const known = new Set(textsIn(request))
  const { topicId, member } = world
  return ['t', topicId, member.groupId, member.memberId].filter(
    text => !known.has(text) && textsIn(answer).includes(text),
  )
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.values(value).flatMap(textsIn)
}
