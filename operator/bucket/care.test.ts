// Looks one after the other at a bucket of a fake S3 service that answers as the test wants.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { FakeS3 } from '../../testing/s3/fake-s3.ts'
import { clusterSchema } from '../types/kaf-scale-cluster.ts'
import { BucketCare } from './care.ts'
import { Bucket } from './s3.ts'

const KEY = 'shop/main'
const nobody = (): never => {
  throw new Error('nobody asks for this here')
}

let s3: FakeS3
let care: BucketCare
let bucketName: string
let reports: (string | undefined)[]

beforeEach(async () => {
  s3 = await FakeS3.start()
  heal()
  bucketName = s3.bucket
  reports = []
  const cluster = clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'main', namespace: 'shop' },
    spec: { s3: { bucket: s3.bucket, endpoint: s3.endpoint } },
  })
  care = new BucketCare({
    clock: systemClock,
    clusterOf: () => cluster,
    bucketOf: async () => {
      const { endpoint, region } = s3
      const credentials = { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey, sessionToken: undefined }
      const place = { bucket: bucketName, endpoint, region, pathStyle: true, credentials }
      return {
        wish: { bucket: bucketName, endpoint, region, prefix: 'shop.main', provision: cluster.spec.s3.provision },
        prefixes: [],
        open: () => new Bucket(place, { clock: systemClock, random: () => 0.01, limitMs: 300 }),
      }
    },
    hold: nobody,
    rest: nobody,
    isEnding: nobody,
    onReport: key => reports.push(care.report(key)?.state),
    onEvent: nobody,
  })
})

afterEach(() => s3.stop())

/** The state that is told after one more look. */
async function look(): Promise<string | undefined> {
  const { signal } = new AbortController()
  const context = await care.reconciler.begin(KEY, { signal, log: createLogger('silent') })
  if (context === undefined) throw new Error('there is a cluster')
  for (const step of care.reconciler.steps) await step.run(context)
  return care.report(KEY)?.state
}

const fail = (code: string): void => {
  s3.answer = () => ({ status: 500, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` })
}
const heal = (): void => {
  s3.answer = ({ method, key }) => (method === 'HEAD' && key === '' ? { status: 200 } : undefined)
}

test('a bucket that is as it was causes nothing, however often it is looked at', async () => {
  expect([await look(), await look(), await look()]).toEqual(['BucketReady', 'BucketReady', 'BucketReady'])
  expect(reports).toEqual(['BucketReady'])
})

test('one look without an answer is not told, the second in a row is, and that it answers again', async () => {
  await look()
  fail('SlowDown')
  expect(await look()).toBe('BucketReady')
  heal()
  await look()
  fail('SlowDown')
  expect(await look()).toBe('BucketReady')
  expect(reports).toEqual(['BucketReady'])
  expect(await look()).toBe('BucketUnreachable')
  heal()
  expect(await look()).toBe('BucketReady')
  expect(reports).toEqual(['BucketReady', 'BucketUnreachable', 'BucketReady'])
})

test('that it still does not answer, for another reason, is no news', async () => {
  fail('SlowDown')
  await look()
  fail('InternalError')
  expect(await look()).toBe('BucketUnreachable')
  expect(reports).toEqual(['BucketUnreachable'])
})

test('another bucket that does not answer is told at once, and so is an answer that is bad', async () => {
  await look()
  s3.answer = () => ({ status: 403 })
  expect(await look()).toBe('BucketForbidden')
  heal()
  await look()
  bucketName = 'another'
  fail('SlowDown')
  expect(await look()).toBe('BucketUnreachable')
})
