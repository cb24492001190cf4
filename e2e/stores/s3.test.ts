// The S3 store against real servers.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
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

type Racing = Parameters<typeof testObjectStore>[2]

const contractOn = (name: string, start: () => Promise<S3Server>, racing?: Racing): void => {
  let server: S3Server
  beforeAll(async () => {
    server = await start()
  }, 90_000)
  afterAll(() => server.stop())
  const open = async () => ({
    store: await S3Store.open({ ...optionsFor(server), bucket: await freshBucket(server) }),
  })
  testObjectStore(name, open, racing)
}

await suiteWith('versitygw', versitygw(), () => {
  // Version 1.7.0 looks for the key and then writes, so puts at the same moment may all succeed.
  contractOn('S3 store on versitygw', startVersitygw, 'several may win')

  describe('start problems on versitygw', () => {
    let server: S3Server
    beforeAll(async () => {
      server = await startVersitygw()
    }, 90_000)
    afterAll(() => server.stop())

    test.each([
      ['another region', { region: 'eu-west-1' }, /set KAFSCALE_S3_REGION=us-east-1/],
      ['a bucket that is not there', { bucket: 'nobody' }, /create it or correct KAFSCALE_S3_BUCKET/],
      [
        'an unknown access key',
        { credentials: { accessKeyId: 'x', secretAccessKey: 'y' } },
        /correct KAFSCALE_S3_ACCESS_KEY/,
      ],
      [
        'a wrong secret key',
        { credentials: { accessKeyId: 'versity', secretAccessKey: 'y' } },
        /correct KAFSCALE_S3_SECRET_KEY/,
      ],
      [
        'a wrong clock',
        { clock: { ...systemClock, now: () => systemClock.now() + 3_600_000 } },
        /36\d\d s ahead of its: set this machine's clock/,
      ],
      ['a KMS key that it ignores', { kmsKeyId: 'k' }, /unset KAFSCALE_S3_KMS_ARN/],
    ])('%s', async (_, more, line) => {
      await expect(S3Store.open({ ...optionsFor(server), ...more })).rejects.toThrow(line)
    })

    test('a server that has gone', async () => {
      await server.process.kill()
      await expect(S3Store.open(optionsFor(server))).rejects.toThrow(/cannot be reached.*correct KAFSCALE_S3_ENDPOINT/)
    })
  })
})
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
