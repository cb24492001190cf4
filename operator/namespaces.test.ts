// One operator for several namespaces: it looks after each of them, and asks for nothing outside of them.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../testing/operator.ts'
import { RESOURCES } from './runtime/resource.ts'
import { operatorSettings } from './settings.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'

let api: KubeApi
let running: RunningOperator

beforeEach(async () => {
  api = await KubeApi.start()
})
afterEach(async () => {
  await running.stop()
  await api.stop()
})

const applyCluster = (namespace: string, replicas: number) =>
  api.bystander().apply(
    CLUSTER,
    {
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleCluster',
      metadata: { namespace, name: 'orders' },
      spec: {
        s3: { bucket: 'records', region: 'r' },
        etcd: { endpoints: ['http://etcd:2379'] },
        brokers: { replicas },
      },
    },
    { manager: 'user', force: true },
  )
const replicas = (namespace: string): unknown =>
  Object(api.get(RESOURCES.deployments, { namespace, name: 'orders-broker' })?.spec).replicas

test('clusters of the same name in two namespaces are two, and others are nobody’s', async () => {
  for (const [namespace, count] of [
    ['shop', 2],
    ['stock', 3],
    ['other', 4],
  ] as const) {
    await applyCluster(namespace, count)
  }
  const nowhere = { host: '127.0.0.1', port: 1 }
  running = runOperator(api.client('one'), 'one', () => nowhere, { watched: ['shop', 'stock'] })
  await until('both', () => replicas('shop') === 2 && replicas('stock') === 3)
  await applyCluster('stock', 5)
  await until('the change', () => replicas('stock') === 5)
  // A list that is read anew in one says nothing of the other.
  api.compact()
  api.resetWatches()
  await applyCluster('shop', 6)
  await until('the change after all is read anew', () => replicas('shop') === 6)
  expect([replicas('stock'), api.get(RESOURCES.deployments, { namespace: 'other', name: 'orders-broker' })]).toEqual([
    5,
    undefined,
  ])
  const places = api.calls.filter(({ verb }) => verb !== 'discover').map(({ namespace }) => namespace)
  expect([...new Set(places)].sort()).toEqual(['shop', 'stock'])
})

test('they are named with commas between', () => {
  running = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port: 1 }))
  const named = (text: string) =>
    operatorSettings({ KAFSCALE_OPERATOR_WATCH_NAMESPACE: text }).KAFSCALE_OPERATOR_WATCH_NAMESPACE
  expect([named('a'), named('a,b-1,c'), named('*')]).toEqual(['a', 'a,b-1,c', '*'])
  for (const text of ['a, b', 'a,', ',a', '*,a', 'A']) expect(() => named(text)).toThrow('a namespace, several')
})
