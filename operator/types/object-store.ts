// spec.s3: the bucket of the records, who may use it, and what the operator keeps it like.

import { z } from 'zod'
import { httpUrl, labels, list, objectName, text, withRules } from './schema.ts'

const bucketName = () =>
  z
    .string()
    .min(3)
    .max(63)
    .regex(/^[a-z0-9][a-z0-9.-]+[a-z0-9]$/)

const encryption = z.object({ kmsKeyArn: text(300).describe('Key that objects are encrypted with (SSE-KMS).') })

const readReplica = z.object({
  bucket: bucketName().describe('Bucket that the other is replicated to.'),
  region: text(64).optional().describe('Region of it.'),
  endpoint: httpUrl().optional().describe('URL of its S3 service.'),
})

const serviceAccount = z.object({
  name: objectName().optional().describe('An account that exists; by default one is made.'),
  annotations: labels().optional().describe('Annotations of the account that is made, such as the role it stands for.'),
})

const care = z
  .enum(['Ignore', 'Preview', 'Managed'])
  .default('Ignore')
  .describe('Ignore: not looked at. Preview: differences show in status. Managed: differences are put right.')

const policy = z.object({
  mode: care,
  tlsOnly: z.boolean().default(true).describe('Requests without TLS are denied.'),
  principals: list(text(300), 16).optional().describe('ARNs that the policy lets use the prefix of the cluster.'),
})

const lifecycle = z.object({
  mode: care,
  abortUploadsAfterDays: z.int32().min(1).max(365).default(7).describe('Unfinished uploads go after this time.'),
  expireOldVersionsAfterDays: z
    .int32()
    .min(1)
    .max(3650)
    .optional()
    .describe('In a bucket with versions, those that were deleted go after this time.'),
})

const publicAccessBlock = z.object({ mode: care })

const provision = z.object({
  create: z.boolean().default(false).describe('The bucket is created when it does not exist.'),
  policy: policy.prefault({}).describe('The bucket policy. Statements of others stay.'),
  lifecycle: lifecycle.prefault({}).describe('The lifecycle rules. Rules of others stay.'),
  publicAccessBlock: publicAccessBlock
    .prefault({})
    .describe('Nobody from outside of the account may use the bucket, whatever its policy says.'),
})

export const objectStoreSchema = withRules(
  z.object({
    bucket: bucketName().describe('Bucket of the records.'),
    region: text(64).optional().describe('Region of the bucket; may be left out with an endpoint.'),
    endpoint: httpUrl().optional().describe('URL of the S3 service; by default that of AWS in the region.'),
    pathStyle: z.boolean().optional().describe('Name the bucket in the path; by default so when an endpoint is set.'),
    prefix: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/)
      .optional()
      .describe('First component of every object key; by default namespace and name of the cluster.'),
    credentialsSecretRef: objectName()
      .optional()
      .describe('Secret with KAFSCALE_S3_ACCESS_KEY and KAFSCALE_S3_SECRET_KEY, or the AWS names of them.'),
    serviceAccount: serviceAccount.optional().describe('Account of the pods, for credentials by identity.'),
    encryption: encryption.optional().describe('How objects are encrypted.'),
    kmsKeyArn: text(300).optional().describe('Short form of encryption.kmsKeyArn.'),
    readReplica: readReplica.optional().describe('A replica of the bucket that is read from first.'),
    readBucket: bucketName().optional().describe('Short form of readReplica.bucket.'),
    readRegion: text(64).optional().describe('Short form of readReplica.region.'),
    readEndpoint: httpUrl().optional().describe('Short form of readReplica.endpoint.'),
    provision: provision.prefault({}).describe('What the operator does to the bucket itself.'),
  }),
  {
    rule: 'has(self.region) || has(self.endpoint)',
    message: 's3.region is missing: set it, or s3.endpoint for an S3 service that is not that of AWS',
  },
  {
    rule: '!(has(self.credentialsSecretRef) && has(self.serviceAccount))',
    message: 's3.credentialsSecretRef and s3.serviceAccount exclude each other: keep one of them',
  },
  {
    rule: '!(has(self.encryption) && has(self.kmsKeyArn))',
    message: 's3.kmsKeyArn is the short form of s3.encryption.kmsKeyArn: keep one of them',
  },
  {
    rule: '!(has(self.readReplica) && (has(self.readBucket) || has(self.readRegion) || has(self.readEndpoint)))',
    message: 's3.readBucket, readRegion and readEndpoint are the short form of s3.readReplica: keep one of the two',
  },
  {
    rule: 'has(self.readBucket) || !(has(self.readRegion) || has(self.readEndpoint))',
    message: 's3.readBucket is missing: set it, or remove s3.readRegion and s3.readEndpoint',
  },
)

export type ObjectStoreSpec = z.output<typeof objectStoreSchema>

/** The key of SSE-KMS, whichever way it was written. */
export const kmsKeyOf = (s3: ObjectStoreSpec): string | undefined => s3.encryption?.kmsKeyArn ?? s3.kmsKeyArn

/** The replica to read from, whichever way it was written. */
export function readReplicaOf(s3: ObjectStoreSpec): z.output<typeof readReplica> | undefined {
  if (s3.readReplica !== undefined || s3.readBucket === undefined) return s3.readReplica
  return { bucket: s3.readBucket, region: s3.readRegion, endpoint: s3.readEndpoint }
}
