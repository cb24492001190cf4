// The web console of a cluster through the whole operator on the fake API server: it comes and goes with its field, and the
// file that it reads follows the status.

import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { scaledClusterSchema } from '../console/scaled-cluster.ts'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../testing/operator.ts'
import type { Manifest } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER, clusterSchema } from './types/kaf-scale-cluster.ts'

const at = (name: string) => ({ namespace: 'shop', name })

let api: KubeApi
let running: RunningOperator

beforeEach(async () => {
  api = await KubeApi.start()
  running = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port: 1 }), {})
})
afterEach(async () => {
  await running.stop()
  await api.stop()
})

const applyCluster = (spec: object): Promise<Manifest> =>
  api.bystander().apply(
    CLUSTER,
    {
      apiVersion: 'kafscale.io/v1alpha1',
      kind: 'KafScaleCluster',
      metadata: at('orders'),
      spec: {
        s3: { bucket: 'records', region: 'r' },
        etcd: { endpoints: ['http://etcd:2379'] },
        brokers: { replicas: 1 },
        ...spec,
      },
    },
    { manager: 'user', force: true },
  )

const told = () =>
  scaledClusterSchema.parse(
    JSON.parse(String(Object(api.get(RESOURCES.configMaps, at('orders-console'))?.data)['cluster.json'])),
  )
const statusOf = () => clusterSchema.parse(api.get(CLUSTER, at('orders'))).status

/** As the controllers of Kubernetes would say. */
async function makeReady(name: string): Promise<void> {
  const { apiVersion, kind, metadata } = await until(`one pod of ${name}`, () => {
    const found = api.get(RESOURCES.deployments, at(name))
    return Object(found?.spec).replicas === 1 ? found : undefined
  })
  const counts = { replicas: 1, readyReplicas: 1, updatedReplicas: 1 }
  const status = { observedGeneration: metadata.generation, ...counts }
  const manifest = { apiVersion, kind, metadata: at(name), status }
  await api.bystander().applyStatus(RESOURCES.deployments, manifest, { manager: 'controllers', force: true })
}

test('it is there while the spec asks for it, tells where it is, and is told how the cluster is', async () => {
  await applyCluster({ console: {}, security: { enabled: true } })
  await makeReady('orders-broker')
  await makeReady('orders-console')
  await until('the console in the status', () => statusOf()?.console?.ready)
  expect(statusOf()?.console).toEqual({
    url: 'https://orders-console.shop.svc.cluster.local:48080',
    listener: 'kafka',
    ready: true,
  })
  expect(api.get(RESOURCES.secrets, at('orders-console-tls'))).toBeDefined()
  await until('the status in the file', () => told().status?.brokers?.summary === '1/1')
  expect(told().status?.conditions).toEqual(statusOf()?.conditions)
  // What is settled stays as it is.
  await new Promise(resolve => setTimeout(resolve, 400))
  api.forgetCalls()
  await new Promise(resolve => setTimeout(resolve, 400))
  const written = api.writes.filter(({ caller, resource }) => caller === 'one' && resource.plural !== 'leases')
  expect(written.map(({ verb, resource, name }) => `${verb} ${resource.plural} ${name}`)).toEqual([])

  await applyCluster({ security: { enabled: true } })
  await until('the end', () => api.get(RESOURCES.deployments, at('orders-console')) === undefined)
  await until('the end in the status', () => statusOf()?.console === undefined)
  for (const resource of [RESOURCES.services, RESOURCES.configMaps, RESOURCES.serviceAccounts]) {
    expect([resource.kind, api.get(resource, at('orders-console'))]).toEqual([resource.kind, undefined])
  }
  expect(api.get(RESOURCES.services, at('orders-broker-metrics'))).toBeUndefined()
  expect(api.get(RESOURCES.deployments, at('orders-broker'))).toBeDefined()
})

test('that it comes is no reason to replace brokers', async () => {
  await applyCluster({})
  await makeReady('orders-broker')
  const template = () => JSON.stringify(Object(api.get(RESOURCES.deployments, at('orders-broker'))?.spec).template)
  const before = template()
  await applyCluster({ console: { allowChanges: true } })
  await until('the console', () => api.get(RESOURCES.deployments, at('orders-console')))
  await until('the word', () => statusOf()?.console)
  expect(template()).toBe(before)
  expect(statusOf()?.brokers?.rolloutReasons).toBeUndefined()
})
