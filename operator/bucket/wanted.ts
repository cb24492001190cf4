// What a spec asks of the bucket itself. Everything that one cluster wants carries names of its own, so that clusters that
// share a bucket, and whoever else uses it, do not touch each other's.

import { createHash } from 'node:crypto'
import type { ObjectStoreSpec } from '../types/object-store.ts'

export interface BucketWish {
  readonly bucket: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
  /** First component of every key of the cluster. */
  readonly prefix: string
  readonly provision: ObjectStoreSpec['provision']
}

export type Care = ObjectStoreSpec['provision']['policy']['mode']

/** A statement of a bucket policy, as JSON. */
export type Statement = Readonly<Record<string, unknown>>

export const DENY_PLAIN = 'KafScaleDenyInsecureTransport'

/** Part of names that may have only letters and digits. */
const ownHash = (prefix: string): string => createHash('sha256').update(prefix).digest('hex').slice(0, 12)

const partitionOf = (region = ''): string => {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

/** Sids of the statements that only this cluster writes. */
export const ownSids = (prefix: string): readonly string[] =>
  ['Objects', 'List'].map(what => `KafScale${what}${ownHash(prefix)}`)

/** Requests without TLS are denied; those who are named may use what is under the prefix, and nothing else. */
export function wantedStatements({ bucket, region, prefix, provision }: BucketWish): readonly Statement[] {
  const { tlsOnly, principals = [] } = provision.policy
  const arn = `arn:${partitionOf(region)}:s3:::${bucket}`
  const [objects, list] = ownSids(prefix)
  const deny: Statement = {
    Sid: DENY_PLAIN,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
  const allow = { Effect: 'Allow', Principal: { AWS: principals } }
  const use: Statement[] = [
    {
      Sid: objects,
      ...allow,
      Action: [
        's3:AbortMultipartUpload',
        's3:DeleteObject',
        's3:GetObject',
        's3:ListMultipartUploadParts',
        's3:PutObject',
      ],
      Resource: [`${arn}/${prefix}/*`],
    },
    {
      Sid: list,
      ...allow,
      Action: ['s3:ListBucket'],
      Resource: [arn],
      Condition: { StringLike: { 's3:prefix': [`${prefix}/*`] } },
    },
  ]
  return [...(tlsOnly ? [deny] : []), ...(principals.length === 0 ? [] : use)]
}

export interface LifecycleRule {
  readonly id: string
  /** The whole element. */
  readonly xml: string
}

export const ownRuleIds = (prefix: string): readonly string[] =>
  ['uploads', 'versions'].map(what => `kafscale-${ownHash(prefix)}-${what}`)

export function wantedRules({ prefix, provision }: BucketWish): readonly LifecycleRule[] {
  const { abortUploadsAfterDays, expireOldVersionsAfterDays } = provision.lifecycle
  const [uploads = '', versions = ''] = ownRuleIds(prefix)
  const rule = (id: string, what: string): LifecycleRule => ({
    id,
    xml: `<Rule><ID>${id}</ID><Filter><Prefix>${prefix}/</Prefix></Filter><Status>Enabled</Status>${what}</Rule>`,
  })
  const abort = `<AbortIncompleteMultipartUpload><DaysAfterInitiation>${abortUploadsAfterDays}</DaysAfterInitiation></AbortIncompleteMultipartUpload>`
  const old = `<NoncurrentVersionExpiration><NoncurrentDays>${expireOldVersionsAfterDays}</NoncurrentDays></NoncurrentVersionExpiration>`
  return [
    rule(uploads, abort),
    ...(expireOldVersionsAfterDays === undefined
      ? []
      : [rule(versions, `<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>${old}`)]),
  ]
}
