/**
 * Every API that clients are told of, in every version: requests are read, answered, and the answers can be read in that
 * version. Fields that a version does not have must not get in the way.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Exchange, errorsIn, exchanges, versionsOf, World } from '../../testing/plausible-requests.ts'
import type { ApiName } from '../wire/api.ts'
import { advertised } from './advertised.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(() => world.broker.stop())

describe.each(advertised.map(({ name }) => name))('%s', name => {
  test.each(versionsOf(name))('version %i answers a request that succeeds', async version => {
    const { errors, expected } = await succeed(name, version)
    expect(errors).toEqual(expected)
  })

  test.each(versionsOf(name))('version %i answers requests that fail', async version => {
    await fail(name, version)
  })
})

function exchangeOf<Name extends ApiName>(name: Name): Exchange<Name> {
  const exchange: (typeof exchanges)[Name] = exchanges[name]
  if (exchange === undefined) throw new Error(`there is no request for ${name}`)
  return exchange
}

async function succeed<Name extends ApiName>(name: Name, version: number) {
  const { good, errors: expected = [] } = exchangeOf(name)
  const answer = await world.broker.answerTo(name, version, await good(world, version))
  return { errors: errorsIn(answer), expected }
}

/** Some of what fails is refused with an error code, some is answered with nothing found; all of it is answered. */
async function fail<Name extends ApiName>(name: Name, version: number): Promise<void> {
  for (const request of exchangeOf(name).bad(world, version)) await world.broker.answerTo(name, version, request)
}
