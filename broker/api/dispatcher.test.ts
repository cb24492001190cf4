/** What a client may send that makes no sense: it is refused by closing the connection, and the broker lives on. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { encodeRequest, type MemoryBroker } from '../../testing/memory-broker.ts'
import { exchanges, versionsOf, World } from '../../testing/plausible-requests.ts'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { type ApiName, apis } from '../wire/api.ts'
import { errorCode } from '../wire/errors.ts'
import { newApiVersionsRequest, readApiVersionsResponse, readResponseHeader } from '../wire/messages.gen.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import { advertised } from './advertised.ts'

let world: World
let broker: MemoryBroker
beforeAll(async () => {
  world = await World.start()
  broker = world.broker
})
afterAll(() => broker.stop())

const names = advertised.map(({ name }) => name)

/** Header of version 1 and a body. */
function frame(key: number, version: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const writer = new Writer()
  writer.int16(key)
  writer.int16(version)
  writer.int32(1)
  writer.nullableString('test')
  return Buffer.concat([...writer.finish().buffers, body])
}

async function goodFrame<Name extends ApiName>(name: Name, version: number): Promise<Buffer> {
  const exchange: (typeof exchanges)[Name] = exchanges[name]
  if (exchange === undefined) throw new Error(`there is no request for ${name}`)
  return encodeRequest(name, version, await exchange.good(world, version))
}

describe('a request is refused', () => {
  test.each([-1, 4, 999, 32767])('whose API key is %i', async key => {
    await expect(broker.send(frame(key, 0))).rejects.toThrow(WireError)
  })

  test('of an API that is not announced, although there is a codec for it', async () => {
    const { key, firstVersion } = apis.AddPartitionsToTxn
    await expect(broker.send(frame(key, firstVersion))).rejects.toThrow(WireError)
  })

  test.each(names.filter(name => name !== 'ApiVersions'))('%s of a version that is not announced', async name => {
    const { key, firstVersion, lastVersion } = apis[name]
    for (const version of [-1, firstVersion - 1, lastVersion + 1, 32767]) {
      await expect(broker.send(frame(key, version))).rejects.toThrow(WireError)
    }
  })

  test.each([0, 1, 2, 3, 4, 7, 9])('of %i bytes', async length => {
    await expect(broker.send(frame(3, 9).subarray(0, length))).rejects.toThrow(WireError)
  })

  test.each(names)('%s that ends too early, at whichever byte', async name => {
    for (const version of new Set([versionsOf(name)[0] ?? 0, apis[name].lastVersion])) {
      const whole = await goodFrame(name, version)
      for (let length = 4; length < whole.length; length++) {
        await expect(broker.send(whole.subarray(0, length))).rejects.toThrow(WireError)
      }
    }
  })

  test.each([0x7fffffff, -2, 1_000_000])('that claims %i elements which are not there', async count => {
    const body = Buffer.alloc(4)
    body.writeInt32BE(count)
    await expect(broker.send(frame(apis.Metadata.key, 1, body))).rejects.toThrow(WireError)
  })
})

describe('ApiVersions of an unknown version', () => {
  test.each([5, 100, -1])('%i is answered in version 0 with its own range (KIP-511)', async version => {
    const answer = await broker.send(frame(apis.ApiVersions.key, version, Buffer.from('anything')))
    const reader = new Reader(answer ?? Buffer.alloc(0))
    expect(readResponseHeader(reader, 0).correlationId).toBe(1)
    const response = readApiVersionsResponse(reader, 0)
    reader.expectEnd()
    expect(response.errorCode).toBe(errorCode.UNSUPPORTED_VERSION)
    expect(response.apiKeys).toMatchObject([{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
  })

  test('and the client can step down', async () => {
    const request = newApiVersionsRequest({ clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    const { apiKeys } = await broker.answerTo('ApiVersions', 0, request)
    expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual(advertised.map(({ key }) => key))
  })
})

describe('damaged requests', () => {
  // A damaged Fetch may ask for a wait of weeks, which the virtual clock would have to live through.
  test.each(names.filter(name => name !== 'Fetch'))(
    'of %s are answered or refused, and nothing else happens',
    async name => {
      const random = new SeededRandom(apis[name].key)
      for (const version of new Set([versionsOf(name)[0] ?? 0, apis[name].lastVersion])) {
        const whole = await goodFrame(name, version)
        for (let round = 0; round < 60; round++) {
          const damaged = Buffer.from(whole)
          for (let flips = random.int(1, 4); flips > 0; flips--) {
            // Key, version and correlation id stay as they are.
            damaged.writeUInt8(random.int(0, 255), random.int(8, damaged.length - 1))
          }
          const failure = await broker.send(damaged).then(
            () => undefined,
            (cause: unknown) => cause,
          )
          if (failure !== undefined) expect(failure).toBeInstanceOf(WireError)
        }
      }
    },
  )

  test('do not keep the broker from answering good ones afterwards', async () => {
    await expect(broker.send(await goodFrame('Metadata', 13))).resolves.not.toBeNull()
  })
})
