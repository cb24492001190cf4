import { expect, test } from '@jest/globals'
import { clusterSchema } from '../types/kaf-scale-cluster.ts'
import { targetOf } from './scale-target.ts'

const cluster = (scaling: object) =>
  clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'orders', namespace: 'shop' },
    spec: { s3: { bucket: 'records', region: 'r' }, etcd: { endpoints: ['http://etcd:2379'] }, scaling },
  })

const deployment = (replicas: number, generation: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'orders-broker', namespace: 'shop', generation },
  spec: { replicas },
})

const lookedAt = (scaling: object, replicas: number, generation: number): number | undefined =>
  targetOf(
    {
      key: 'shop/orders',
      cluster: cluster(scaling),
      deployment: deployment(replicas, generation),
      pods: [],
      bootstrap: { host: 'orders', port: 9092 },
      now: 0,
    },
    () => undefined,
  )?.current

test('a new Deployment is looked at when it has the size to begin with, so that its first size is no step of growth', () => {
  expect(lookedAt({ mode: 'Auto', min: 3, max: 5 }, 1, 1)).toBeUndefined()
  expect(lookedAt({ mode: 'Auto', min: 3, max: 5 }, 3, 2)).toBe(3)
  expect(lookedAt({ mode: 'Auto', min: 1, max: 5 }, 1, 1)).toBe(1)
})

test('a size that was set below the least one is looked at, and so comes to it', () => {
  expect(lookedAt({ mode: 'Auto', min: 3, max: 5 }, 2, 3)).toBe(2)
})
