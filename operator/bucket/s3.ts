// A bucket as the operator and its agents use it: the bucket's own settings, and objects whose content matters as a whole.
// Requests go through the client of the brokers' store, which signs them and tries them again.

import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../../broker/clock.ts'
import { type Operation, S3Client } from '../../broker/objects/s3/client.ts'
import { CredentialSource, defaultCredentials, fixedCredentials } from '../../broker/objects/s3/credentials.ts'
import type { Answer } from '../../broker/objects/s3/exchange.ts'
import { S3Failure } from '../../broker/objects/s3/failure.ts'
import { defaultPatience, primaryOrigin } from '../../broker/objects/s3/options.ts'
import { type Credentials, queryString } from '../../broker/objects/s3/sigv4.ts'
import { childrenOf, childText, escapeXml, parseXml } from '../../broker/objects/s3/xml.ts'

export interface BucketPlace {
  readonly bucket: string
  readonly region: string | undefined
  /** URL of the S3 service; undefined: AWS in the region. */
  readonly endpoint: string | undefined
  readonly pathStyle: boolean | undefined
  /** Undefined: those that the process finds in its environment, as an identity of its account. */
  readonly credentials: Credentials | undefined
  /** Objects are encrypted with this KMS key. */
  readonly kmsKeyArn?: string | undefined
}

export interface BucketTools {
  readonly clock: Clock
  readonly random: () => number
  /** Milliseconds for a call with all its tries; more for a body. */
  readonly limitMs?: number
}

export interface ListedObject {
  readonly key: string
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

interface Ask {
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
  readonly mostBytes?: number
}

/** What S3 services that are not AWS take requests to be signed for. */
const REGION_OF_ENDPOINTS = 'us-east-1'
/** Of a body in one request; larger files go up in parts of this size. */
const PART_BYTES = 16 * 1024 * 1024
const DOCUMENT_BYTES = 16 * 1024 * 1024
const DELETED_AT_ONCE = 1000

export class Bucket {
  readonly place: BucketPlace
  readonly #client: S3Client

  /** Throws S3StartProblem for a place that cannot be. */
  constructor(place: BucketPlace, { clock, random, limitMs = 30_000 }: BucketTools) {
    this.place = place
    const region = place.region ?? REGION_OF_ENDPOINTS
    const provider = place.credentials === undefined ? defaultCredentials() : fixedCredentials(place.credentials)
    this.#client = new S3Client({
      origin: primaryOrigin({ ...place, region, prefix: '', clock, random }),
      credentials: new CredentialSource(provider, clock, () => {}),
      concurrency: 4,
      patience: { ...defaultPatience, requestTimeoutMs: Math.min(10_000, limitMs), totalTimeoutMs: limitMs },
      clock,
      random,
      onRequest: () => {},
      onWarning: () => {},
    })
    this.#client.followServerTime()
  }

  /** Rejects with NoCredentials when there are none. */
  demandCredentials(): Promise<void> {
    return this.#client.demandCredentials()
  }

  /** Rejects with S3Failure. */
  call(method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE', ask: Ask = {}): Promise<Answer> {
    const { key = '', query, headers = {}, body, mostBytes = DOCUMENT_BYTES } = ask
    return this.#client.call({
      operation: OPERATIONS[method],
      method,
      key,
      headers,
      mostBytes,
      hedged: false,
      ...(query === undefined ? {} : { query: queryString({ ...query }) }),
      ...(body === undefined ? {} : { body: [body], bodyLength: body.length }),
    })
  }

  /** A document about the bucket, with the checksum that S3 wants for some of them. */
  async putDocument(query: Readonly<Record<string, string>>, text: string, type: string): Promise<void> {
    const body = Buffer.from(text)
    const headers = { 'content-type': type, 'content-md5': createHash('md5').update(body).digest('base64') }
    await this.call('PUT', { query, headers, body })
  }

  /** Replaces what is there. */
  async put(key: string, body: Uint8Array): Promise<void> {
    await this.call('PUT', { key, headers: this.#encryption(), body })
  }

  /** Undefined when there is none. */
  async get(key: string): Promise<Buffer | undefined> {
    try {
      return (await this.call('GET', { key })).body
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Stores a file, in parts when it is large: the object is there as a whole or not at all. */
  async putFile(key: string, path: string): Promise<void> {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size <= PART_BYTES) await this.put(key, await read(file, 0, size))
      else await this.#putParts(key, file, size)
    } finally {
      await file.close()
    }
  }

  /** Bytes of an object, piece by piece. */
  async *pieces(key: string): AsyncGenerator<Buffer> {
    const { headers } = await this.call('HEAD', { key })
    const size = Number(headers['content-length'])
    for (let position = 0; position < size; position += PART_BYTES) {
      const last = Math.min(size, position + PART_BYTES) - 1
      const range = { range: `bytes=${position}-${last}` }
      yield (await this.call('GET', { key, headers: range, mostBytes: PART_BYTES + 1 })).body
    }
  }

  /** In key order. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let token: string | undefined
    do {
      const query = {
        'list-type': '2',
        'encoding-type': 'url',
        prefix,
        ...(token === undefined ? {} : { 'continuation-token': token }),
      }
      const page = parseXml((await this.call('GET', { query })).body.toString('utf8'))
      const isEncoded = childText(page, 'EncodingType') === 'url'
      for (const entry of childrenOf(page, 'Contents')) {
        const key = childText(entry, 'Key') ?? ''
        yield {
          key: isEncoded ? decodeURIComponent(key.replaceAll('+', ' ')) : key,
          size: Number(childText(entry, 'Size')),
          modified: Date.parse(childText(entry, 'LastModified') ?? ''),
        }
      }
      token = childText(page, 'IsTruncated') === 'true' ? childText(page, 'NextContinuationToken') : undefined
    } while (token !== undefined)
  }

  /** Deleting what is not there is no error. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += DELETED_AT_ONCE) {
      const some = keys.slice(start, start + DELETED_AT_ONCE)
      const objects = some.map(key => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('')
      const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`)
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
      const answer = await this.call('POST', { query: { delete: '' }, headers, body })
      const [refused] = childrenOf(parseXml(answer.body.toString('utf8')), 'Error')
      if (refused !== undefined)
        throw new S3Failure(200, childText(refused, 'Code') ?? '', `${childText(refused, 'Key')}`, { retry: 'no' })
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #putParts(key: string, file: FileHandle, size: number): Promise<void> {
    const begun = await this.call('POST', { key, query: { uploads: '' }, headers: this.#encryption() })
    const uploadId = childText(parseXml(begun.body.toString('utf8')), 'UploadId') ?? ''
    try {
      const tags: string[] = []
      for (let position = 0; position < size; position += PART_BYTES) {
        const body = await read(file, position, Math.min(PART_BYTES, size - position))
        const query = { partNumber: String(tags.length + 1), uploadId }
        const { headers } = await this.call('PUT', { key, query, body })
        tags.push(String(headers.etag))
      }
      const parts = tags.map(
        (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
      )
      const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
      const { body: answer } = await this.call('POST', { key, query: { uploadId }, body })
      // S3 answers 200 before it knows whether it can ("CompleteMultipartUpload", S3 API reference).
      if (parseXml(answer.toString('utf8')).name === 'Error') throw new Error(`the upload of ${key} was not completed`)
    } catch (error) {
      await this.call('DELETE', { key, query: { uploadId } }).catch(() => {})
      throw error
    }
  }

  #encryption(): Record<string, string> {
    const { kmsKeyArn } = this.place
    if (kmsKeyArn === undefined) return {}
    return { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyArn }
  }
}

const OPERATIONS: Readonly<Record<'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE', Operation>> = {
  GET: 'get',
  HEAD: 'head',
  PUT: 'put',
  POST: 'put',
  DELETE: 'delete',
}

export const isMissing = (error: unknown): boolean => error instanceof S3Failure && error.status === 404

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  if (bytesRead !== length) throw new Error('the file became shorter while it was read')
  return buffer
}

/** What a Secret or an environment gives; undefined when it is not a whole pair. */
export function credentialsFrom(values: Readonly<Record<string, string | undefined>>): Credentials | undefined {
  for (const [id, secret, token] of [
    ['KAFSCALE_S3_ACCESS_KEY', 'KAFSCALE_S3_SECRET_KEY', 'KAFSCALE_S3_SESSION_TOKEN'],
    ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  ] as const) {
    const [accessKeyId, secretAccessKey, sessionToken] = [values[id], values[secret], values[token]]
    if (accessKeyId !== undefined && secretAccessKey !== undefined)
      return { accessKeyId, secretAccessKey, sessionToken }
  }
  return undefined
}
