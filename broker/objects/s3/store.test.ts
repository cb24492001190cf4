// The S3 store against a small server in this process: the contract, and what it does when the server or the network does
// not. Start problems have a file of their own.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type FakeAnswer, type FakeRequest, FakeS3, refuse, xml } from '../../../testing/s3/fake-s3.ts'
import { S3FaultProxy } from '../../../testing/s3/fault-proxy.ts'
import { systemClock } from '../../clock.ts'
import { testObjectStore } from '../object-store.contract.ts'
import { ObjectExists, ObjectNotFound, StoreError, StoreFull } from '../object-store.ts'
import type { RequestReport } from './client.ts'
import type { S3Options } from './options.ts'
import { S3Store } from './store.ts'

let fake: FakeS3
let proxy: S3FaultProxy
let store: S3Store
let reports: RequestReport[]
let warnings: string[]

const seeded = (seed: number) => (): number => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return seed / 2 ** 32
}

const optionsFor = (server: FakeS3, endpoint: string): S3Options => ({
  bucket: server.bucket,
  region: server.region,
  endpoint,
  credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
  prefix: 'c',
  clock: systemClock,
  random: seeded(7),
  // Pauses are short, so that tests are; a request that hangs is given up early.
  patience: { requestTimeoutMs: 250, totalTimeoutMs: 4_000, backoff: { baseMs: 2, capMs: 20 } },
  onRequest: report => reports.push(report),
  onWarning: line => warnings.push(line),
})

const open = (more: Partial<S3Options> = {}): Promise<S3Store> =>
  S3Store.open({ ...optionsFor(fake, proxy.endpoint), ...more })

beforeEach(async () => {
  reports = []
  warnings = []
  fake = await FakeS3.start()
  proxy = await S3FaultProxy.start(fake.endpoint, seeded(1))
})

afterEach(async () => {
  await store?.close()
  await proxy.stop()
  await fake.stop()
})

const isPut = ({ method }: { method: string }): boolean => method === 'PUT'
const isGet = ({ method }: { method: string }): boolean => method === 'GET'
const body = Buffer.from('some bytes to keep')

/** Gives that answer once, to the first request that matches. */
const answerOnce = (matches: (request: FakeRequest) => boolean, answer: (request: FakeRequest) => FakeAnswer): void => {
  let left = 1
  fake.answer = request => (left > 0 && matches(request) && left-- ? answer(request) : undefined)
}

describe('a put', () => {
  beforeEach(async () => {
    store = await open()
    fake.requests.length = 0
    reports.length = 0
  })

  test.each(['500', '503', 'reset', 'hang'] as const)('is tried again after %s', async fault => {
    proxy.next(fault, 2, isPut)
    await store.put('k', [body])
    expect(fake.objects.get('k')?.body).toEqual(body)
    expect(fake.count('PUT')).toBe(1)
    expect(reports.map(({ retried }) => retried)).toEqual([false, true, true])
  })

  test.each(['lose-answer', 'reset-after'] as const)('succeeds when it was carried out and then %s', async fault => {
    proxy.next(fault, 1, isPut)
    await store.put('k', [body])
    expect(fake.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'HEAD'])
  })

  test('compares all bytes when the server keeps no checksums', async () => {
    fake.features.checksums = false
    proxy.next('reset-after', 2, isPut)
    await store.put('k', [body.subarray(0, 4), body.subarray(4)])
    fake.objects.set('other', { body: Buffer.alloc(body.length), checksum: undefined })
    proxy.next('reset', 1, isPut)
    await expect(store.put('other', [body])).rejects.toThrow(ObjectExists)
  })

  test.each([
    ['of another length', Buffer.from('x')],
    ['of the same length', Buffer.alloc(body.length, 'x')],
  ])('after a lost try finds an object %s, which is not its own', async (_, other) => {
    proxy.next('reset', 1, isPut)
    await store.put('theirs', [other])
    proxy.next('reset', 1, isPut)
    await expect(store.put('theirs', [body])).rejects.toThrow(ObjectExists)
    expect(fake.objects.get('theirs')?.body).toEqual(other)
  })

  test('finds its key taken at the first try without asking more', async () => {
    await store.put('k', [body])
    fake.requests.length = 0
    await expect(store.put('k', [body])).rejects.toThrow(ObjectExists)
    expect(fake.requests).toHaveLength(1)
  })

  test.each(['ConditionalRequestConflict', 'ExistingObjectIsDirectory'])('is tried again after 409 %s', async code => {
    answerOnce(isPut, () => refuse(409, code))
    await store.put('k', [body])
    expect(fake.objects.get('k')?.body).toEqual(body)
  })

  test('whose body was changed on its way is sent again', async () => {
    answerOnce(isPut, () => refuse(400, 'BadDigest'))
    await store.put('k', [body])
    expect(fake.count('PUT')).toBe(2)
  })

  test('fails when the store confirms other bytes', async () => {
    answerOnce(isPut, () => ({ status: 200, headers: { 'x-amz-checksum-crc32c': 'AAAAAA==' } }))
    await expect(store.put('k', [body])).rejects.toThrow(/ChecksumMismatch/)
  })

  test.each([
    [507, 'InsufficientStorage'],
    [403, 'QuotaExceeded'],
  ])('answered with %i %s says that the store is full', async (status, code) => {
    answerOnce(isPut, () => refuse(status, code))
    await expect(store.put('k', [body])).rejects.toThrow(StoreFull)
    expect(fake.count('PUT')).toBe(1)
  })

  test('that is denied fails at once', async () => {
    answerOnce(isPut, () => refuse(403, 'AccessDenied'))
    await expect(store.put('k', [body])).rejects.toThrow(/^put of k failed \(403 AccessDenied: said the fake\)$/)
    expect(fake.count('PUT')).toBe(1)
  })

  test('sends a large body of many pieces as it is', async () => {
    const pieces = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(i % 7 === 0 ? 0 : (i * 37) % 5000, i))
    pieces.splice(1000, 0, Buffer.alloc(700_000, 'L'))
    await store.put('large', pieces)
    expect(fake.objects.get('large')?.body.equals(Buffer.concat(pieces))).toBe(true)
  })

  test('gives up when its time is over', async () => {
    await store.close()
    store = await open({ patience: { requestTimeoutMs: 50, totalTimeoutMs: 200, backoff: { baseMs: 1, capMs: 10 } } })
    proxy.cut = 'refuse'
    await expect(store.put('k', [body])).rejects.toThrow(StoreError)
  })

  test('carries the KMS key', async () => {
    await store.close()
    store = await open({ kmsKeyId: 'arn:aws:kms:eu-west-1:1:key/k' })
    await store.put('k', [body])
    expect(fake.requests.at(-1)?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'arn:aws:kms:eu-west-1:1:key/k',
      'if-none-match': '*',
    })
  })
})

describe('a get', () => {
  const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i & 255))

  beforeEach(async () => {
    store = await open()
    await store.put('k', [large])
    fake.requests.length = 0
    reports.length = 0
  })

  test.each(['500', '503', 'reset', 'truncate', 'hang', 'lose-answer'] as const)(
    'is tried again after %s',
    async fault => {
      proxy.next(fault, 2, isGet)
      expect((await store.get('k')).equals(large)).toBe(true)
      proxy.next(fault, 1, isGet)
      const part = await store.get('k', { position: 1000, length: 200_000 })
      expect(part.equals(large.subarray(1000, 201_000))).toBe(true)
    },
  )

  test.each([
    ['fewer bytes', { 'content-range': 'bytes 10-19/300000' }, 10],
    ['other bytes', { 'content-range': 'bytes 11-30/300000' }, 20],
    ['bytes without a range', {}, 20],
  ])('of a range that is answered with %s is tried again', async (_, headers, count) => {
    answerOnce(isGet, () => ({ status: 206, headers, body: large.subarray(10, 10 + count) }))
    expect((await store.get('k', { position: 10, length: 20 })).equals(large.subarray(10, 30))).toBe(true)
    expect(fake.count('GET')).toBe(2)
  })

  test('takes its range from a server that sends all', async () => {
    answerOnce(isGet, () => ({ status: 200, body: large }))
    expect((await store.get('k', { position: 7, length: 5 })).equals(large.subarray(7, 12))).toBe(true)
  })

  test('notices bytes that were changed on their way', async () => {
    const wrong = Buffer.from(large)
    wrong[5] = 99
    const checksum = fake.objects.get('k')?.checksum ?? ''
    answerOnce(isGet, () => ({ status: 200, headers: { 'x-amz-checksum-crc32c': checksum }, body: wrong }))
    expect((await store.get('k')).equals(large)).toBe(true)
    expect(fake.count('GET')).toBe(2)
  })

  test.each([
    ['the bucket is gone', refuse(404, 'NoSuchBucket')],
    ['something else answers', { status: 404, body: '<html>no such page</html>' }],
  ])('does not say that an object is not there when %s', async (_, answer) => {
    fake.answer = () => answer
    for (const failing of [store.get('k'), store.size('k'), store.get('k', { position: 0, length: 0 })])
      await expect(failing).rejects.toThrow(StoreError)
  })

  test('is hedged when it takes longer than usual', async () => {
    for (let i = 0; i < 20; i++) await store.get('k')
    reports.length = 0
    proxy.next('lose-answer', 1, isGet)
    expect((await store.get('k')).equals(large)).toBe(true)
    expect(reports.map(({ hedged, status }) => [hedged, status])).toEqual([
      [true, 200],
      [false, 0],
    ])
  })

  test('hedges only a share of the requests', async () => {
    for (let i = 0; i < 20; i++) await store.get('k')
    reports.length = 0
    proxy.latencyMs = 60
    for (let round = 0; round < 10; round++)
      await Promise.all(Array.from({ length: 10 }, () => store.get('k', { position: 0, length: 1 })))
    const hedged = reports.filter(report => report.hedged).length
    expect(hedged).toBeLessThanOrEqual(20 + 0.05 * 130)
  })
})

describe('a hedged put', () => {
  beforeEach(async () => {
    store = await open()
    for (let i = 0; i < 20; i++) await store.put(`warm/${i}`, [body])
    fake.requests.length = 0
    reports.length = 0
  })

  test('wins when the first one hangs', async () => {
    proxy.next('hang', 1, isPut)
    await store.put('k', [body])
    expect(fake.objects.get('k')?.body).toEqual(body)
    expect(reports.map(({ hedged }) => hedged)).toEqual([true, false])
  })

  test('that finds the first one there succeeds', async () => {
    proxy.next('lose-answer', 1, isPut)
    await store.put('k', [body])
    expect(fake.count('PUT')).toBe(2)
  })
})

describe('trouble', () => {
  test('is not made worse: retries stay a share of the requests', async () => {
    store = await open({
      patience: { requestTimeoutMs: 400, totalTimeoutMs: 300, backoff: { baseMs: 1, capMs: 5 } },
    })
    proxy.requests = 0
    proxy.chances({ '500': 1 })
    const puts = Array.from({ length: 100 }, (_, i) => store.put(`k/${i}`, [body]))
    await Promise.allSettled(puts)
    // A hundred first tries, a fifth of that, the burst of twenty, and five for each second that it took.
    expect(proxy.requests).toBeGreaterThan(100)
    expect(proxy.requests).toBeLessThan(200)
  })

  test('of the kind SlowDown lowers the number of requests under way', async () => {
    store = await open({ concurrency: 16 })
    let most = 0
    let current = 0
    fake.answer = async () => {
      most = Math.max(most, ++current)
      await new Promise(resolve => setTimeout(resolve, 40))
      current--
      return undefined
    }
    const all = (round: number): Promise<unknown> =>
      Promise.all(Array.from({ length: 32 }, (_, i) => store.put(`r${round}/${i}`, [body])))
    await all(1)
    expect(most).toBe(16)
    proxy.next('503', 4, isPut)
    for (let i = 0; i < 4; i++) await store.put(`slow/${i}`, [body])
    most = 0
    await all(2)
    expect(most).toBeLessThan(16)
  })

  test('does not lose or change anything under a storm of faults', async () => {
    store = await open({
      patience: { requestTimeoutMs: 150, totalTimeoutMs: 2_000, backoff: { baseMs: 1, capMs: 10 } },
    })
    proxy.chances({ '500': 0.1, '503': 0.02, reset: 0.05, 'reset-after': 0.05, truncate: 0.1, 'lose-answer': 0.02 })
    const stored = new Map<string, Buffer>()
    const one = async (i: number): Promise<void> => {
      const key = `s/${i}`
      const bytes = Buffer.alloc(1000 + i * 997, i)
      await store.put(key, [bytes.subarray(0, 100), bytes.subarray(100)]).then(
        () => stored.set(key, bytes),
        error => expect(error).toBeInstanceOf(StoreError),
      )
      await store.get(key).then(
        found => expect(found.equals(bytes)).toBe(true),
        error => expect(error instanceof StoreError || error instanceof ObjectNotFound).toBe(true),
      )
    }
    for (let i = 0; i < 60; i += 10) await Promise.all(Array.from({ length: 10 }, (_, j) => one(i + j)))
    proxy.heal()
    expect(stored.size).toBeGreaterThan(30)
    for (const [key, bytes] of stored) expect((await store.get(key)).equals(bytes)).toBe(true)
  })

  test('ends with the cut', async () => {
    store = await open()
    proxy.cut = 'refuse'
    const put = store.put('k', [body])
    await new Promise(resolve => setTimeout(resolve, 50))
    proxy.heal()
    await put
    expect((await store.get('k')).equals(body)).toBe(true)
  })

  test('with the clock is made up for once the store is open', async () => {
    let jump = 0
    const clock = { ...systemClock, now: () => systemClock.now() + jump }
    store = await open({ clock })
    for (jump of [3_600_000, -3_600_000]) {
      await store.put(`at/${jump + 3_600_000}`, [body])
      expect((await store.get(`at/${jump + 3_600_000}`)).equals(body)).toBe(true)
    }
    const warning = expect.stringMatching(
      /^the clock of this machine and that of the S3 server are (3599|360[01]) s apart$/,
    )
    expect(warnings).toEqual([warning, warning])
  })

  test('with a session token that expired is cured by a new one', async () => {
    fake.sessionToken = 'first'
    let fetched = 0
    const credentials = async () => {
      fetched++
      return { accessKeyId: fake.accessKey, secretAccessKey: fake.secretKey, sessionToken: fake.sessionToken }
    }
    store = await open({ credentials })
    fake.sessionToken = 'second'
    await store.put('k', [body])
    expect(fetched).toBe(2)
  })
})

describe('lists and deletes', () => {
  beforeEach(async () => {
    store = await open()
  })

  const keysOf = async (prefix: string): Promise<string[]> => {
    const keys: string[] = []
    for await (const { key } of store.list(prefix)) keys.push(key)
    return keys
  }

  test('a list goes on over all pages, past faults', async () => {
    fake.features.pageSize = 7
    const all = Array.from({ length: 40 }, (_, i) => `l/${String(i).padStart(3, '0')}`)
    for (const key of all) fake.objects.set(key, { body, checksum: undefined })
    proxy.next('truncate', 1)
    expect(await keysOf('l/')).toEqual(all)
    expect(await keysOf('l/00')).toEqual(all.slice(0, 10))
  })

  test('a list gives keys of others as they are', async () => {
    const strange = ['l/a b', 'l/<&>"\'', 'l/ü%2F+']
    for (const key of strange) fake.objects.set(key, { body, checksum: undefined })
    expect(await keysOf('l/')).toEqual(strange.toSorted())
  })

  test.each([
    ['half a document', xml(200, '<ListBucketResult><IsTruncated>false</IsTruncated>')],
    ['another document', xml(200, '<html/>')],
    ['no word on its end', xml(200, '<ListBucketResult/>')],
    ['no way to go on', xml(200, '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>')],
    [
      'keys out of order',
      xml(
        200,
        `<ListBucketResult><IsTruncated>false</IsTruncated>${['b', 'a'].map(key => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('')}</ListBucketResult>`,
      ),
    ],
  ])('a list with %s is an error', async (_, answer) => {
    fake.answer = () => answer
    await expect(keysOf('l/')).rejects.toThrow(StoreError)
  })

  const fill = (count: number): string[] => {
    const keys = Array.from({ length: count }, (_, i) => `d/${i}`)
    for (const key of keys) fake.objects.set(key, { body, checksum: undefined })
    return keys
  }

  test('deletes go by the thousand', async () => {
    const keys = fill(2500)
    fake.requests.length = 0
    await store.delete(keys)
    expect(fake.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST'])
    expect(fake.objects.size).toBe(0)
  })

  test('deletes go one by one where the server knows no others', async () => {
    await store.close()
    fake.features.deletesMany = false
    store = await open()
    const keys = fill(50)
    await store.delete([...keys, 'not/there'])
    expect(fake.objects.size).toBe(0)
  })

  test('a delete of which a part failed is tried again for that part', async () => {
    const keys = fill(3)
    answerOnce(
      ({ method }) => method === 'POST',
      () => {
        fake.objects.delete('d/0')
        return xml(
          200,
          '<DeleteResult><Error><Key>d/1</Key><Code>InternalError</Code></Error><Error><Key>d/2</Key><Code>SlowDown</Code></Error></DeleteResult>',
        )
      },
    )
    await store.delete(keys)
    expect(fake.objects.size).toBe(0)
    expect(fake.requests.at(-1)?.body.toString()).not.toContain('d/0')
  })

  test('a delete that is denied for a part rejects', async () => {
    const keys = fill(3)
    fake.answer = () => xml(200, '<DeleteResult><Error><Key>d/1</Key><Code>AccessDenied</Code></Error></DeleteResult>')
    await expect(store.delete(keys)).rejects.toThrow(/AccessDenied/)
  })
})

describe('other ways to reach a bucket', () => {
  test('the bucket as part of the host name', async () => {
    const lookup: S3Options['lookup'] = (hostname, { all }, callback) => {
      expect(hostname).toBe('bucket.s3.test')
      if (all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
      else callback(null, '127.0.0.1', 4)
    }
    store = await open({ endpoint: `http://s3.test:${fake.port}`, pathStyle: false, lookup })
    await store.put('k', [body])
    expect(fake.requests.at(-1)?.headers.host).toBe(`bucket.s3.test:${fake.port}`)
    expect((await store.get('k')).equals(body)).toBe(true)
    await store.delete(['k'])
    expect(fake.objects.size).toBe(0)
  })

  describe('a second place to read from', () => {
    let near: FakeS3
    let nearProxy: S3FaultProxy

    beforeEach(async () => {
      near = await FakeS3.start('eu-west-1')
      nearProxy = await S3FaultProxy.start(near.endpoint, seeded(2))
      store = await open({ readEndpoint: nearProxy.endpoint, readRegion: 'eu-west-1' })
      await store.put('k', [body])
    })

    afterEach(async () => {
      await nearProxy.stop()
      await near.stop()
    })

    test('serves what it has', async () => {
      near.objects.set('k', { body, checksum: undefined })
      fake.objects.clear()
      expect((await store.get('k')).equals(body)).toBe(true)
      expect((await store.get('k', { position: 5, length: 5 })).toString()).toBe('bytes')
    })

    test('is helped out by the first for what it has not', async () => {
      expect((await store.get('k')).equals(body)).toBe(true)
      await expect(store.get('none')).rejects.toThrow(ObjectNotFound)
    })

    test.each(['500', 'reset', 'truncate', 'hang'] as const)('is helped out by the first after %s', async fault => {
      near.objects.set('k', { body, checksum: undefined })
      nearProxy.next(fault)
      expect((await store.get('k')).equals(body)).toBe(true)
    })

    test('is left alone for a while after several failures, with a warning', async () => {
      near.answer = () => refuse(500, 'InternalError')
      for (let i = 0; i < 6; i++) expect((await store.get('k')).equals(body)).toBe(true)
      expect(near.count('GET', /^k$/)).toBe(3)
      expect(warnings).toEqual([expect.stringContaining('KAFSCALE_S3_READ_ENDPOINT')])
    })
  })
})

describe('the end', () => {
  test('waits for what is under way, and then takes nothing more', async () => {
    store = await open()
    proxy.latencyMs = 30
    const put = store.put('k', [body])
    await store.close()
    expect(fake.objects.has('k')).toBe(true)
    await put
    await expect(store.get('k')).rejects.toThrow(/closed/)
  })
})

testObjectStore('S3 store on the fake server', async () => {
  const own = await FakeS3.start()
  // With its usual patience: a put that was given up early may still arrive after the object was deleted.
  const { patience: _, ...options } = optionsFor(own, own.endpoint)
  return { store: await S3Store.open(options), close: () => own.stop() }
})
