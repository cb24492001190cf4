// What a bucket answers, and what the condition then says: against a small server that answers as S3 does.

import { createServer, type Server } from 'node:http'
import { afterEach, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { objectStoreSchema } from '../types/object-store.ts'
import { lookAtBucket } from './look.ts'
import { Bucket } from './s3.ts'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function lookAt(status: number, headers: Record<string, string> = {}, body = '') {
  server = createServer((request, response) => {
    response.writeHead(status, headers)
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const s3 = objectStoreSchema.parse({
    bucket: 'records',
    region: 'eu-central-1',
    endpoint,
    provision: { create: true },
  })
  const place = {
    bucket: 'records',
    region: s3.region,
    endpoint,
    pathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  }
  const bucket = new Bucket(place, { clock: systemClock, random: Math.random, limitMs: 300 })
  try {
    return await lookAtBucket(bucket, {
      bucket: 'records',
      region: s3.region,
      endpoint,
      prefix: 'p',
      provision: s3.provision,
    })
  } finally {
    await bucket.close()
  }
}

const errorOf = (code: string): string => `<Error><Code>${code}</Code><Message>no</Message></Error>`

test('a bucket that is there is ready', async () => {
  expect(await lookAt(200)).toMatchObject({ state: 'BucketReady', differences: [] })
})

test('a bucket in another region says in which', async () => {
  const report = await lookAt(301, { 'x-amz-bucket-region': 'us-west-2' })
  expect(report).toMatchObject({ state: 'BucketWrongRegion' })
  expect(report.message).toContain('us-west-2')
})

test.each([401, 403])('status %d: the credentials do not suffice', async status => {
  expect(await lookAt(status)).toMatchObject({ state: 'BucketForbidden' })
})

test('a name that somebody else has cannot be created', async () => {
  server = undefined
  const answers = [404, 409]
  server = createServer((_, response) => {
    response.writeHead(answers.shift() ?? 409)
    response.end(errorOf('BucketAlreadyExists'))
  })
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const { provision } = objectStoreSchema.parse({ bucket: 'records', endpoint, provision: { create: true } })
  const place = {
    bucket: 'records',
    region: undefined,
    endpoint,
    pathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  }
  const bucket = new Bucket(place, { clock: systemClock, random: Math.random, limitMs: 300 })
  expect(
    await lookAtBucket(bucket, { bucket: 'records', region: undefined, endpoint, prefix: 'p', provision }),
  ).toMatchObject({ state: 'BucketForbidden', created: false })
  await bucket.close()
})

test.each([500, 503])('a service that answers with %d is unreachable', async status => {
  expect(await lookAt(status, {}, errorOf('SlowDown'))).toMatchObject({ state: 'BucketUnreachable' })
})
