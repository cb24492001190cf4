// What the operator does to buckets, on two S3 servers that know different parts of S3: versitygw has policies and no
// lifecycle, moto has everything and believes everybody.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { lookAtBucket } from '../../operator/bucket/look.ts'
import { removeObjects } from '../../operator/bucket/removal.ts'
import { Bucket, type BucketPlace } from '../../operator/bucket/s3.ts'
import { type BucketWish, DENY_PLAIN } from '../../operator/bucket/wanted.ts'
import { objectStoreSchema } from '../../operator/types/object-store.ts'
import { type S3Server, startMoto, startVersitygw } from '../../testing/s3/servers.ts'
import { moto, versitygw } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

const LIMIT_MS = 60_000

function wishOf(server: S3Server, bucket: string, provision: Record<string, unknown>): BucketWish {
  const s3 = objectStoreSchema.parse({ bucket, endpoint: server.endpoint, region: server.region, provision })
  return { bucket, region: server.region, endpoint: server.endpoint, prefix: 'shop.orders', provision: s3.provision }
}

function open(server: S3Server, bucket: string, more: Partial<BucketPlace> = {}): Bucket {
  const place: BucketPlace = {
    bucket,
    region: server.region,
    endpoint: server.endpoint,
    pathStyle: true,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    ...more,
  }
  return new Bucket(place, { clock: systemClock, random: Math.random, limitMs: 5000 })
}

async function look(
  server: S3Server,
  name: string,
  provision: Record<string, unknown>,
  more: Partial<BucketPlace> = {},
) {
  const bucket = open(server, name, more)
  try {
    return await lookAtBucket(bucket, wishOf(server, name, provision))
  } finally {
    await bucket.close()
  }
}

await suiteWith('the bucket of a cluster on versitygw', versitygw(), () => {
  let server: S3Server
  beforeAll(async () => {
    server = await startVersitygw()
  }, LIMIT_MS)
  afterAll(() => server.stop())

  test('is created when the spec says so, and missing otherwise', async () => {
    expect(await look(server, 'absent', {})).toMatchObject({ state: 'BucketMissing', created: false })
    expect(await look(server, 'wanted', { create: true })).toMatchObject({ state: 'BucketReady', created: true })
    expect(await look(server, 'wanted', { create: true })).toMatchObject({ state: 'BucketReady', created: false })
  })

  test('shows in what its policy differs, and gets it where the operator manages it', async () => {
    const preview = await look(server, server.bucket, { policy: { mode: 'Preview' } })
    expect(preview).toMatchObject({ state: 'BucketDiffers', changed: [] })
    expect(preview.differences.map(({ path }) => path)).toEqual([`policy/${DENY_PLAIN}`])
    const managed = { policy: { mode: 'Managed', tlsOnly: false, principals: ['versity'] } }
    const first = await look(server, server.bucket, managed)
    expect(first).toMatchObject({ state: 'BucketReady', changed: ['the policy'] })
    expect(await look(server, server.bucket, managed)).toMatchObject({ state: 'BucketReady', changed: [] })
  })

  test('says which setting the server does not know', async () => {
    const report = await look(server, server.bucket, { lifecycle: { mode: 'Managed' } })
    expect(report.state).toBe('BucketUnsupported')
    expect(report.message).toContain('s3.provision.lifecycle.mode')
  })

  test(
    'says what is wrong with credentials, region and address',
    async () => {
      const wrong = { accessKeyId: server.accessKey, secretAccessKey: 'wrong' }
      expect(await look(server, server.bucket, {}, { credentials: wrong })).toMatchObject({ state: 'BucketForbidden' })
      expect(await look(server, server.bucket, { create: true }, { endpoint: 'http://127.0.0.1:1' })).toMatchObject({
        state: 'BucketUnreachable',
      })
    },
    LIMIT_MS,
  )

  test('is emptied under the prefixes of a cluster, and nowhere else', async () => {
    const bucket = open(server, server.bucket)
    for (const key of ['shop.orders/a', 'shop.orders/b/c', 'shop.orders2/d', 'other'])
      await bucket.put(key, Buffer.from('x'))
    const outcome = await removeObjects(bucket, ['shop.orders/'], new AbortController().signal)
    expect(outcome).toEqual({ deleted: 2, isDone: true })
    const left: string[] = []
    for await (const { key } of bucket.list('')) left.push(key)
    expect(left).toEqual(['other', 'shop.orders2/d'])
    await bucket.close()
  })

  test(
    'takes files in parts, and gives them back',
    async () => {
      const bucket = open(server, server.bucket)
      const { writeFile, mkdtemp, rm } = await import('node:fs/promises')
      const { tmpdir } = await import('node:os')
      const folder = await mkdtemp(`${tmpdir()}/kafscale-parts-`)
      const content = Buffer.alloc(40 * 1024 * 1024, 7)
      await writeFile(`${folder}/file`, content)
      await bucket.putFile('parts', `${folder}/file`)
      let size = 0
      for await (const piece of bucket.pieces('parts')) {
        expect(piece.every(byte => byte === 7)).toBe(true)
        size += piece.length
      }
      expect(size).toBe(content.length)
      await bucket.close()
      await rm(folder, { recursive: true })
    },
    LIMIT_MS,
  )
})

await suiteWith('the bucket of a cluster on moto', moto(), () => {
  let server: S3Server
  beforeAll(async () => {
    server = await startMoto()
  }, LIMIT_MS)
  afterAll(() => server.stop())

  const everything = {
    create: true,
    policy: { mode: 'Managed', principals: ['arn:aws:iam::123456789012:role/brokers'] },
    lifecycle: { mode: 'Managed', expireOldVersionsAfterDays: 30 },
    publicAccessBlock: { mode: 'Managed' },
  }

  test('gets policy, lifecycle and public access, and is then left alone', async () => {
    const first = await look(server, 'fresh', everything)
    expect(first).toMatchObject({ state: 'BucketReady', created: true })
    expect(first.changed).toEqual(['the policy', 'the lifecycle', 'the block of public access'])
    expect(await look(server, 'fresh', everything)).toMatchObject({ state: 'BucketReady', changed: [] })
  })

  test('keeps what others wrote, and what somebody changed of ours is put right', async () => {
    const bucket = open(server, 'fresh')
    const rule =
      '<Rule><ID>logs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule>'
    await bucket.putDocument(
      { lifecycle: '' },
      `<LifecycleConfiguration>${rule}</LifecycleConfiguration>`,
      'application/xml',
    )
    const foreign = {
      Sid: 'Audit',
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::fresh/public/*',
    }
    await bucket.putDocument(
      { policy: '' },
      JSON.stringify({ Version: '2012-10-17', Statement: [foreign] }),
      'application/json',
    )
    const preview = {
      ...everything,
      policy: { ...everything.policy, mode: 'Preview' },
      lifecycle: { ...everything.lifecycle, mode: 'Preview' },
    }
    expect((await look(server, 'fresh', preview)).differences).toHaveLength(5)
    expect(await look(server, 'fresh', everything)).toMatchObject({
      state: 'BucketReady',
      changed: ['the policy', 'the lifecycle'],
    })
    const lifecycle = (await bucket.call('GET', { query: { lifecycle: '' } })).body.toString()
    expect(lifecycle).toContain('<ID>logs</ID>')
    const policy = JSON.parse((await bucket.call('GET', { query: { policy: '' } })).body.toString())
    expect(policy.Statement).toContainEqual(foreign)
    await bucket.close()
  })
})
