// The S3 store against real servers.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { testObjectStore } from '../../broker/objects/object-store.contract.ts'
import type { S3Options } from '../../broker/objects/s3/options.ts'
import { S3Store } from '../../broker/objects/s3/store.ts'
import { makeBucket, type S3Server, startMoto, startS3rver, startVersitygw } from '../../testing/s3/servers.ts'
import { moto, s3rver, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

const optionsFor = (server: S3Server): S3Options => ({
  bucket: server.bucket,
  region: server.region,
  endpoint: server.endpoint,
  credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
  prefix: 'probes',
  clock: systemClock,
  random: Math.random,
  startTimeoutMs: 3_000,
})

const freshBucket = async (server: S3Server): Promise<string> => {
  const bucket = `b-${randomBytes(6).toString('hex')}`
  await makeBucket(server.endpoint, server, bucket)
  return bucket
}

const contractOn = (name: string, start: () => Promise<S3Server>): void => {
  let server: S3Server
  beforeAll(async () => {
    server = await start()
  }, 90_000)
  afterAll(() => server.stop())
  testObjectStore(name, async () => ({
    store: await S3Store.open({ ...optionsFor(server), bucket: await freshBucket(server) }),
  }))
}

await suiteWith('versitygw', versitygw(), () => contractOn('S3 store on versitygw', startVersitygw))
await suiteWith('moto', moto(), () => contractOn('S3 store on moto', startMoto))

await suiteWith('s3rver', s3rver(), () => {
  let server: S3Server
  beforeAll(async () => {
    server = await startS3rver()
  }, 90_000)
  afterAll(() => server.stop())

  test('is refused, because it would overwrite objects', async () => {
    await expect(S3Store.open(optionsFor(server))).rejects.toThrow(/ignores If-None-Match.*KAFSCALE_S3_ENDPOINT/)
  })
})
