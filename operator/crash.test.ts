// The operator killed after every call of a cluster's life, before and after the call took effect: it comes to the same end,
// and at no moment is there an object that the cluster does not own or a second set of them.

import { afterEach, expect, test } from '@jest/globals'
import type { Fault } from '../testing/kube-api/faults.ts'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../testing/operator.ts'
import type { Manifest } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'

const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const nowhere = () => ({ host: '127.0.0.1', port: 1 })

let api: KubeApi | undefined
let running: RunningOperator | undefined

afterEach(async () => {
  api?.faults.heal()
  await running?.stop()
  await api?.stop()
})

const cluster = (replicas: number, more: Record<string, unknown> = {}): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: at('orders'),
  spec: {
    s3: { bucket: 'records', region: 'r' },
    etcd: { managed: { replicas: 1 } },
    deletionPolicy: 'Delete',
    brokers: { replicas },
    ...more,
  },
})

const OWNED = [
  RESOURCES.serviceAccounts,
  RESOURCES.configMaps,
  RESOURCES.services,
  RESOURCES.networkPolicies,
  RESOURCES.podDisruptionBudgets,
  RESOURCES.deployments,
  RESOURCES.secrets,
  RESOURCES.statefulSets,
  RESOURCES.cronJobs,
  RESOURCES.podMonitors,
  RESOURCES.prometheusRules,
]

function shown(server: KubeApi): string[] {
  return OWNED.flatMap(resource => server.list(resource))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .sort()
}

function expectSound(server: KubeApi): void {
  const owner = server.get(CLUSTER, at('orders'))?.metadata.uid
  for (const object of OWNED.flatMap(resource => server.list(resource))) {
    expect(object.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([owner])
  }
  const names = shown(server)
  expect(new Set(names).size).toBe(names.length)
}

/** A cluster is made, and changed; the operator is killed where the faults say. Resolves with what there is at the end. */
async function story(server: KubeApi): Promise<string[]> {
  const start = (): RunningOperator => runOperator(server.client('the-same'), 'the-same', nowhere)
  running = start()
  const living = async (what: string, holds: () => boolean): Promise<void> => {
    await until(what, () => holds() || server.faults.hasCrashed)
    if (server.faults.hasCrashed) {
      await running?.stop()
      server.faults.heal()
      running = start()
    }
    await until(what, holds)
    expectSound(server)
  }
  const size = (): unknown => Object(server.get(RESOURCES.deployments, at('orders-broker'))?.spec).replicas
  const observed = (): unknown => Object(server.get(CLUSTER, at('orders'))?.status).observedGeneration
  const generation = (): unknown => server.get(CLUSTER, at('orders'))?.metadata.generation
  await server.bystander().apply(CLUSTER, cluster(4, { networkPolicy: { enabled: true }, console: {} }), user)
  const isHeld = (): boolean => (server.get(CLUSTER, at('orders'))?.metadata.finalizers ?? []).length === 1
  await living('four brokers', () => size() === 4 && observed() === generation() && isHeld())
  await server.bystander().apply(CLUSTER, cluster(2), user)
  const isWithout = (): boolean =>
    server.get(RESOURCES.networkPolicies, at('orders-broker')) === undefined &&
    server.get(RESOURCES.deployments, at('orders-console')) === undefined
  await living('two brokers', () => size() === 2 && isWithout() && observed() === generation())
  await running?.stop()
  running = undefined
  return shown(server)
}

test.each<[string, Fault]>([
  ['before it is done', { kind: 'reset' }],
  ['after it is done', { kind: 'reset after' }],
])(
  'killed at any call, %s, it comes to the same end',
  async (_, fault) => {
    api = await KubeApi.start()
    const end = await story(api)
    const calls = api.calls.length
    await api.stop()
    expect(end).toHaveLength(17)
    for (let call = 0; call < calls; call++) {
      api = await KubeApi.start()
      api.faults.crashAfter(call, fault)
      expect(await story(api)).toEqual(end)
      await api.stop()
    }
  },
  600_000,
)
