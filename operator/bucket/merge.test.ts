import { describe, expect, test } from '@jest/globals'
import { objectStoreSchema } from '../types/object-store.ts'
import { mergeLifecycle, mergePolicy, mergePublicAccess } from './merge.ts'
import { type BucketWish, ownRuleIds, ownSids, wantedRules, wantedStatements } from './wanted.ts'

function wishOf(provision: Record<string, unknown>, prefix = 'shop.orders', region = 'eu-central-1'): BucketWish {
  const s3 = objectStoreSchema.parse({ bucket: 'records', region, provision })
  return { bucket: s3.bucket, region, endpoint: undefined, prefix, provision: s3.provision }
}

const role = 'arn:aws:iam::123456789012:role/brokers'
const policyOf = (wish: BucketWish, found?: string) => mergePolicy(found, wantedStatements(wish), ownSids(wish.prefix))
const lifecycleOf = (wish: BucketWish, found?: string) =>
  mergeLifecycle(found, wantedRules(wish), ownRuleIds(wish.prefix))
const foreign = {
  Sid: 'Audit',
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::1:root' },
  Action: 's3:GetObject',
  Resource: 'arn:aws:s3:::records/*',
}

describe('the policy of a bucket', () => {
  test('denies requests without TLS, and gives the brokers what is under their prefix and no more', () => {
    const { document, differences } = policyOf(wishOf({ policy: { principals: [role] } }))
    const { Statement } = JSON.parse(document ?? '')
    expect(Statement).toHaveLength(3)
    expect(Statement[0]).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })
    expect(Statement[1]).toMatchObject({ Principal: { AWS: [role] }, Resource: ['arn:aws:s3:::records/shop.orders/*'] })
    expect(Statement[2]).toMatchObject({
      Action: ['s3:ListBucket'],
      Condition: { StringLike: { 's3:prefix': ['shop.orders/*'] } },
    })
    expect(JSON.stringify(Statement.slice(1))).not.toContain('s3:*')
    expect(differences.map(({ path }) => path)).toHaveLength(3)
    for (const { Sid } of Statement) expect(Sid).toMatch(/^[A-Za-z0-9]+$/)
  })

  test('keeps what others have written, and other clusters too', () => {
    const first = policyOf(
      wishOf({ policy: { principals: [role] } }),
      JSON.stringify({ Version: '2008-10-17', Id: 'x', Statement: [foreign] }),
    )
    const second = policyOf(wishOf({ policy: { principals: [role] } }, 'shop.other'), first.document)
    const { Statement, Version, Id } = JSON.parse(second.document ?? '')
    expect({ Version, Id }).toEqual({ Version: '2008-10-17', Id: 'x' })
    expect(Statement[0]).toEqual(foreign)
    expect(Statement).toHaveLength(6)
    expect(policyOf(wishOf({ policy: { principals: [role] } }), second.document).differences).toEqual([])
  })

  test('is the same when S3 has written it in its own way', () => {
    const wish = wishOf({ policy: { principals: [role] } })
    const { Statement } = JSON.parse(policyOf(wish).document ?? '')
    const rewritten = Statement.map((one: Record<string, unknown>) => ({
      ...one,
      Principal: one.Principal === '*' ? '*' : { AWS: role },
      Action: Array.isArray(one.Action) ? [...one.Action].reverse() : one.Action,
      Resource: Array.isArray(one.Resource) && one.Resource.length === 1 ? one.Resource[0] : one.Resource,
    }))
    expect(policyOf(wish, JSON.stringify({ Statement: rewritten })).differences).toEqual([])
  })

  test('loses what is not wanted any more, and shows what somebody changed', () => {
    const before = policyOf(wishOf({ policy: { principals: [role] } })).document ?? ''
    const without = policyOf(wishOf({ policy: {} }), before)
    expect(JSON.parse(without.document ?? '').Statement).toHaveLength(1)
    const tampered = before.replace('"Deny"', '"Allow"')
    const [difference] = policyOf(wishOf({ policy: { principals: [role] } }), tampered).differences
    expect(difference).toMatchObject({ path: 'policy/KafScaleDenyInsecureTransport' })
    expect(difference?.found).toContain('"Allow"')
    expect(policyOf(wishOf({ policy: { tlsOnly: false } })).document).toBeUndefined()
  })

  test('names the partition that the region is in', () => {
    expect(policyOf(wishOf({}, 'p', 'cn-north-1')).document).toContain('arn:aws-cn:s3:::records')
  })
})

describe('the lifecycle of a bucket', () => {
  const foreignRule =
    '<Rule><ID>logs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule>'

  test('ends uploads and old versions of the cluster, and keeps rules of others to the byte', () => {
    const wish = wishOf({ lifecycle: { expireOldVersionsAfterDays: 30 } })
    const { document, differences } = lifecycleOf(
      wish,
      `<LifecycleConfiguration>${foreignRule}</LifecycleConfiguration>`,
    )
    expect(document).toContain(foreignRule)
    expect(document).toContain('<DaysAfterInitiation>7</DaysAfterInitiation>')
    expect(document).toContain('<NoncurrentDays>30</NoncurrentDays>')
    expect(differences).toHaveLength(2)
    expect(lifecycleOf(wish, document).differences).toEqual([])
  })

  test('is the same when S3 orders its elements in its own way', () => {
    const wish = wishOf({})
    const [rule] = wantedRules(wish)
    const reordered = `<Rule><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload><Filter><Prefix>shop.orders/</Prefix></Filter>\n <ID>${rule?.id}</ID><Status>Enabled</Status></Rule>`
    expect(lifecycleOf(wish, `<LifecycleConfiguration>${reordered}</LifecycleConfiguration>`).differences).toEqual([])
  })

  test('loses a rule that is not wanted any more', () => {
    const before = lifecycleOf(wishOf({ lifecycle: { expireOldVersionsAfterDays: 30 } })).document
    const after = lifecycleOf(wishOf({}), before)
    expect(after.document).not.toContain('NoncurrentDays')
    expect(after.differences).toHaveLength(1)
  })
})

test('public access is blocked in all four ways', () => {
  expect(mergePublicAccess(undefined).differences).toHaveLength(4)
  const { document } = mergePublicAccess(undefined)
  expect(mergePublicAccess(document).differences).toEqual([])
  expect(mergePublicAccess(document?.replace('true', 'false')).differences).toEqual([
    { path: 'publicAccessBlock/BlockPublicAcls', found: 'false', wanted: 'true' },
  ])
})
