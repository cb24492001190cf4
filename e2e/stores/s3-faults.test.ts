// The S3 store on a real server behind a proxy that misbehaves: what a put promised is there, and every get is right.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { ObjectNotFound, StoreError } from '../../broker/objects/object-store.ts'
import { S3Store } from '../../broker/objects/s3/store.ts'
import { type Fault, S3FaultProxy } from '../../testing/s3/fault-proxy.ts'
import { type S3Server, startVersitygw } from '../../testing/s3/servers.ts'
import { versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

const seeded = (seed: number) => (): number => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return seed / 2 ** 32
}

await suiteWith('versitygw behind a proxy', versitygw(), () => {
  let server: S3Server
  let proxy: S3FaultProxy
  let store: S3Store
  let round = 0

  beforeAll(async () => {
    server = await startVersitygw()
    proxy = await S3FaultProxy.start(server.endpoint, seeded(3))
    store = await S3Store.open({
      bucket: server.bucket,
      region: server.region,
      endpoint: proxy.endpoint,
      credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
      prefix: 'f',
      clock: systemClock,
      random: seeded(4),
      patience: { requestTimeoutMs: 500, totalTimeoutMs: 5_000, backoff: { baseMs: 5, capMs: 100 } },
    })
  }, 90_000)

  beforeEach(() => {
    proxy.heal()
    round++
  })

  afterAll(async () => {
    await store.close()
    await proxy.stop()
    await server.stop()
  })

  const bytesOf = (i: number): Buffer => Buffer.alloc(500 + ((i * 7919) % 400_000), i + round)

  /** Puts and reads `count` objects at the same time; answers the keys of the puts that were promised. */
  const work = async (count: number): Promise<Map<string, Buffer>> => {
    const promised = new Map<string, Buffer>()
    const one = async (i: number): Promise<void> => {
      const key = `f/${round}/${i}`
      const bytes = bytesOf(i)
      const put = store.put(key, [bytes.subarray(0, 300), bytes.subarray(300)])
      await put.then(
        () => promised.set(key, bytes),
        error => expect(error).toBeInstanceOf(StoreError),
      )
      await store.get(key, { position: 100, length: 300 }).then(
        found => expect(found.equals(bytes.subarray(100, 400))).toBe(true),
        error => expect(error instanceof StoreError || error instanceof ObjectNotFound).toBe(true),
      )
    }
    for (let i = 0; i < count; i += 8) await Promise.all(Array.from({ length: 8 }, (_, j) => one(i + j)))
    return promised
  }

  const checked = async (promised: Map<string, Buffer>): Promise<void> => {
    proxy.heal()
    for (const [key, bytes] of promised) expect((await store.get(key)).equals(bytes)).toBe(true)
    const listed = new Map<string, number>()
    for await (const { key, size } of store.list(`f/${round}/`)) listed.set(key, size)
    for (const [key, bytes] of promised) expect(listed.get(key)).toBe(bytes.length)
    await store.delete([...listed.keys()])
    for await (const { key } of store.list(`f/${round}/`)) throw new Error(`${key} was not deleted`)
  }

  describe.each<[Fault, number]>([
    ['500', 0.2],
    ['503', 0.1],
    ['reset', 0.1],
    ['reset-after', 0.15],
    ['lose-answer', 0.04],
    ['truncate', 0.15],
    ['hang', 0.04],
  ])('%s', (fault, chance) => {
    test(`at ${chance * 100} % of the requests loses nothing`, async () => {
      const before = proxy.injected
      // Chance may spare one round.
      do {
        proxy.chances({ [fault]: chance })
        const promised = await work(40)
        expect(promised.size).toBeGreaterThan(35)
        await checked(promised)
      } while (proxy.injected === before)
    }, 60_000)
  })

  test('a store that is away for a while is waited for', async () => {
    proxy.cut = 'refuse'
    const later = work(8)
    await new Promise(resolve => setTimeout(resolve, 500))
    proxy.heal()
    const promised = await later
    expect(promised.size).toBe(8)
    await checked(promised)
  }, 60_000)

  test('a server that stops and goes on', async () => {
    process.kill(server.process.pid, 'SIGSTOP')
    const later = work(8)
    await new Promise(resolve => setTimeout(resolve, 1_500))
    process.kill(server.process.pid, 'SIGCONT')
    const promised = await later
    expect(promised.size).toBe(8)
    await checked(promised)
  }, 60_000)
})
