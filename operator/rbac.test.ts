// What a whole run asks of the API server is what the Role allows, and the Role allows nothing else.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { Broker } from '../broker/broker.ts'
import { loadSettings } from '../broker/load-settings.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { runOperator, until } from '../testing/operator.ts'
import { GRANTS, type Grant, OWN_GRANTS } from './rbac.ts'
import type { Manifest } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'
import { TOPIC } from './types/kaf-scale-topic.ts'

const NAMESPACE = 'shop'
const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: NAMESPACE, name })

/** Never asked for by the operator itself: the API server asks whether it may, when an owner reference blocks deletion. */
const ASKED_BY_ADMISSION = 'kafscaleclusters/finalizers update'

const named = ({ resource, subresource, verbs }: Grant): string[] =>
  verbs.map(verb => `${resource.plural}${subresource === undefined ? '' : `/${subresource}`} ${verb}`)

/** Everything that the operator does, at least once. */
async function story(api: KubeApi): Promise<void> {
  const person = api.bystander()
  const cluster = (spec: Record<string, unknown>): Manifest => ({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: at('orders'),
    spec: { s3: { bucket: 'records', region: 'r' }, ...spec },
  })
  const topic: Manifest = {
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleTopic',
    metadata: at('orphan'),
    spec: { clusterRef: 'orders', partitions: 1, deletionPolicy: 'Delete' },
  }
  const everything = {
    networkPolicy: { enabled: true },
    listeners: [
      { name: 'a', port: 9092 },
      { name: 'b', port: 9094 },
    ],
    brokers: { replicas: 4 },
  }
  await person.apply(CLUSTER, cluster(everything), user)
  await person.apply(TOPIC, topic, user)
  await until('the alerts', () => api.get(RESOURCES.prometheusRules, at('orders-broker')))
  await until('the finalizer', () => (api.get(TOPIC, at('orphan'))?.metadata.finalizers ?? []).length > 0)
  // Objects that are there before they are seen are asked for, and those that are not wanted any more are removed.
  await person.apply(
    CLUSTER,
    cluster({ s3: { bucket: 'records', region: 'r', serviceAccount: { name: 'mine' } } }),
    user,
  )
  await until('the end of the policy', () => api.get(RESOURCES.networkPolicies, at('orders-broker')) === undefined)
  await until('the end of the account', () => api.get(RESOURCES.serviceAccounts, at('orders-broker')) === undefined)
  await person.delete(CLUSTER, at('orders'))
  await person.delete(TOPIC, at('orphan'))
  await until('the event', () => JSON.stringify(api.list(RESOURCES.events)).includes('TopicOrphaned'))
}

test('the rights of the operator are those that it uses, and no others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-rbac-'))
  const log = createLogger('silent')
  const settings = loadSettings({
    KAFSCALE_DATA_DIR: folder,
    KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
    KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
  })
  const broker = await Broker.start({ settings, log, onLost: () => {} })
  const api = await KubeApi.start()
  const { stop } = runOperator(api.client('operator'), 'operator', () => ({ host: '127.0.0.1', port: broker.port }))
  try {
    await story(api)
  } finally {
    await stop()
    await broker.stop()
    await rm(folder, { recursive: true })
  }
  const used = new Set(
    api.calls
      .filter(({ caller, verb }) => caller === 'operator' && verb !== 'discover')
      .map(
        ({ resource, subresource, verb }) => `${resource.plural}${subresource === '' ? '' : `/${subresource}`} ${verb}`,
      ),
  )
  const granted = new Set([...GRANTS, ...OWN_GRANTS].flatMap(named))
  await api.stop()
  expect([...used].filter(call => !granted.has(call))).toEqual([])
  const unused = [...granted].filter(call => !used.has(call) && call !== ASKED_BY_ADMISSION)
  // Server-side apply of an object that is not there is a patch on the wire, and a create in the eyes of RBAC.
  expect(unused.filter(call => !call.endsWith(' create') || call.startsWith('leases'))).toEqual([])
})
