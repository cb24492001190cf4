// What went wrong with one request, and what may be done about it. Error codes: "Error responses", S3 API reference.

import type { IncomingHttpHeaders } from 'node:http'
import type { Answer } from './exchange.ts'
import { childText, parseXml } from './xml.ts'

/**
 * What the sender may do next:
 * - `no`: the answer is final
 * - `yes`: try again
 * - `slow-down`: try again, with fewer requests at a time
 * - `new-credentials`: try again with fresh credentials
 * - `new-time`: try again, signed with the store's time
 */
export type Retry = 'no' | 'yes' | 'slow-down' | 'new-credentials' | 'new-time'

export class S3Failure extends Error {
  override name = 'S3Failure'
  /** HTTP status; 0 when no whole answer came. */
  readonly status: number
  /** S3's error code, or that of the connection (`ECONNRESET`); empty when the answer named none. */
  readonly code: string
  readonly retry: Retry
  readonly headers: IncomingHttpHeaders
  /** Where the bucket is, when the store says so. */
  readonly region: string | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    more: { retry: Retry; headers?: IncomingHttpHeaders; region?: string | undefined; cause?: unknown },
  ) {
    const what = [status === 0 ? '' : String(status), code].filter(part => part !== '').join(' ')
    super([what, message].filter(part => part !== '').join(': '), { cause: more.cause })
    this.status = status
    this.code = code
    this.retry = more.retry
    this.headers = more.headers ?? {}
    this.region = more.region
  }

  /** The store's clock, ms since 1970, as its answer had it. */
  get serverTime(): number | undefined {
    const time = Date.parse(this.headers.date ?? '')
    return Number.isNaN(time) ? undefined : time
  }
}

/** Code of a put that was to be encrypted with a KMS key, and was stored as it is. */
export const notEncrypted = 'NotEncrypted'

const retriedCodes: Readonly<Record<string, Retry>> = {
  SlowDown: 'slow-down',
  ServiceUnavailable: 'slow-down',
  TooManyRequests: 'slow-down',
  RequestLimitExceeded: 'slow-down',
  Throttling: 'slow-down',
  ThrottlingException: 'slow-down',
  InternalError: 'yes',
  InternalServerError: 'yes',
  RequestTimeout: 'yes',
  RequestTimeoutException: 'yes',
  // Another conditional write of the key is under way ("Conditional writes": 409, try again).
  ConditionalRequestConflict: 'yes',
  OperationAborted: 'yes',
  // versitygw's word for a put whose folder another key's delete took away as the last one in it. No key of ours is a folder.
  ExistingObjectIsDirectory: 'yes',
  // The body was changed on its way, or arrived in part.
  BadDigest: 'yes',
  InvalidDigest: 'yes',
  IncompleteBody: 'yes',
  XAmzContentChecksumMismatch: 'yes',
  ExpiredToken: 'new-credentials',
  ExpiredTokenException: 'new-credentials',
  TokenRefreshRequired: 'new-credentials',
  RequestTimeTooSkewed: 'new-time',
  RequestExpired: 'new-time',
}

const retriedStatuses: Readonly<Record<number, Retry>> = {
  408: 'yes',
  429: 'slow-down',
  500: 'yes',
  502: 'yes',
  503: 'slow-down',
  504: 'yes',
}

const fullCodes = new Set([
  'QuotaExceeded',
  'InsufficientStorage',
  'InsufficientCapacity',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
])

/** The store took no object because it has no room. */
export const isFull = (failure: S3Failure): boolean => failure.status === 507 || fullCodes.has(failure.code)

/** The failure that an answer with a status of 300 or more stands for. */
export const failureOf = (answer: Answer): S3Failure => {
  const { status, headers } = answer
  const { code, message, region } = errorDocument(answer.body)
  const named = headers['x-amz-bucket-region']
  const full = status === 507 || fullCodes.has(code)
  return new S3Failure(status, code, message, {
    retry: full ? 'no' : (retriedCodes[code] ?? retriedStatuses[status] ?? 'no'),
    headers,
    region: region ?? (typeof named === 'string' ? named : undefined),
  })
}

/** The failure of a request that got no whole answer. */
export const brokenOff = (error: unknown): S3Failure => {
  if (error instanceof S3Failure) return error
  const code = property(error, 'code')
  const message = property(error, 'message') || String(error)
  return new S3Failure(0, code, message, { retry: 'yes', cause: error })
}

/** A text of an error, whatever kind of object it is. */
const property = (error: unknown, name: 'code' | 'message'): string => {
  if (typeof error !== 'object' || error === null) return ''
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : ''
}

interface ErrorDocument {
  readonly code: string
  readonly message: string
  readonly region?: string | undefined
}

/** Answers to HEAD have no body, and what stands between us and the store sends pages of its own. */
const errorDocument = (body: Buffer): ErrorDocument => {
  if (body.length === 0) return { code: '', message: '' }
  try {
    const error = parseXml(body.toString('utf8'))
    if (error.name !== 'Error') return { code: '', message: `unexpected <${error.name}>` }
    return {
      code: childText(error, 'Code')?.trim() ?? '',
      message: childText(error, 'Message')?.trim() ?? '',
      region: childText(error, 'Region')?.trim() || undefined,
    }
  } catch {
    return { code: '', message: 'the answer is no S3 error document' }
  }
}
