import { describe, expect, test } from '@jest/globals'
import { settingFacts } from '../../broker/settings.ts'
import { CLUSTER_SETTINGS, OPERATOR_SETTINGS } from './brokers.ts'
import { managedEtcdOf } from './etcd.ts'
import { clusterSchema } from './kaf-scale-cluster.ts'
import { kmsKeyOf, readReplicaOf } from './object-store.ts'

const cluster = (spec: object) =>
  clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'demo', namespace: 'default', uid: 'u' },
    spec: { s3: { bucket: 'records', region: 'eu-central-1' }, ...spec },
  })

describe('a KafScaleCluster', () => {
  test('needs a bucket and nothing else', () => {
    const { spec } = cluster({})
    expect(spec.brokers.replicas).toBeUndefined()
    expect(spec.brokers.rollout).toEqual({ maxSurge: '25%', maxUnavailable: 0 })
    expect(spec.scaling).toMatchObject({
      mode: 'Manual',
      min: 1,
      behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
    })
    expect(spec.scaling.signals).toEqual({
      lag: { enabled: true, targetSeconds: 30, attribution: 'Enabled' },
      eventLoop: { targetPercent: 60 },
    })
    expect(spec.deletionPolicy).toBe('Retain')
    expect(managedEtcdOf(spec.etcd)).toMatchObject({ replicas: 3, snapshots: { keep: 24 } })
  })

  test('takes a manifest with the fields of the original', () => {
    const { spec } = cluster({
      brokers: {
        replicas: 3,
        advertisedHost: 'kafka.example.com',
        advertisedPort: 9092,
        resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: 2 } },
        service: { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8'], kafkaNodePort: 30092 },
        image: { repository: 'example/broker', tag: '1' },
      },
      s3: {
        bucket: 'records',
        region: 'us-east-1',
        endpoint: 'http://minio:9000',
        readBucket: 'replica',
        readRegion: 'us-west-2',
        kmsKeyArn: 'arn:aws:kms:us-east-1:1:key/k',
        credentialsSecretRef: 's3-credentials',
      },
      etcd: { endpoints: ['http://etcd:2379'] },
      config: { segmentBytes: 4_194_304, flushIntervalMs: 500, cacheSize: '1Gi' },
    })
    expect(spec.brokers.resources?.limits).toEqual({ cpu: 2 })
    expect(kmsKeyOf(spec.s3)).toBe('arn:aws:kms:us-east-1:1:key/k')
    expect(readReplicaOf(spec.s3)).toEqual({ bucket: 'replica', region: 'us-west-2', endpoint: undefined })
    expect(managedEtcdOf(spec.etcd)).toBeUndefined()
  })

  test('keeps a pod template unread', () => {
    const template = { spec: { tolerations: [{ key: 'spot', operator: 'Exists' }] } }
    expect(cluster({ brokers: { podTemplate: template } }).spec.brokers.podTemplate).toEqual(template)
  })

  test('leaves out fields of a newer version', () => {
    expect(cluster({ brokers: { colour: 'blue' } }).spec.brokers).not.toHaveProperty('colour')
  })
})

describe('settings of brokers', () => {
  test('are set either by the cluster or by the operator, and none is forgotten', () => {
    const all = settingFacts.map(({ key }) => key)
    expect([...CLUSTER_SETTINGS, ...OPERATOR_SETTINGS].sort()).toEqual([...all].sort())
    expect(CLUSTER_SETTINGS).toContain('windowBytes')
  })
})
