import { describe, expect, test } from '@jest/globals'
import type { BucketReport, BucketState } from '../bucket/look.ts'
import { firstLife } from '../etcd/life.ts'
import type { MemberReport } from '../etcd/member-report.ts'
import { clusterStatusSchema } from '../types/cluster-status.ts'
import type { Condition } from '../types/condition.ts'
import { CLUSTER_CONDITIONS, finder } from '../types/conditions.ts'
import { type ClusterStatus, clusterSchema } from '../types/kaf-scale-cluster.ts'
import { type CareView, careStatus } from './care-status.ts'

const NOW = Date.UTC(2026, 0, 2)
const TIME = '2026-01-01T00:00:00Z'
const say = finder(CLUSTER_CONDITIONS, 1)

const inputsOf = (
  spec: Record<string, unknown> = {},
  annotations: Record<string, string> = {},
): CareView['inputs'] => ({
  cluster: clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'orders', namespace: 'shop', uid: 'u', generation: 1, annotations },
    spec: {
      s3: { bucket: 'records', region: 'r', credentialsSecretRef: 'keys' },
      etcd: { managed: { replicas: 3 } },
      ...spec,
    },
  }),
  operator: { image: 'kafscale:1', etcdImage: 'etcd:3', clusterDomain: 'cluster.local' },
  secrets: [],
  assigned: new Map(),
  has: { podMonitors: false, prometheusRules: false },
})

const viewOf = (more: Partial<CareView> = {}): CareView => ({
  now: NOW,
  inputs: inputsOf(),
  previous: undefined,
  etcd: {
    life: { ...firstLife(undefined), state: 'running' },
    trust: undefined,
    certificates: undefined,
    members: [],
  },
  report: undefined,
  bucket: undefined,
  ready: 3,
  pods: [],
  ...more,
})

/** What the brokers' pods say, before etcd and bucket are looked at. */
const plain = (ready: keyof (typeof CLUSTER_CONDITIONS)['Ready']['reasons'] = 'Ready'): ClusterStatus =>
  clusterStatusSchema.parse({
    phase: ready,
    conditions: [{ ...say('Ready', ready), lastTransitionTime: TIME }],
  })

const bucketIs = (state: BucketState, message?: string): BucketReport => ({
  state,
  created: false,
  changed: [],
  differences: [],
  ...(message === undefined ? {} : { message }),
})
const conditionOf = (status: ClusterStatus, type: string): Condition | undefined =>
  status.conditions?.find(condition => condition.type === type)

describe('Ready', () => {
  test.each<BucketState>(['BucketMissing', 'BucketForbidden', 'BucketWrongRegion', 'BucketUnreachable'])(
    'is not so when the bucket is of no use: %s',
    state => {
      const status = careStatus(plain(), viewOf({ bucket: bucketIs(state, 'Do this.') }))
      expect(conditionOf(status, 'Ready')).toMatchObject({
        status: 'False',
        reason: 'BucketUnavailable',
        message: 'Do this.',
      })
      expect(status.phase).toBe('BucketUnavailable')
    },
  )

  test.each<BucketState>(['BucketReady', 'BucketNotChecked', 'BucketUnsupported', 'BucketDiffers'])(
    'is so when the bucket can be used, or nothing is known of it: %s',
    state => {
      const status = careStatus(plain(), viewOf({ bucket: bucketIs(state) }))
      expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'True', reason: 'Ready' })
      expect(status.phase).toBe('Ready')
    },
  )

  test('is so when only the operator’s own account may not look, for the brokers have another one', () => {
    const inputs = inputsOf({ s3: { bucket: 'records', region: 'r', serviceAccount: { name: 'brokers' } } })
    expect(careStatus(plain(), viewOf({ inputs, bucket: bucketIs('BucketForbidden') })).phase).toBe('Ready')
    expect(careStatus(plain(), viewOf({ inputs, bucket: bucketIs('BucketMissing') })).phase).toBe('BucketUnavailable')
  })

  test('names the bucket rather than the brokers that end because of it, and nothing that is wrong before', () => {
    const bucket = bucketIs('BucketForbidden')
    expect(careStatus(plain('BrokersCrashing'), viewOf({ bucket })).phase).toBe('BucketUnavailable')
    expect(careStatus(plain('Progressing'), viewOf({ bucket })).phase).toBe('BucketUnavailable')
    for (const first of ['ImagePullFailed', 'SecretMissing', 'Hibernated', 'Deleting'] as const)
      expect(careStatus(plain(first), viewOf({ bucket })).phase).toBe(first)
  })

  test('keeps the time since which it is not so, and says nothing new while nothing is', () => {
    const bucket = bucketIs('BucketForbidden')
    const first = careStatus(plain(), viewOf({ bucket }))
    expect(conditionOf(first, 'Ready')?.lastTransitionTime).toBe('2026-01-02T00:00:00Z')
    const again = careStatus(plain(), viewOf({ bucket, previous: first, now: NOW + 60_000 }))
    expect(again).toEqual(first)
  })

  test('is not so when etcd takes no writes', () => {
    const report = { isFull: true, isCorrupt: false, recovered: undefined }
    const status = careStatus(plain(), viewOf({ report }))
    expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'False', reason: 'EtcdUnavailable' })
  })
})

describe('records that a restore did not bring back', () => {
  const restored = { time: TIME, lostFrom: TIME, objects: 2, records: 7, report: 'lost/1.json' }
  const previous = clusterStatusSchema.parse({ etcd: { restored } })

  test('show in Ready, which clients can go on by', () => {
    const status = careStatus(plain(), viewOf({ previous }))
    expect(conditionOf(status, 'RecordsLost')).toMatchObject({ status: 'True', reason: 'RecordsMissing' })
    expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'True', reason: 'RecordsMissing' })
    expect(conditionOf(status, 'Ready')?.message).toContain('lost/1.json')
    expect(status.phase).toBe('RecordsMissing')
  })

  test('until somebody says that it is known, of that restore and no later one', () => {
    const known = (time: string) => inputsOf({}, { 'kafscale.io/loss-known': time })
    const status = careStatus(plain(), viewOf({ previous, inputs: known(TIME) }))
    expect(conditionOf(status, 'RecordsLost')).toMatchObject({ status: 'False', reason: 'LossKnown' })
    expect(status.phase).toBe('Ready')
    expect(status.etcd?.restored).toEqual(restored)
    const other = careStatus(plain(), viewOf({ previous, inputs: known('2025-01-01T00:00:00Z') }))
    expect(other.phase).toBe('RecordsMissing')
  })
})

describe('members that lost their data and joined anew', () => {
  const joined = (member: string, pod: string): MemberReport => ({ member, life: 1, verdict: 'joined', pod })
  const standing = (...members: MemberReport[]): CareView['etcd'] => ({
    life: { ...firstLife(undefined), state: 'running' },
    trust: undefined,
    certificates: undefined,
    members,
  })

  test('are remembered by their pod, also when that is gone', () => {
    const first = careStatus(plain(), viewOf({ etcd: standing(joined('orders-etcd-1', 'p1')) }))
    expect(first.etcd?.replaced).toEqual([{ member: 'orders-etcd-1', pod: 'p1' }])
    const kept: MemberReport = { member: 'orders-etcd-1', life: 1, verdict: 'kept', pod: 'p2' }
    const second = careStatus(plain(), viewOf({ previous: first, etcd: standing(kept, joined('orders-etcd-0', 'p3')) }))
    expect(second.etcd?.replaced).toEqual([
      { member: 'orders-etcd-0', pod: 'p3' },
      { member: 'orders-etcd-1', pod: 'p1' },
    ])
    const third = careStatus(plain(), viewOf({ previous: second, etcd: standing(joined('orders-etcd-1', 'p4')) }))
    expect(third.etcd?.replaced).toContainEqual({ member: 'orders-etcd-1', pod: 'p4' })
    expect(third.etcd?.replaced).toHaveLength(2)
  })
})
