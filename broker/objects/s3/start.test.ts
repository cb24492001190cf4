// What a store says when it cannot start: one line that names the setting to change.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { freePorts } from '../../../testing/ports.ts'
import { FakeS3, refuse } from '../../../testing/s3/fake-s3.ts'
import { systemClock } from '../../clock.ts'
import { NoCredentials } from './credentials.ts'
import type { S3Options } from './options.ts'
import { S3StartProblem } from './start-problem.ts'
import { S3Store } from './store.ts'

let fake: FakeS3
let warnings: string[]

beforeEach(async () => {
  warnings = []
  fake = await FakeS3.start()
})

afterEach(() => fake.stop())

const options = (more: Partial<S3Options> = {}): S3Options => ({
  bucket: fake.bucket,
  region: fake.region,
  endpoint: fake.endpoint,
  credentials: { accessKeyId: fake.accessKey, secretAccessKey: fake.secretKey },
  prefix: 'c',
  clock: systemClock,
  random: () => 0.5,
  startTimeoutMs: 300,
  patience: { backoff: { baseMs: 5, capMs: 20 } },
  onWarning: line => warnings.push(line),
  ...more,
})

const problem = async (more: Partial<S3Options> = {}): Promise<string> => {
  const error = await S3Store.open(options(more)).then(
    async store => {
      await store.close()
      return new Error('the store opened')
    },
    (error: unknown) => error,
  )
  if (!(error instanceof S3StartProblem)) throw error
  expect(error.message).not.toMatch(/\n/)
  return error.message
}

describe('a store that starts', () => {
  test('leaves nothing in the bucket, and uses keys below its prefix', async () => {
    await (await S3Store.open(options())).close()
    expect(fake.objects.size).toBe(0)
    const keys = new Set(fake.requests.filter(({ key }) => key !== '').map(({ key }) => key))
    expect(keys.size).toBe(1)
    expect([...keys][0]).toMatch(/^c\/probe\/[a-z0-9]+-[a-z0-9]+$/)
    expect(warnings).toEqual([])
  })

  test('warns of a bucket that keeps versions', async () => {
    fake.features.versions = true
    await (await S3Store.open(options())).close()
    expect(warnings).toEqual([expect.stringMatching(/keeps old versions.*lifecycle/)])
  })

  test('gets over faults that pass', async () => {
    let left = 3
    fake.answer = () => (left-- > 0 ? refuse(503, 'SlowDown') : undefined)
    await (await S3Store.open(options({ startTimeoutMs: 5000 }))).close()
  })
})

describe('the line of a start problem', () => {
  test.each([
    ['a bucket that is not there', { bucket: 'nobody' }, /no S3 bucket nobody.*KAFSCALE_S3_BUCKET/],
    ['a name that no bucket has', { bucket: 'No/Bucket' }, /KAFSCALE_S3_BUCKET="No\/Bucket"/],
    ['no bucket', { bucket: '' }, /KAFSCALE_S3_BUCKET=""/],
    [
      'another region',
      { region: 'eu-west-1' },
      /is in region us-east-1, not in eu-west-1: set KAFSCALE_S3_REGION=us-east-1/,
    ],
    ['a region that is none', { region: 'a b' }, /KAFSCALE_S3_REGION="a b"/],
    ['an endpoint that is no URL', { endpoint: 'localhost:9000' }, /KAFSCALE_S3_ENDPOINT="localhost:9000"/],
    ['a read endpoint that is no URL', { readEndpoint: 'ftp://x' }, /KAFSCALE_S3_READ_ENDPOINT="ftp:\/\/x"/],
    [
      'an unknown access key',
      { credentials: { accessKeyId: 'x', secretAccessKey: 'y' } },
      /does not know the access key: correct KAFSCALE_S3_ACCESS_KEY/,
    ],
    [
      'a wrong secret key',
      { credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'y' } },
      /KAFSCALE_S3_SECRET_KEY/,
    ],
    [
      'no credentials',
      { credentials: () => Promise.reject(new NoCredentials('nothing found')) },
      /no S3 credentials were found \(nothing found\): set KAFSCALE_S3_ACCESS_KEY and KAFSCALE_S3_SECRET_KEY/,
    ],
    [
      'a host that cannot be resolved',
      { endpoint: 'http://nowhere.invalid' },
      /S3 host nowhere\.invalid cannot be resolved.*KAFSCALE_S3_ENDPOINT/,
    ],
  ])('%s', async (_, more, line) => {
    expect(await problem(more)).toMatch(line)
  })

  test('the SDK finds no credentials', async () => {
    const names = Object.keys(process.env).filter(name => name.startsWith('AWS_'))
    const kept = Object.fromEntries(names.map(name => [name, process.env[name]]))
    for (const name of names) delete process.env[name]
    Object.assign(process.env, { AWS_EC2_METADATA_DISABLED: 'true', AWS_SHARED_CREDENTIALS_FILE: '/nonexistent' })
    Object.assign(process.env, { AWS_CONFIG_FILE: '/nonexistent' })
    try {
      expect(await problem({ credentials: undefined })).toMatch(/no S3 credentials were found.*KAFSCALE_S3_ACCESS_KEY/)
    } finally {
      for (const name of ['AWS_EC2_METADATA_DISABLED', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE'])
        delete process.env[name]
      Object.assign(process.env, kept)
    }
  })

  test.each([
    [3_600_000, /the clock here is (3599|360[01]) s behind its: set this machine's clock/],
    [-3_600_000, /the clock here is (3599|360[01]) s ahead of its/],
  ])('a clock that is %i ms off', async (offset, line) => {
    fake.now = () => Date.now() + offset
    expect(await problem()).toMatch(line)
  })

  test('nothing listens there', async () => {
    const [port = 0] = await freePorts(1)
    expect(await problem({ endpoint: `http://127.0.0.1:${port}` })).toMatch(
      /cannot be reached \(.*ECONNREFUSED.*KAFSCALE_S3_ENDPOINT/,
    )
  })

  test('TLS where there is none', async () => {
    expect(await problem({ endpoint: `https://127.0.0.1:${fake.port}` })).toMatch(
      /TLS connection.*KAFSCALE_S3_ENDPOINT/,
    )
  })

  test('something else answers', async () => {
    fake.answer = () => ({ status: 200, body: '<html><body>Welcome</body></html>' })
    expect(await problem()).toMatch(/not as an S3 server does: correct KAFSCALE_S3_ENDPOINT/)
    fake.answer = () => ({ status: 404, body: 'no such page' })
    expect(await problem()).toMatch(/404.*not as an S3 server does: correct KAFSCALE_S3_ENDPOINT/)
  })

  test.each([
    ['list', 'GET', /denied \(list\): allow s3:ListBucket/],
    ['put', 'PUT', /denied \(put\): allow s3:PutObject/],
    ['delete', 'DELETE', /denied \(delete\): allow s3:DeleteObject/],
  ])('no permission to %s', async (_, method, line) => {
    fake.answer = request => (request.method === method ? refuse(403, 'AccessDenied') : undefined)
    expect(await problem()).toMatch(line)
  })

  test('no permission to get, and the probe is taken away', async () => {
    fake.answer = ({ method, key }) => (method === 'GET' && key !== '' ? refuse(403, 'AccessDenied') : undefined)
    expect(await problem()).toMatch(/denied \(get\): allow s3:GetObject/)
    expect(fake.objects.size).toBe(0)
  })

  test('a KMS key that cannot be used', async () => {
    fake.answer = ({ method }) => (method === 'PUT' ? refuse(400, 'KMS.NotFoundException') : undefined)
    expect(await problem({ kmsKeyId: 'k' })).toMatch(/set KAFSCALE_S3_KMS_ARN to a key.*it is k/)
  })

  test('a server that ignores the KMS key', async () => {
    fake.features.encrypts = false
    expect(await problem({ kmsKeyId: 'k' })).toMatch(/does not encrypt with KMS keys: unset KAFSCALE_S3_KMS_ARN/)
  })

  test('puts that would overwrite, and the probe is taken away', async () => {
    fake.features.conditional = false
    expect(await problem()).toMatch(/ignores If-None-Match.*KAFSCALE_S3_ENDPOINT/)
    expect(fake.objects.size).toBe(0)
  })
})
