// Looks at a bucket, and makes it as a spec asks: created when it is missing, policy, lifecycle and public access as far as
// the spec gives them to the operator. What stands in the way is an answer, not an error.

import { NoCredentials } from '../../broker/objects/s3/credentials.ts'
import { S3Failure } from '../../broker/objects/s3/failure.ts'
import { type Difference, type Merged, mergeLifecycle, mergePolicy, mergePublicAccess } from './merge.ts'
import type { Bucket } from './s3.ts'
import { type BucketWish, type Care, ownRuleIds, ownSids, wantedRules, wantedStatements } from './wanted.ts'

export type BucketState =
  | 'BucketReady'
  | 'BucketNotChecked'
  | 'BucketMissing'
  | 'BucketForbidden'
  | 'BucketWrongRegion'
  | 'BucketUnreachable'
  | 'BucketUnsupported'
  | 'BucketDiffers'

export interface BucketReport {
  readonly state: BucketState
  readonly message?: string
  /** It was made by this look. */
  readonly created: boolean
  /** What this look changed. */
  readonly changed: readonly string[]
  readonly differences: readonly Difference[]
}

export async function lookAtBucket(bucket: Bucket, wish: BucketWish): Promise<BucketReport> {
  let created = false
  try {
    created = await ensure(bucket, wish)
    return { ...(await settle(bucket, wish)), created }
  } catch (error) {
    return { ...NOTHING, ...troubleOf(error, wish), created }
  }
}

const NOTHING = { created: false, changed: [], differences: [] }

/** Whether it was created now. Rejects with Missing when it is not there and is not to be created. */
async function ensure(bucket: Bucket, { provision, region, endpoint }: BucketWish): Promise<boolean> {
  try {
    await bucket.call('HEAD')
    return false
  } catch (error) {
    if (!(error instanceof S3Failure) || error.status !== 404) throw error
    if (!provision.create) throw new Missing()
  }
  // us-east-1 has no name there ("CreateBucket", S3 API reference), and other services may know no regions.
  const isNamed = region !== undefined && region !== 'us-east-1' && endpoint === undefined
  const body = Buffer.from(
    `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`,
  )
  try {
    await bucket.call('PUT', isNamed ? { body } : {})
    return true
  } catch (error) {
    // Somebody else of ours was quicker.
    if (error instanceof S3Failure && error.code === 'BucketAlreadyOwnedByYou') return false
    throw error
  }
}

class Missing extends Error {
  override readonly name = 'Missing'
}

/** One of the settings of a bucket: a document behind a query. */
interface Setting {
  readonly name: string
  readonly field: string
  readonly mode: Care
  readonly query: Readonly<Record<string, string>>
  readonly type: string
  readonly merge: (found: string | undefined) => Merged
}

function settingsOf(wish: BucketWish): readonly Setting[] {
  const { policy, lifecycle, publicAccessBlock } = wish.provision
  return [
    {
      name: 'the policy',
      field: 's3.provision.policy.mode',
      mode: policy.mode,
      query: { policy: '' },
      type: 'application/json',
      merge: found => mergePolicy(found, wantedStatements(wish), ownSids(wish.prefix)),
    },
    {
      name: 'the lifecycle',
      field: 's3.provision.lifecycle.mode',
      mode: lifecycle.mode,
      query: { lifecycle: '' },
      type: 'application/xml',
      merge: found => mergeLifecycle(found, wantedRules(wish), ownRuleIds(wish.prefix)),
    },
    {
      name: 'the block of public access',
      field: 's3.provision.publicAccessBlock.mode',
      mode: publicAccessBlock.mode,
      query: { publicAccessBlock: '' },
      type: 'application/xml',
      merge: mergePublicAccess,
    },
  ]
}

async function settle(bucket: Bucket, wish: BucketWish): Promise<BucketReport> {
  const differences: Difference[] = []
  const changed: string[] = []
  const unsupported: Setting[] = []
  for (const setting of settingsOf(wish)) {
    if (setting.mode === 'Ignore') continue
    try {
      const seen = setting.merge(await read(bucket, setting))
      if (seen.differences.length === 0) continue
      if (setting.mode === 'Preview') {
        differences.push(...seen.differences)
        continue
      }
      await write(bucket, setting, seen.document)
      changed.push(setting.name)
      // What the server made of it counts.
      differences.push(...setting.merge(await read(bucket, setting)).differences)
    } catch (error) {
      if (!isUnsupported(error)) throw error
      unsupported.push(setting)
    }
  }
  const [first] = unsupported
  if (first !== undefined) {
    const message = `The S3 service does not know ${first.name} of a bucket: set ${first.field} to Ignore.`
    return { state: 'BucketUnsupported', message, created: false, changed, differences }
  }
  if (differences.length === 0) return { state: 'BucketReady', created: false, changed, differences }
  const names = differences.map(({ path }) => path).join(', ')
  return {
    state: 'BucketDiffers',
    message: `These differ from the spec: ${names}.`,
    created: false,
    changed,
    differences,
  }
}

/** Undefined when there is none. */
async function read(bucket: Bucket, { query }: Setting): Promise<string | undefined> {
  try {
    const text = (await bucket.call('GET', { query })).body.toString('utf8')
    return text.trim() === '' ? undefined : text
  } catch (error) {
    if (error instanceof S3Failure && error.status === 404 && error.code !== 'NoSuchBucket') return undefined
    throw error
  }
}

async function write(bucket: Bucket, { query, type }: Setting, document: string | undefined): Promise<void> {
  if (document === undefined) await bucket.call('DELETE', { query })
  else await bucket.putDocument(query, document, type)
}

const UNSUPPORTED_CODES = new Set(['NotImplemented', 'MethodNotAllowed', 'XNotImplemented'])
const isUnsupported = (error: unknown): boolean =>
  error instanceof S3Failure && (error.status === 501 || error.status === 405 || UNSUPPORTED_CODES.has(error.code))

const REGION_CODES = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'TemporaryRedirect',
])

function troubleOf(error: unknown, { bucket, region }: BucketWish): Pick<BucketReport, 'state' | 'message'> {
  if (error instanceof Missing)
    return {
      state: 'BucketMissing',
      message: `There is no bucket ${bucket}: create it, or set s3.provision.create to true.`,
    }
  if (error instanceof NoCredentials)
    return { state: 'BucketNotChecked', message: `The operator has no credentials for the bucket: ${error.message}.` }
  if (!(error instanceof S3Failure)) throw error
  const isElsewhere = error.region !== undefined && region !== undefined && error.region !== region
  if (isElsewhere || error.status === 301 || error.status === 307 || REGION_CODES.has(error.code)) {
    const where = error.region === undefined ? 'another region' : `region ${error.region}`
    return { state: 'BucketWrongRegion', message: `Bucket ${bucket} is in ${where}, not in ${region}: set s3.region.` }
  }
  if (error.status === 404) return { state: 'BucketMissing', message: `There is no bucket ${bucket}.` }
  if (error.status === 401 || error.status === 403 || error.status === 409)
    return {
      state: 'BucketForbidden',
      message: `Bucket ${bucket}: ${error.message === '' ? 'forbidden' : error.message}. Check the credentials and what they may do.`,
    }
  return { state: 'BucketUnreachable', message: `Bucket ${bucket}: ${error.message}.` }
}
