// An S3 server in this process, small and honest: signatures, the time, conditional writes, checksums, ranges and lists are
// checked and done as S3 documents them. A test can take features away or answer single requests itself.

import { hash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Signer } from '../../broker/objects/s3/sigv4.ts'
import { childrenOf, childText, escapeXml, parseXml } from '../../broker/objects/s3/xml.ts'
import { crc32c } from '../../broker/wire/crc32c.ts'

export interface FakeRequest {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface FakeAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface FakeS3Features {
  /** Honours If-None-Match. */
  conditional: boolean
  /** Knows DeleteObjects. */
  deletesMany: boolean
  /** Keeps and gives back checksums. */
  checksums: boolean
  /** Keys of a page of a list. */
  pageSize: number
  /** Deletes leave markers, as in a bucket with versions. */
  versions: boolean
  /** Says that it encrypts with the KMS key of a put. */
  encrypts: boolean
}

interface Stored {
  readonly body: Buffer
  readonly checksum: string | undefined
}

const maxSkewMs = 15 * 60_000

export class FakeS3 {
  readonly bucket = 'bucket'
  readonly region: string
  readonly accessKey = 'AKIDEXAMPLE'
  readonly secretKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
  readonly objects = new Map<string, Stored>()
  /** All requests, in the order of their coming. */
  readonly requests: FakeRequest[] = []
  readonly features: FakeS3Features = {
    conditional: true,
    deletesMany: true,
    checksums: true,
    pageSize: 1000,
    versions: false,
    encrypts: true,
  }
  /** The server's wall clock, ms since 1970. */
  now: () => number = Date.now
  /** Session token that requests must carry; undefined: none is asked for. */
  sessionToken: string | undefined
  /** Answers instead of the server when it gives an answer. */
  answer: (request: FakeRequest) => FakeAnswer | undefined | Promise<FakeAnswer | undefined> = () => undefined
  #server = createServer((incoming, outgoing) => {
    this.#serve(incoming, outgoing).catch(error => outgoing.destroy(error instanceof Error ? error : undefined))
  })

  constructor(region = 'us-east-1') {
    this.region = region
  }

  static async start(region?: string): Promise<FakeS3> {
    const fake = new FakeS3(region)
    await new Promise<void>(resolve => fake.#server.listen(0, '127.0.0.1', resolve))
    return fake
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server is not listening')
    return address.port
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  /** How many requests with that method were made for keys that match. */
  count(method: string, key: RegExp = /./): number {
    return this.requests.filter(request => request.method === method && key.test(request.key)).length
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const request = this.#parsed(incoming, Buffer.concat(chunks))
    this.requests.push(request)
    const answer = (await this.answer(request)) ?? this.#refusal(request, incoming) ?? this.#done(request)
    const body = request.method === 'HEAD' ? '' : (answer.body ?? '')
    const length = { 'content-length': String(Buffer.byteLength(answer.body ?? '')) }
    const date = { date: new Date(this.now()).toUTCString() }
    if (outgoing.destroyed) return
    outgoing.writeHead(answer.status, { ...date, ...length, ...answer.headers })
    outgoing.end(body)
  }

  #parsed(incoming: IncomingMessage, body: Buffer): FakeRequest {
    const { method = '', url = '', headers } = incoming
    const { pathname, searchParams } = new URL(url, this.endpoint)
    const [first = ''] = (headers.host ?? '').split('.')
    const virtual = first === this.bucket
    const path = decodeURIComponent(pathname).slice(1)
    const cut = path.indexOf('/')
    const bucket = virtual ? first : cut < 0 ? path : path.slice(0, cut)
    const key = virtual ? path : cut < 0 ? '' : path.slice(cut + 1)
    return { method, bucket, key, query: searchParams, headers, body }
  }

  #refusal({ bucket, headers, body }: FakeRequest, incoming: IncomingMessage): FakeAnswer | undefined {
    const text = headers.authorization ?? ''
    const [, access, day, region, signed, signature] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, SignedHeaders=(\S+), Signature=(\w+)$/.exec(
        text,
      ) ?? []
    if (access === undefined || region === undefined || signed === undefined) return refuse(403, 'AccessDenied')
    if (access !== this.accessKey) return refuse(403, 'InvalidAccessKeyId')
    if (region !== this.region) return refuse(400, 'AuthorizationHeaderMalformed', `<Region>${this.region}</Region>`)
    const time = amzTime(String(headers['x-amz-date']))
    if (Math.abs(time - this.now()) > maxSkewMs) return refuse(403, 'RequestTimeTooSkewed')
    if (this.#signature(incoming, signed, time) !== signature || !text.includes(String(day)))
      return refuse(403, 'SignatureDoesNotMatch')
    if (headers['x-amz-security-token'] !== this.sessionToken) return refuse(400, 'ExpiredToken')
    if (bucket !== this.bucket) return refuse(404, 'NoSuchBucket')
    const sum = headers['x-amz-checksum-crc32c']
    if (sum !== undefined && sum !== checksumOf(body)) return refuse(400, 'BadDigest')
    const md5 = headers['content-md5']
    return md5 !== undefined && md5 !== hash('md5', body, 'base64') ? refuse(400, 'BadDigest') : undefined
  }

  #signature({ method = '', url = '', headers }: IncomingMessage, signed: string, time: number): string | undefined {
    const left = signed.split(';').filter(name => name !== 'x-amz-date' && name !== 'x-amz-security-token')
    const [path = '', query = ''] = url.split('?')
    const token = headers['x-amz-security-token']
    const made = new Signer(this.region).sign(
      {
        ...{ method, path, query },
        headers: Object.fromEntries(left.map(name => [name, String(headers[name])])),
        payloadHash: String(headers['x-amz-content-sha256']),
      },
      {
        accessKeyId: this.accessKey,
        secretAccessKey: this.secretKey,
        sessionToken: token === undefined ? undefined : String(token),
      },
      time,
    )
    return /Signature=(\w+)$/.exec(made.authorization ?? '')?.[1]
  }

  #done(request: FakeRequest): FakeAnswer {
    const { method, key, query } = request
    if (key === '' && method === 'GET' && query.get('list-type') === '2') return this.#list(query)
    if (key === '' && method === 'POST' && query.has('delete')) return this.#deleteMany(request)
    if (method === 'PUT') return this.#put(request)
    if (method === 'GET' || method === 'HEAD') return this.#get(request)
    if (method === 'DELETE') {
      this.objects.delete(key)
      return { status: 204, ...(this.features.versions ? { headers: { 'x-amz-delete-marker': 'true' } } : {}) }
    }
    return refuse(405, 'MethodNotAllowed')
  }

  #put({ key, headers, body }: FakeRequest): FakeAnswer {
    if (headers['content-length'] === undefined) return refuse(411, 'MissingContentLength')
    if (this.features.conditional && headers['if-none-match'] === '*' && this.objects.has(key))
      return refuse(412, 'PreconditionFailed')
    const checksum = this.features.checksums ? checksumOf(body) : undefined
    this.objects.set(key, { body, checksum })
    const encryption = this.features.encrypts ? headers['x-amz-server-side-encryption'] : undefined
    return {
      status: 200,
      headers: {
        ...(checksum === undefined ? {} : { 'x-amz-checksum-crc32c': checksum }),
        ...(typeof encryption === 'string' ? { 'x-amz-server-side-encryption': encryption } : {}),
      },
    }
  }

  #get({ key, headers }: FakeRequest): FakeAnswer {
    const found = this.objects.get(key)
    if (found === undefined) return refuse(404, 'NoSuchKey')
    const { body, checksum } = found
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    if (first === undefined) {
      const wanted = headers['x-amz-checksum-mode'] === 'ENABLED' && checksum !== undefined
      return { status: 200, body, ...(wanted ? { headers: { 'x-amz-checksum-crc32c': checksum } } : {}) }
    }
    if (Number(first) >= body.length) return refuse(416, 'InvalidRange')
    const end = Math.min(Number(last), body.length - 1)
    const range = { 'content-range': `bytes ${first}-${end}/${body.length}` }
    return { status: 206, headers: range, body: body.subarray(Number(first), end + 1) }
  }

  #list(query: URLSearchParams): FakeAnswer {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? ''
    const size = Math.min(Number(query.get('max-keys') ?? 1000), this.features.pageSize)
    const keys = [...this.objects.keys()].filter(key => key.startsWith(prefix) && key > after).sort()
    const page = keys.slice(0, size)
    const entries = page.map(key => {
      const bytes = this.objects.get(key)?.body.length ?? 0
      return `<Contents><Key>${escapeXml(encodeURIComponent(key).replaceAll('%20', '+'))}</Key><Size>${bytes}</Size></Contents>`
    })
    const more = keys.length > page.length
    const next = more ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? '')}</NextContinuationToken>` : ''
    const head = `<EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>`
    return xml(200, `<ListBucketResult>${head}${next}${entries.join('')}</ListBucketResult>`)
  }

  #deleteMany({ headers, body }: FakeRequest): FakeAnswer {
    if (!this.features.deletesMany) return refuse(501, 'NotImplemented')
    if (headers['content-md5'] === undefined && headers['x-amz-checksum-crc32c'] === undefined)
      return refuse(400, 'InvalidRequest')
    const keys = childrenOf(parseXml(body.toString()), 'Object').map(object => childText(object, 'Key') ?? '')
    if (keys.length > 1000) return refuse(400, 'MalformedXML')
    for (const key of keys) this.objects.delete(key)
    return xml(200, '<DeleteResult/>')
  }
}

/** An error document, with more elements in it if given. */
export const refuse = (status: number, code: string, more = ''): FakeAnswer =>
  xml(status, `<Error><Code>${code}</Code><Message>said the fake</Message>${more}</Error>`)

export const xml = (status: number, text: string): FakeAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${text}`,
})

const checksumOf = (body: Buffer): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32c(body))
  return bytes.toString('base64')
}

const amzTime = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
