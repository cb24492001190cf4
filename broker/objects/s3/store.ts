// Objects in an S3 bucket, over our own client: the AWS SDK costs ten times the CPU per request.
//
// put: PUT with If-None-Match: * ("Conditional writes", S3 user guide) and the body's CRC-32C, tried again and hedged with
//      the same bytes. A 412 after an earlier try may mean that the earlier one arrived: the object is then compared, and
//      the put succeeds only if it holds our bytes.
// get: the length is checked always; the CRC-32C of whole objects when the store has it; a short answer is tried again.
// A store without conditional writes is refused at the start (start-check.ts). A try that the network delivers after the
// put has ended finds its key taken, or, when the object was deleted meanwhile, leaves an orphan with the same bytes.

import { hash } from 'node:crypto'
import { crc32c } from '../../wire/crc32c.ts'
import {
  assertKey,
  assertRange,
  type ByteRange,
  ObjectExists,
  ObjectNotFound,
  type ObjectStore,
  type StoredObject,
  StoreError,
  StoreFull,
} from '../object-store.ts'
import { deleteDocument, deleteFailures, type Page, readPage } from './answers.ts'
import { type ClientConfig, isTaken, S3Client, type S3Request, type Tally } from './client.ts'
import { CredentialSource, defaultCredentials, fixedCredentials } from './credentials.ts'
import type { Answer } from './exchange.ts'
import { isFull, notEncrypted, S3Failure } from './failure.ts'
import { defaultConcurrency, defaultPatience, primaryOrigin, readOrigin, type S3Options } from './options.ts'
import { ReadReplica } from './read-replica.ts'
import { queryString } from './sigv4.ts'
import { checkStart } from './start-check.ts'

/** An answer is held in memory as a whole; objects are far smaller. */
const mostObjectBytes = 1024 * 1024 * 1024
/** A page of 1000 keys of 1024 characters, every one escaped, is smaller. */
const mostDocumentBytes = 16 * 1024 * 1024
const deletedAtOnce = 1000
const singleDeletesAtOnce = 16

export class S3Store implements ObjectStore {
  readonly #client: S3Client
  readonly #replica: ReadReplica | undefined
  readonly #putHeaders: Readonly<Record<string, string>>
  readonly #encrypts: boolean
  readonly #underWay = new Set<Promise<unknown>>()
  /** Some servers know only deletes of one object. */
  #deletesSingly = false
  #closed = false

  private constructor(client: S3Client, replica: ReadReplica | undefined, kmsKeyId: string | undefined) {
    this.#client = client
    this.#replica = replica
    this.#encrypts = kmsKeyId !== undefined
    this.#putHeaders =
      kmsKeyId === undefined
        ? {}
        : { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId }
  }

  /** Opens the store once the bucket has proved to be usable. Rejects with S3StartProblem. */
  static async open(options: S3Options): Promise<S3Store> {
    const primary = primaryOrigin(options)
    const near = readOrigin(options)
    const shared = clientConfig(options)
    const client = new S3Client({ ...shared, origin: primary })
    const replica = near && new ReadReplica(new S3Client({ ...shared, origin: near }), shared.onWarning)
    const store = new S3Store(client, replica, options.kmsKeyId)
    try {
      await checkStart(store, client, options)
      client.followServerTime()
      await replica?.begin()
      return store
    } catch (error) {
      await store.close()
      throw error
    }
  }

  put(key: string, body: readonly Uint8Array[]): Promise<void> {
    return this.#run(`put of ${key}`, async () => {
      assertKey(key)
      const bodyLength = body.reduce((sum, piece) => sum + piece.length, 0)
      const checksum = base64Crc(body)
      const request: S3Request = {
        ...{ operation: 'put', method: 'PUT', key, body, bodyLength, hedged: true, mostBytes: mostDocumentBytes },
        headers: { 'if-none-match': '*', 'x-amz-checksum-crc32c': checksum, ...this.#putHeaders },
      }
      const deadline = this.#client.deadline(bodyLength)
      const tally: Tally = { sent: 0 }
      await this.#client.retrying(deadline, () => this.#putOnce(request, checksum, deadline, tally))
    })
  }

  get(key: string, range?: ByteRange): Promise<Buffer> {
    return this.#run(`get of ${key}`, async () => {
      assertKey(key)
      if (range !== undefined) assertRange(key, range, Number.MAX_SAFE_INTEGER)
      if (range?.length === 0) {
        assertRange(key, range, await this.#sizeOf(key))
        return Buffer.alloc(0)
      }
      const near = await this.#replica?.try(client => getOnce(client, key, range, client.deadline(bytesIn(range))))
      if (near !== undefined) return near
      const deadline = this.#client.deadline(bytesIn(range))
      return this.#client.retrying(deadline, () => getOnce(this.#client, key, range, deadline))
    })
  }

  size(key: string): Promise<number> {
    return this.#run(`size of ${key}`, () => {
      assertKey(key)
      return this.#sizeOf(key)
    })
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    let last = ''
    let token: string | undefined
    do {
      const { objects, next }: Page = await this.#run(`list of ${prefix}`, () => this.#page(prefix, token))
      for (const object of objects) {
        if (object.key <= last) throw new StoreError(`list of ${prefix} failed (its keys are not in order)`)
        last = object.key
        yield object
      }
      token = next
    } while (token !== undefined)
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#run(`delete of ${keys.length} objects`, async () => {
      for (const key of keys) assertKey(key)
      for (let i = 0; i < keys.length; i += deletedAtOnce) await this.#deleteSome(keys.slice(i, i + deletedAtOnce))
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#underWay)
    await Promise.all([this.#client.close(), this.#replica?.close()])
  }

  async #putOnce(request: S3Request, checksum: string, deadline: number, tally: Tally): Promise<void> {
    try {
      const { status, headers } = await this.#client.try(request, deadline, tally)
      const stored = headers['x-amz-checksum-crc32c']
      if (stored !== undefined && stored !== checksum)
        throw new S3Failure(status, 'ChecksumMismatch', `${stored} was stored, not ${checksum}`, { retry: 'no' })
      if (this.#encrypts && headers['x-amz-server-side-encryption'] !== 'aws:kms')
        throw new S3Failure(status, notEncrypted, 'the store ignored the KMS key', { retry: 'no' })
    } catch (error) {
      if (!isTaken(error)) throw error
      if (tally.sent > 1 && (await this.#holds(request, checksum, deadline))) return
      throw new ObjectExists(request.key)
    }
  }

  /** Whether the object under the key of a put is the one that this put sends. */
  async #holds({ key, body = [], bodyLength }: S3Request, checksum: string, deadline: number): Promise<boolean> {
    const found = await this.#client
      .call({ ...headOf(key), headers: { 'x-amz-checksum-mode': 'ENABLED' } }, deadline)
      .catch(error => {
        // The store said a moment ago that it is there.
        if (error instanceof S3Failure && error.status === 404) throw contradiction(key)
        throw error
      })
    if (lengthOf(found) !== bodyLength) return false
    const stored = found.headers['x-amz-checksum-crc32c']
    if (stored !== undefined) return stored === checksum
    const bytes = await this.#client.retrying(deadline, () => getOnce(this.#client, key, undefined, deadline))
    let at = 0
    return body.every(piece => bytes.subarray(at, (at += piece.length)).equals(piece))
  }

  async #sizeOf(key: string): Promise<number> {
    try {
      return lengthOf(await this.#client.call(headOf(key)))
    } catch (error) {
      if (!(error instanceof S3Failure) || error.status !== 404) throw error
    }
    // The answer to a HEAD cannot say whether the object or the bucket is missing; that to a GET does.
    const deadline = this.#client.deadline(0)
    await this.#client.retrying(deadline, () => getOnce(this.#client, key, { position: 0, length: 1 }, deadline))
    throw contradiction(key)
  }

  async #page(prefix: string, token: string | undefined): Promise<Page> {
    const query = queryString({
      'list-type': '2',
      'encoding-type': 'url',
      prefix,
      ...(token === undefined ? {} : { 'continuation-token': token }),
    })
    const answer = await this.#client.call({
      ...{ operation: 'list', method: 'GET', key: '', query, hedged: false, mostBytes: mostDocumentBytes },
    })
    return readPage(answer)
  }

  async #deleteSome(keys: readonly string[]): Promise<void> {
    if (!this.#deletesSingly) {
      try {
        return await this.#deleteBatch(keys)
      } catch (error) {
        if (!(error instanceof S3Failure) || !isUnknownRequest(error)) throw error
        this.#deletesSingly = true
      }
    }
    const queue = keys.values()
    const worker = async (): Promise<void> => {
      for (const key of queue) await this.#deleteOne(key)
    }
    await allOf(Array.from({ length: singleDeletesAtOnce }, worker))
  }

  async #deleteBatch(keys: readonly string[]): Promise<void> {
    const deadline = this.#client.deadline(0)
    let left = keys
    await this.#client.retrying(deadline, async () => {
      const failures = deleteFailures(await this.#client.try(deleteRequest(left), deadline))
      const [worst] = failures.toSorted((a, b) => Number(a.failure.retry !== 'no') - Number(b.failure.retry !== 'no'))
      if (worst === undefined) return
      left = failures.map(({ key }) => key)
      throw worst.failure
    })
  }

  async #deleteOne(key: string): Promise<void> {
    const request: S3Request = {
      ...{ operation: 'delete', method: 'DELETE', key, hedged: false, mostBytes: mostDocumentBytes },
    }
    await this.#client.call(request).catch(error => {
      if (!(error instanceof S3Failure) || error.code !== 'NoSuchKey') throw error
    })
  }

  /** Counts the work as under way and gives its failure the contract's classes. */
  async #run<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreError(`${what} failed (the store is closed)`)
    const running = work()
    this.#underWay.add(running)
    try {
      return await running
    } catch (error) {
      throw storeError(what, error)
    } finally {
      this.#underWay.delete(running)
    }
  }
}

const clientConfig = (options: S3Options): Omit<ClientConfig, 'origin'> => {
  const { clock, random, onRequest = () => {}, onWarning = () => {}, ca, lookup } = options
  const given = options.credentials ?? defaultCredentials()
  const provider = typeof given === 'function' ? given : fixedCredentials(given)
  return {
    credentials: new CredentialSource(provider, clock, onWarning),
    concurrency: options.concurrency ?? defaultConcurrency,
    patience: { ...defaultPatience, ...options.patience },
    ...{ clock, random, onRequest, onWarning, ca, lookup },
  }
}

/** Rejects with ObjectNotFound, RangeError or S3Failure. */
const getOnce = async (
  client: S3Client,
  key: string,
  range: ByteRange | undefined,
  deadline: number,
): Promise<Buffer> => {
  const headers: Record<string, string> =
    range === undefined
      ? { 'x-amz-checksum-mode': 'ENABLED' }
      : { range: `bytes=${range.position}-${range.position + range.length - 1}` }
  const request: S3Request = {
    ...{ operation: 'get', method: 'GET', key, headers, hedged: true, mostBytes: mostObjectBytes },
    expectedBytes: bytesIn(range),
  }
  const answer = await client.try(request, deadline).catch(error => {
    if (error instanceof S3Failure && error.code === 'NoSuchKey') throw new ObjectNotFound(key)
    if (range !== undefined && error instanceof S3Failure && error.status === 416) throw beyondEnd(key, range)
    throw error
  })
  return range === undefined ? wholeBody(answer) : rangeOf(key, range, answer)
}

const wholeBody = ({ status, headers, body }: Answer): Buffer => {
  const sent = headers['x-amz-checksum-crc32c']
  // A checksum of checksums of parts ends in their number, and is nothing that we write.
  if (typeof sent !== 'string' || sent.includes('-') || sent === base64Crc([body])) return body
  throw new S3Failure(status, 'ChecksumMismatch', `the bytes that came are not those of ${sent}`, { retry: 'yes' })
}

/** The bytes that were asked for; a store that knows no ranges sends all. */
const rangeOf = (key: string, range: ByteRange, { status, headers, body }: Answer): Buffer => {
  if (status !== 206) {
    assertRange(key, range, body.length)
    return Buffer.from(body.subarray(range.position, range.position + range.length))
  }
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
  if (Number(total) < range.position + range.length) throw beyondEnd(key, range)
  if (Number(first) === range.position && body.length === range.length) return body
  const got = `${headers['content-range'] ?? 'an unnamed range'} in ${body.length} bytes`
  throw new S3Failure(status, 'Truncated', `asked for ${range.position}+${range.length}, got ${got}`, { retry: 'yes' })
}

const beyondEnd = (key: string, { position, length }: ByteRange): RangeError =>
  new RangeError(`range ${position}+${length} goes beyond the end of object ${key}`)

const headOf = (key: string): S3Request => ({
  ...{ operation: 'head', method: 'HEAD', key, hedged: true, mostBytes: 0 },
})

const lengthOf = ({ status, headers }: Answer): number => {
  const length = Number(headers['content-length'])
  if (Number.isSafeInteger(length)) return length
  throw new S3Failure(status, 'NoLength', 'the answer does not say how long the object is', { retry: 'no' })
}

/** AWS wants one of the two checksums, older servers know only Content-MD5. */
const deleteRequest = (keys: readonly string[]): S3Request => {
  const body = Buffer.from(deleteDocument(keys))
  const headers = {
    'content-md5': hash('md5', body, 'base64'),
    'x-amz-checksum-crc32c': base64Crc([body]),
    'content-type': 'application/xml',
  }
  return {
    ...{ operation: 'delete', method: 'POST', key: '', query: 'delete=', headers, hedged: false },
    ...{ body: [body], bodyLength: body.length, mostBytes: mostDocumentBytes },
  }
}

const isUnknownRequest = ({ status, code }: S3Failure): boolean =>
  status === 501 || status === 405 || code === 'NotImplemented' || code === 'MethodNotAllowed'

const contradiction = (key: string): S3Failure =>
  new S3Failure(404, 'Contradiction', `the store says that ${key} is there and that it is not`, { retry: 'yes' })

/** As S3 wants it: base64 of the four bytes, highest first. */
const base64Crc = (pieces: readonly Uint8Array[]): string => {
  const crc = pieces.reduce((sum, piece) => crc32c(asBuffer(piece), sum), 0)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const bytesIn = (range: ByteRange | undefined): number => Math.min(range?.length ?? 0, mostObjectBytes)

/** Waits for all of them, also when one fails, so that nothing is still under way afterwards. */
const allOf = async (work: readonly Promise<void>[]): Promise<void> => {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

const storeError = (what: string, error: unknown): Error => {
  if (error instanceof StoreError || error instanceof ObjectNotFound || error instanceof ObjectExists) return error
  if (error instanceof RangeError) return error
  const why = error instanceof Error ? error.message : String(error)
  return error instanceof S3Failure && isFull(error)
    ? new StoreFull(`${what}: the store is full (${why})`, { cause: error })
    : new StoreError(`${what} failed (${why})`, { cause: error })
}
