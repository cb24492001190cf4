// What an S3 store is told, its defaults, and where that points to.

import type { LookupFunction } from 'node:net'
import type { Clock } from '../../clock.ts'
import type { Origin, Patience, RequestReport } from './client.ts'
import type { CredentialProvider } from './credentials.ts'
import type { Credentials } from './sigv4.ts'
import { S3StartProblem } from './start-problem.ts'

export interface S3Options {
  readonly bucket: string
  readonly region: string
  /** URL of the server; undefined: AWS in that region. */
  readonly endpoint?: string | undefined
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`; default: with an endpoint. */
  readonly pathStyle?: boolean | undefined
  /** Fixed ones, or what gives current ones; undefined: the AWS SDK's default chain. */
  readonly credentials?: Credentials | CredentialProvider | undefined
  /** Objects are encrypted with this KMS key (SSE-KMS); undefined: as the bucket does it. */
  readonly kmsKeyId?: string | undefined
  /** Where gets go first, for a replica near by; what is not there or fails is asked from the primary. */
  readonly readEndpoint?: string | undefined
  readonly readBucket?: string | undefined
  readonly readRegion?: string | undefined
  /** The cluster's key prefix, without a slash at the end; the start check writes below `<prefix>/probe/`. */
  readonly prefix: string
  /** Most requests under way per origin; default 64. */
  readonly concurrency?: number | undefined
  readonly clock: Clock
  /** 0 to below 1; spreads retries. */
  readonly random: () => number
  /** How long the start check may take, milliseconds; default 10 s. */
  readonly startTimeoutMs?: number | undefined
  readonly patience?: Partial<Patience> | undefined
  /** PEM; undefined: the authorities that Node trusts. */
  readonly ca?: string | undefined
  /** Name resolution; undefined: the system's. */
  readonly lookup?: LookupFunction | undefined
  /** Called for each HTTP request that was sent. */
  readonly onRequest?: ((report: RequestReport) => void) | undefined
  /** One line that an operator should read. */
  readonly onWarning?: ((line: string) => void) | undefined
}

export const defaultConcurrency = 64
export const defaultStartTimeoutMs = 10_000

/** A client gives a produce request 30 s by default: an answer, even a bad one, should come before. */
export const defaultPatience: Patience = {
  requestTimeoutMs: 5_000,
  totalTimeoutMs: 20_000,
  slowestBytesPerMs: 1024,
  backoff: { baseMs: 50, capMs: 2_000 },
  hedgeFloorMs: 50,
}

const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const regionName = /^[a-z0-9-]{1,64}$/

/** Where objects are written. Throws S3StartProblem. */
export const primaryOrigin = (options: S3Options): Origin =>
  originOf(options.bucket, options.region, options.endpoint, options.pathStyle, '')

/** Where they are read first; undefined without any of the read options. Throws S3StartProblem. */
export const readOrigin = (options: S3Options): Origin | undefined => {
  const { readBucket, readRegion, readEndpoint } = options
  if (readBucket === undefined && readRegion === undefined && readEndpoint === undefined) return undefined
  const endpoint = readEndpoint ?? (readRegion === undefined ? options.endpoint : undefined)
  return originOf(readBucket ?? options.bucket, readRegion ?? options.region, endpoint, options.pathStyle, 'READ_')
}

const originOf = (
  bucket: string,
  region: string,
  endpoint: string | undefined,
  pathStyle: boolean | undefined,
  setting: string,
): Origin => {
  const name = (end: string): string => `KAFSCALE_S3_${setting}${end}`
  if (!bucketName.test(bucket))
    throw new S3StartProblem(
      `${name('BUCKET')}=${JSON.stringify(bucket)} is no bucket name: set it to an existing bucket`,
    )
  if (!regionName.test(region))
    throw new S3StartProblem(
      `${name('REGION')}=${JSON.stringify(region)} is no region: set it, for example to us-east-1`,
    )
  const base = endpointUrl(endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`)
  if (base === undefined)
    throw new S3StartProblem(`${name('ENDPOINT')}=${JSON.stringify(endpoint)} is no http or https URL of a server`)
  const before = base.pathname.replace(/\/+$/, '')
  // A certificate for *.s3.amazonaws.com does not cover a bucket name with dots.
  if (pathStyle ?? (endpoint !== undefined || bucket.includes('.')))
    return { origin: base.origin, host: base.host, path: `${before}/${bucket}/`, region }
  const host = `${bucket}.${base.host}`
  return { origin: `${base.protocol}//${host}`, host, path: `${before}/`, region }
}

const endpointUrl = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
  return plain && url.username === '' && url.password === '' ? url : undefined
}
