// The whole operator against the fake API server over HTTP, with a real broker behind the clusters' address. Deployments get
// their status from the test, which plays the controllers of Kubernetes.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { BrokerConnection } from '../broker/client/connection.ts'
import { systemClock } from '../broker/clock.ts'
import { FolderBroker } from '../testing/folder-broker.ts'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { runOperator, until } from '../testing/operator.ts'
import type { Manifest } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { TopicAdmin } from './topic/topic-admin.ts'
import { CLUSTER, type ClusterStatus, clusterSchema } from './types/kaf-scale-cluster.ts'
import { TOPIC, type TopicStatus, topicSchema } from './types/kaf-scale-topic.ts'

const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })

let api: KubeApi
let stops: (() => Promise<void>)[]
let brokerPort: number

function startOperator(identity = 'one'): void {
  const { stop } = runOperator(api.client(identity), identity, () => ({ host: '127.0.0.1', port: brokerPort }))
  stops.push(stop)
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

const cluster = (spec: Record<string, unknown> = {}): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: { name: 'orders', namespace: 'shop' },
  spec: { s3: { bucket: 'records', region: 'r' }, etcd: { endpoints: ['http://etcd:2379'] }, ...spec },
})
const topic = (name: string, spec: Record<string, unknown> = {}): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleTopic',
  metadata: { name, namespace: 'shop' },
  spec: { clusterRef: 'orders', partitions: 2, ...spec },
})
const applyCluster = (spec: Record<string, unknown> = {}) => api.bystander().apply(CLUSTER, cluster(spec), user)
const applyTopic = (name: string, spec: Record<string, unknown> = {}) =>
  api.bystander().apply(TOPIC, topic(name, spec), user)

const clusterStatus = (): ClusterStatus | undefined => {
  const found = api.get(CLUSTER, at('orders'))
  return found === undefined ? undefined : clusterSchema.parse(found).status
}
const topicStatusOf = (name: string): TopicStatus | undefined => {
  const found = api.get(TOPIC, at(name))
  return found === undefined ? undefined : topicSchema.parse(found).status
}
const reasonOf = (status: Pick<ClusterStatus, 'conditions'> | undefined, type: string): string | undefined =>
  status?.conditions?.find(condition => condition.type === type)?.reason

const deployment = (): Manifest | undefined => api.get(RESOURCES.deployments, at('orders-broker'))
const replicas = (): unknown => Object(deployment()?.spec).replicas

/** What the controllers of Kubernetes would do: as many ready pods as are wanted. */
async function makeReady(): Promise<void> {
  const live = await until('the Deployment', deployment)
  const wanted = Number(replicas())
  await api.bystander().applyStatus(
    RESOURCES.deployments,
    {
      apiVersion: live.apiVersion,
      kind: live.kind,
      metadata: at('orders-broker'),
      status: {
        observedGeneration: live.metadata.generation,
        replicas: wanted,
        readyReplicas: wanted,
        updatedReplicas: wanted,
      },
    },
    { manager: 'kube-controller-manager', force: true },
  )
}

beforeEach(async () => {
  api = await KubeApi.start()
  stops = []
})

afterEach(async () => {
  api.faults.heal()
  for (const stop of stops) await stop()
  await api.stop()
})

describe('a cluster', () => {
  test('gets its objects and its size, is ready when they are, and is then left alone (gap 12)', async () => {
    await applyCluster({ brokers: { replicas: 5 } })
    startOperator()
    await until('the size', () => replicas() === 5)
    expect(reasonOf(await until('a status', clusterStatus), 'Ready')).toBe('Progressing')
    await makeReady()
    const status = await until('Ready', () =>
      reasonOf(clusterStatus(), 'Ready') === 'Ready' ? clusterStatus() : undefined,
    )
    expect(status).toMatchObject({
      endpoint: 'orders-broker.shop.svc.cluster.local:9092',
      brokers: { ready: 5, desired: 5, summary: '5/5' },
    })
    await pause(300)
    api.forgetCalls()
    await api
      .bystander()
      .apply(RESOURCES.configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: at('other') }, user)
    await pause(300)
    expect(api.writes.filter(({ resource, caller }) => caller === 'one' && resource.plural !== 'leases')).toEqual([])
  })

  test('keeps the size that an autoscaler sets through its scale subresource (gaps 1 to 3)', async () => {
    await applyCluster({ brokers: { replicas: 2 }, scaling: { mode: 'External' } })
    startOperator()
    await until('the size', () => replicas() === 2)
    await api.bystander().scale(CLUSTER, at('orders'), 6, { manager: 'hpa' })
    await until('the new size', () => replicas() === 6)
    await applyCluster({ scaling: { mode: 'External' }, brokers: { config: { cacheBytes: 268_435_456 } } })
    await pause(300)
    expect(replicas()).toBe(6)
  })

  test('loses what its spec does not ask for any more', async () => {
    await applyCluster({
      networkPolicy: { enabled: true },
      listeners: [
        { name: 'a', port: 9092 },
        { name: 'b', port: 9094 },
      ],
    })
    startOperator()
    await until('the policy', () => api.get(RESOURCES.networkPolicies, at('orders-broker')))
    await until('the second Service', () => api.get(RESOURCES.services, at('orders-broker-b')))
    await applyCluster({ listeners: [{ name: 'a', port: 9092 }] })
    await until('the end of both', () => {
      const [policy, service] = [RESOURCES.networkPolicies, RESOURCES.services]
      return api.get(policy, at('orders-broker')) === undefined && api.get(service, at('orders-broker-b')) === undefined
    })
    expect(api.get(RESOURCES.services, at('orders-broker'))).toBeDefined()
  })

  test('rests while hibernated, and says so', async () => {
    await applyCluster({ brokers: { replicas: 3 } })
    startOperator()
    await until('the size', () => replicas() === 3)
    await applyCluster({ brokers: { replicas: 3 }, hibernation: { enabled: true } })
    await until('no brokers', () => replicas() === 0)
    await until('the word', () => reasonOf(clusterStatus(), 'Ready') === 'Hibernated')
  })

  test.each([
    [{ s3: { bucket: 'records', region: 'r', credentialsSecretRef: 'keys' } }, 'SecretMissing', 'Secret keys'],
    [
      { listeners: [{ name: 'a', port: 9092, mode: 'perBroker', tls: { selfSigned: true } }] },
      'NotSupported',
      'listener a',
    ],
    [{ listeners: [{ name: 'a', port: 9092, tls: { secretRef: 'its-own' } }] }, 'SecretMissing', 'Secret its-own'],
  ])('that cannot be carried out as it is says what to change: %j', async (spec, reason, words) => {
    await applyCluster(spec)
    startOperator()
    const status = await until('a refusal', () =>
      reasonOf(clusterStatus(), 'Accepted') === reason ? clusterStatus() : undefined,
    )
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason })
    expect(status.conditions?.find(({ type }) => type === 'Stalled')?.message).toContain(words)
    expect(deployment()).toBeUndefined()
  })

  const secret = (name: string, value: string) =>
    api
      .bystander()
      .apply(
        RESOURCES.secrets,
        { apiVersion: 'v1', kind: 'Secret', metadata: at(name), stringData: { a: value } },
        user,
      )
  const secretsVersion = (): unknown => {
    const annotations: unknown = Object(deployment()?.spec).template?.metadata?.annotations
    return Object(annotations)['kafscale.io/secrets-version']
  }

  test.each<[string, Record<string, unknown>]>([
    ['s3.credentialsSecretRef', { s3: { bucket: 'records', region: 'r', credentialsSecretRef: 'keys' } }],
    ['etcd.secretRef', { etcd: { endpoints: ['http://etcd:2379'], secretRef: 'keys' } }],
    ['etcd.tls.secretRef', { etcd: { endpoints: ['https://etcd:2379'], tls: { secretRef: 'keys' } } }],
  ])('waits for the Secret of %s, and replaces its pods when that changes, saying why', async (_, spec) => {
    await applyCluster({ brokers: { replicas: 2 }, ...spec })
    startOperator()
    await until('a refusal', () => reasonOf(clusterStatus(), 'Accepted') === 'SecretMissing')
    await secret('keys', '1')
    await until('the size', () => replicas() === 2)
    await makeReady()
    await until('Ready', () => reasonOf(clusterStatus(), 'Ready') === 'Ready')
    const first = secretsVersion()
    const size = replicas()
    await secret('somebody-elses', '1')
    await secret('keys', '2')
    await until('other pods', () => secretsVersion() !== first)
    expect(replicas()).toBe(size)
    await until('the reason', () => clusterStatus()?.brokers?.rolloutReasons?.includes('a Secret changed'))
    await until('the event', () => JSON.stringify(api.list(RESOURCES.events)).includes('RollingOut'))
    // Once they are replaced there is nothing left to do, whatever other Secrets there are.
    await makeReady()
    await until('Ready', () => reasonOf(clusterStatus(), 'Reconciling') === 'Settled')
    const second = secretsVersion()
    api.forgetCalls()
    await secret('somebody-elses', '2')
    await pause(300)
    expect(api.writes.filter(({ resource, caller }) => caller === 'one' && resource.plural !== 'leases')).toEqual([])
    expect(secretsVersion()).toBe(second)
  })

  test('never takes an object that is somebody else’s', async () => {
    const foreign: Manifest = { apiVersion: 'v1', kind: 'Service', metadata: at('orders-broker'), spec: { ports: [] } }
    await api.bystander().apply(RESOURCES.services, foreign, user)
    await applyCluster()
    startOperator()
    await until('the word', () => reasonOf(clusterStatus(), 'Ready') === 'NameConflict')
    expect(api.get(RESOURCES.services, at('orders-broker'))?.metadata.ownerReferences).toBeUndefined()
  })
})

describe('topics', () => {
  let broker: FolderBroker
  let admin: TopicAdmin
  let connection: BrokerConnection

  beforeAll(async () => {
    broker = await FolderBroker.start()
    brokerPort = broker.port
    const address = { host: '127.0.0.1', port: brokerPort, clientId: 'test', clock: systemClock, timeoutMs: 5000 }
    connection = await BrokerConnection.open(address)
    admin = new TopicAdmin(connection)
  })

  afterAll(async () => {
    connection.close()
    await broker.stop()
  })

  const liveTopic = async (name: string) => (await admin.describe([name])).get(name)

  test('are created, grown and altered through the Kafka protocol, and show what is (gaps 6 to 8, 11)', async () => {
    await applyCluster()
    await applyTopic('a', { topicName: 'Orders_V1', retentionMs: 1000 })
    startOperator()
    await until('Ready', () => reasonOf(topicStatusOf('a'), 'Ready') === 'Ready')
    expect(await liveTopic('Orders_V1')).toMatchObject({ partitions: 2, config: { 'retention.ms': '1000' } })
    expect(topicStatusOf('a')).toMatchObject({
      topicName: 'Orders_V1',
      partitionCount: 2,
      config: { 'retention.ms': '1000' },
    })
    await applyTopic('a', { topicName: 'Orders_V1', partitions: 4, retentionMs: 2000 })
    await until('growth', () => topicStatusOf('a')?.partitionCount === 4)
    expect((await liveTopic('Orders_V1'))?.config).toEqual({ 'retention.ms': '2000' })
  })

  test('that are paused are left as they are, and go on by themselves', async () => {
    await applyCluster()
    await applyTopic('rests')
    startOperator()
    await until('Ready', () => reasonOf(topicStatusOf('rests'), 'Ready') === 'Ready')
    const until5 = new Date(Date.now() + 5000).toISOString().replace(/\.\d+Z$/, 'Z')
    const paused = topic('rests', { partitions: 3 })
    const annotations = { 'kafscale.io/pause': 'all', 'kafscale.io/pause-until': until5 }
    await api.bystander().apply(TOPIC, { ...paused, metadata: { ...paused.metadata, annotations } }, user)
    await until('the pause', () => reasonOf(topicStatusOf('rests'), 'Paused') === 'Paused')
    expect(reasonOf(topicStatusOf('rests'), 'ConfigInSync')).toBe('Drifted')
    expect((await liveTopic('rests'))?.partitions).toBe(2)
    await until('growth', () => topicStatusOf('rests')?.partitionCount === 3)
    expect(reasonOf(topicStatusOf('rests'), 'Paused')).toBe('NotPaused')
  })

  test('that are made before their cluster follow when it comes', async () => {
    await applyTopic('early')
    startOperator()
    await until('the word', () => reasonOf(topicStatusOf('early'), 'Ready') === 'ClusterMissing')
    await applyCluster()
    await until('Ready', () => reasonOf(topicStatusOf('early'), 'Ready') === 'Ready')
  })

  test('that the brokers refuse say why, and do not hold up the others', async () => {
    await applyCluster()
    await applyTopic('fine')
    await applyTopic('wrong', { topicName: '..' })
    startOperator()
    await until('Ready', () => reasonOf(topicStatusOf('fine'), 'Ready') === 'Ready')
    await until('the word', () => reasonOf(topicStatusOf('wrong'), 'Ready') === 'InvalidSpec')
    expect(reasonOf(topicStatusOf('wrong'), 'Stalled')).toBe('InvalidSpec')
  })

  test('of two objects for one topic the older holds it, and the other takes over when that goes', async () => {
    await applyCluster()
    await applyTopic('older', { topicName: 'shared' })
    await pause(1100)
    await applyTopic('younger', { topicName: 'shared', partitions: 3 })
    startOperator()
    await until('the word', () => reasonOf(topicStatusOf('younger'), 'Ready') === 'ResourceConflict')
    expect((await liveTopic('shared'))?.partitions).toBe(2)
    await api.bystander().delete(TOPIC, at('older'))
    await until('the younger', () => topicStatusOf('younger')?.partitionCount === 3)
  })

  test('go with their objects only when the spec says so (gap 6)', async () => {
    await applyCluster()
    await applyTopic('kept')
    await applyTopic('gone', { deletionPolicy: 'Delete' })
    startOperator()
    for (const name of ['kept', 'gone']) await until('Ready', () => reasonOf(topicStatusOf(name), 'Ready') === 'Ready')
    for (const name of ['kept', 'gone']) await api.bystander().delete(TOPIC, at(name))
    await until('the end of both', () => api.list(TOPIC).length === 0)
    expect(await liveTopic('kept')).toBeDefined()
    expect(await liveTopic('gone')).toBeUndefined()
  })

  test('never keep a namespace from going: without a cluster the finalizer is let go, with an event', async () => {
    await applyCluster()
    await applyTopic('orphan', { deletionPolicy: 'Delete' })
    startOperator()
    await until('the finalizer', () => (api.get(TOPIC, at('orphan'))?.metadata.finalizers ?? []).length > 0)
    await api.bystander().delete(CLUSTER, at('orders'))
    await api.bystander().delete(TOPIC, at('orphan'))
    await until('the end', () => api.get(TOPIC, at('orphan')) === undefined)
    await until('the event', () => JSON.stringify(api.list(RESOURCES.events)).includes('TopicOrphaned'))
    expect(await liveTopic('orphan')).toBeDefined()
  })

  test('do not keep a namespace from going that has the operator in it: they are let go before that ends', async () => {
    const person = api.bystander()
    await person.create(RESOURCES.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, user)
    await applyCluster()
    await applyTopic('held', { deletionPolicy: 'Delete' })
    startOperator()
    const finalizers = () => api.get(TOPIC, at('held'))?.metadata.finalizers ?? []
    await until('Ready', () => reasonOf(topicStatusOf('held'), 'Ready') === 'Ready')
    expect(finalizers()).not.toEqual([])
    // Kubernetes ends the pods of a namespace, that of the operator among them, before it deletes anything else.
    const pod: Manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { ...at('operator'), finalizers: ['test/runs'] } }
    await person.apply(RESOURCES.pods, pod, user)
    await person.delete(RESOURCES.namespaces, { name: 'shop' })
    await pause(200)
    expect(api.get(TOPIC, at('held'))?.metadata).toMatchObject({ finalizers: ['kafscale.io/topic'] })
    await stops.pop()?.()
    expect(finalizers()).toEqual([])
    await person.apply(RESOURCES.pods, { ...pod, metadata: { ...at('operator'), finalizers: [] } }, user)
    await until('the end', () => api.get(RESOURCES.namespaces, { name: 'shop' }) === undefined)
  })

  test('nor one whose brokers are gone, though the cluster is still there', async () => {
    const person = api.bystander()
    await person.create(RESOURCES.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, user)
    await applyCluster()
    await applyTopic('held', { deletionPolicy: 'Delete' })
    startOperator()
    await until('Ready', () => reasonOf(topicStatusOf('held'), 'Ready') === 'Ready')
    const pod: Manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { ...at('broker'), finalizers: ['test/runs'] } }
    await person.apply(RESOURCES.pods, pod, user)
    await person.delete(RESOURCES.namespaces, { name: 'shop' })
    const there = brokerPort
    brokerPort = 1
    // Any change of the cluster, as when its brokers become fewer.
    await applyCluster({ networkPolicy: { enabled: true } })
    await until('the finalizer taken away', () => (api.get(TOPIC, at('held'))?.metadata.finalizers ?? []).length === 0)
    await pause(200)
    expect(api.get(TOPIC, at('held'))?.metadata.finalizers ?? []).toEqual([])
    brokerPort = there
  })
})
