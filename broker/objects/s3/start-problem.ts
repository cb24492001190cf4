// The one line that says why a broker does not start with its S3 settings, and what to change.

import { NoCredentials } from './credentials.ts'
import { notEncrypted, S3Failure } from './failure.ts'

export class S3StartProblem extends Error {
  override name = 'S3StartProblem'

  constructor(line: string, options?: { cause: unknown }) {
    super(line.replace(/\s+/g, ' ').trim(), options)
  }
}

/** What the start check was doing: decides which permission is missing. */
export type Step = 'list' | 'put' | 'get' | 'delete'

export interface Place {
  readonly bucket: string
  readonly region: string
  /** Scheme, host and port. */
  readonly origin: string
  /** Whether an endpoint was set. */
  readonly endpointSet: boolean
  readonly kmsKeyId: string | undefined
  /** Wall time here, ms since 1970. */
  readonly now: number
}

/** The line for whatever a step of the start check met. */
export const startProblem = (step: Step, error: unknown, place: Place): S3StartProblem => {
  if (error instanceof S3StartProblem) return error
  return new S3StartProblem(lineFor(step, error, place), { cause: error })
}

const lineFor = (step: Step, error: unknown, place: Place): string => {
  if (error instanceof NoCredentials)
    return `no S3 credentials were found (${error.message}): set KAFSCALE_S3_ACCESS_KEY and KAFSCALE_S3_SECRET_KEY, or give the process a role`
  if (!(error instanceof S3Failure)) return `the S3 bucket ${place.bucket} could not be checked (${messageOf(error)})`
  return error.status === 0 ? unreachable(error, place) : refused(step, error, place)
}

const unreachable = (failure: S3Failure, { origin, endpointSet }: Place): string => {
  const setting = endpointSet ? 'KAFSCALE_S3_ENDPOINT' : 'KAFSCALE_S3_REGION'
  const { code, message } = failure
  const { hostname } = new URL(origin)
  if (/^(ENOTFOUND|EAI_)/.test(code)) return `the S3 host ${hostname} cannot be resolved (${code}): correct ${setting}`
  if (isTls(code, message))
    return `the TLS connection to the S3 server at ${origin} failed (${code || message}): correct ${setting}, or set KAFSCALE_S3_CA_FILE to the authority that signed its certificate`
  return `the S3 server at ${origin} cannot be reached (${message}): start it or correct ${setting}`
}

const isTls = (code: string, message: string): boolean =>
  /^(ERR_SSL|ERR_TLS|CERT_|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/.test(code) ||
  /\bTLS\b|\bSSL\b/.test(message)

const permissions: Readonly<Record<Step, string>> = {
  list: 's3:ListBucket on the bucket',
  put: 's3:PutObject on its objects',
  get: 's3:GetObject on its objects',
  delete: 's3:DeleteObject on its objects',
}

const refused = (step: Step, failure: S3Failure, place: Place): string => {
  const { bucket, region, origin } = place
  const answer = `the S3 server at ${origin} answered ${failure.message}`
  const elsewhere = failure.region
  if (
    elsewhere !== undefined &&
    elsewhere !== '' &&
    elsewhere !== region &&
    [301, 307, 400, 403].includes(failure.status)
  )
    return `the S3 bucket ${bucket} is in region ${elsewhere}, not in ${region}: set KAFSCALE_S3_REGION=${elsewhere}`
  if (failure.code === notEncrypted)
    return `the S3 server at ${origin} does not encrypt with KMS keys: unset KAFSCALE_S3_KMS_ARN or correct KAFSCALE_S3_ENDPOINT`
  if (failure.code.startsWith('KMS.') || (step === 'put' && /kms/i.test(failure.message)))
    return `${answer}: set KAFSCALE_S3_KMS_ARN to a key that these credentials may use (it is ${place.kmsKeyId ?? 'not set'})`
  switch (failure.code) {
    case 'NoSuchBucket':
    case 'InvalidBucketName':
      return `there is no S3 bucket ${bucket} at ${origin}: create it or correct KAFSCALE_S3_BUCKET`
    case 'InvalidAccessKeyId':
    // versitygw says it so.
    case 'XAdminUserNotFound':
      return `the S3 server at ${origin} does not know the access key: correct KAFSCALE_S3_ACCESS_KEY`
    case 'SignatureDoesNotMatch':
      return `the S3 secret key does not belong to the access key: correct KAFSCALE_S3_SECRET_KEY`
    case 'InvalidToken':
    case 'ExpiredToken':
      return `${answer}: renew KAFSCALE_S3_SESSION_TOKEN with its keys`
    case 'RequestTimeTooSkewed':
      return `the S3 server at ${origin} refuses requests because ${skew(failure, place.now)}: set this machine's clock (NTP)`
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return `${answer}: correct KAFSCALE_S3_REGION (it is ${region}) or KAFSCALE_S3_ENDPOINT`
    case 'AccessDenied':
    case 'AllAccessDisabled':
    case 'AccountProblem':
      return `access to the S3 bucket ${bucket} is denied (${step}): allow ${permissions[step]} to the credentials in KAFSCALE_S3_ACCESS_KEY or the role, or correct KAFSCALE_S3_BUCKET`
    default:
      return failure.code === '' && failure.status < 500
        ? `${answer}, not as an S3 server does: correct KAFSCALE_S3_ENDPOINT`
        : `${answer} to a ${step} in the bucket ${bucket}: check KAFSCALE_S3_ENDPOINT and KAFSCALE_S3_BUCKET`
  }
}

const skew = (failure: S3Failure, now: number): string => {
  const theirs = failure.serverTime
  if (theirs === undefined) return 'the clocks differ too much'
  const seconds = Math.round((now - theirs) / 1000)
  return `the clock here is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} its`
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
