// A story in which the operator does everything that it ever does, at least once. What it asks of the API server meanwhile is
// compared with its rights: against the fake server, and against a real one with its audit log.

import { selectorLabels } from '../operator/cluster/desired/names.ts'
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from '../operator/cluster/desired/pods.ts'
import { isKubeError } from '../operator/runtime/errors.ts'
import { type KubeClient, listAll } from '../operator/runtime/kube-client.ts'
import type { Manifest } from '../operator/runtime/object.ts'
import { RESOURCES, type Resource } from '../operator/runtime/resource.ts'
import { CLUSTER, clusterSchema } from '../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../operator/types/kaf-scale-topic.ts'
import { USER } from '../operator/types/kaf-scale-user.ts'
import { until } from './operator.ts'

const NAMESPACE = 'shop'
const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: NAMESPACE, name })

/** The object, or undefined when there is none. */
export async function find(client: KubeClient, resource: Resource, name: string): Promise<Manifest | undefined> {
  return client.get(resource, at(name)).catch((error: unknown) => {
    if (isKubeError(error, 'NotFound')) return undefined
    throw error
  })
}

const cluster = (spec: Record<string, unknown>): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: at('orders'),
  spec: { s3: { bucket: 'records', region: 'r' }, ...spec },
})

/** A pod of the cluster, for a server without controllers and nodes that make any. */
const PLAYED_BROKER: Manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...at('orders-broker-played'),
    labels: selectorLabels({ cluster: clusterSchema.parse(cluster({})) }, 'broker'),
  },
  spec: {
    securityContext: { ...RESTRICTED_POD },
    containers: [{ name: 'broker', image: 'none', securityContext: { ...RESTRICTED_CONTAINER } }],
  },
}

/** A member of etcd, likewise; it tells that it has the data of the first life. */
const PLAYED_MEMBER: Manifest = {
  ...PLAYED_BROKER,
  metadata: { ...at('orders-etcd-0'), labels: selectorLabels({ cluster: clusterSchema.parse(cluster({})) }, 'etcd') },
}
const MEMBER_STATUS = {
  initContainerStatuses: [
    {
      name: 'prepare',
      image: 'none',
      imageID: 'none',
      ready: true,
      restartCount: 0,
      state: {
        terminated: { exitCode: 0, message: JSON.stringify({ member: 'orders-etcd-0', life: 1, verdict: 'kept' }) },
      },
    },
  ],
}

const ALICE: Manifest = {
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleUser',
  metadata: at('alice'),
  spec: { clusterRef: 'orders', authentication: { type: 'scram-sha-512' } },
}
const ISSUED: Manifest = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: at('orders-listener-c-tls'),
  data: { 'tls.crt': '', 'tls.key': '', 'ca.crt': '' },
}

/** `person` may do everything. The namespace is there, and the kinds of the Prometheus operator and of cert-manager are. */
export async function operatorStory(person: KubeClient): Promise<void> {
  const there = (resource: Resource, name: string) =>
    until(`${resource.kind} ${name}`, () => find(person, resource, name))
  const gone = (resource: Resource, name: string) =>
    until(`the end of ${resource.kind} ${name}`, async () => (await find(person, resource, name)) === undefined)
  const topic: Manifest = {
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleTopic',
    metadata: at('orphan'),
    spec: { clusterRef: 'orders', partitions: 1, deletionPolicy: 'Delete' },
  }
  const everything = {
    networkPolicy: { enabled: true },
    console: {},
    listeners: [
      { name: 'a', port: 9092 },
      { name: 'b', port: 9094, authentication: { type: 'scram-sha-512' } },
      { name: 'c', port: 9095, tls: { issuerRef: { name: 'corp' } } },
    ],
    brokers: { replicas: 4 },
    scaling: { mode: 'Auto', max: 5 },
  }
  await person.apply(CLUSTER, cluster(everything), user)
  await person.apply(TOPIC, topic, user)
  await person.apply(USER, ALICE, user)
  // Nobody plays cert-manager but the story.
  await there(RESOURCES.certificates, 'orders-listener-c-tls')
  await person.apply(RESOURCES.secrets, ISSUED, user)
  await there(RESOURCES.prometheusRules, 'orders-broker')
  await until(
    'the finalizer',
    async () => ((await find(person, TOPIC, 'orphan'))?.metadata.finalizers ?? []).length > 0,
  )
  await there(RESOURCES.secrets, 'alice')
  await person.delete(USER, at('alice'))
  await gone(USER, 'alice')
  // Fewer brokers: one of them is marked to go.
  await person.apply(RESOURCES.pods, PLAYED_BROKER, user)
  await there(RESOURCES.deployments, 'orders-broker')
  await there(RESOURCES.deployments, 'orders-console')
  const isWanted = async (size: number) =>
    Object((await find(person, RESOURCES.deployments, 'orders-broker'))?.spec).replicas === size
  await until('four brokers', () => isWanted(4))
  await person.apply(CLUSTER, cluster({ ...everything, scaling: { mode: 'Auto', max: 3 } }), user)
  await until('three brokers', () => isWanted(3))
  await person.delete(RESOURCES.pods, PLAYED_BROKER.metadata)
  await restoreEtcd(person, everything)
  await gone(RESOURCES.pods, 'orders-etcd-0')
  // Objects that are there before they are seen are asked for, and those that are not wanted any more are removed.
  await person.apply(
    CLUSTER,
    cluster({
      s3: { bucket: 'records', region: 'r', serviceAccount: { name: 'mine' } },
      etcd: { managed: { snapshots: { enabled: false } } },
    }),
    user,
  )
  await gone(RESOURCES.deployments, 'orders-console')
  await gone(RESOURCES.cronJobs, 'orders-etcd-snapshot')
  await until('the end of the finalizer', async () => !(await isHeld(person)))
  await gone(RESOURCES.networkPolicies, 'orders-broker')
  await gone(RESOURCES.serviceAccounts, 'orders-broker')
  await person.delete(CLUSTER, at('orders'))
  await until('the topic without a cluster', async () =>
    JSON.stringify((await find(person, TOPIC, 'orphan'))?.status)?.includes('ClusterMissing'),
  )
  await person.delete(TOPIC, at('orphan'))
  const events = async () => JSON.stringify(await listAll(person, RESOURCES.events, { namespace: NAMESPACE }))
  await until('the event', async () => (await events()).includes('TopicOrphaned'))
}

const isHeld = async (person: KubeClient): Promise<boolean> =>
  ((await find(person, CLUSTER, 'orders'))?.metadata.finalizers ?? []).length > 0

/** Its members run, and then the spec names another snapshot; from now on the records would go with the cluster. */
async function restoreEtcd(person: KubeClient, spec: Record<string, unknown>): Promise<void> {
  const set = await until('the StatefulSet', () => find(person, RESOURCES.statefulSets, 'orders-etcd'))
  const { apiVersion, kind, metadata } = set
  const status = { replicas: 3, readyReplicas: 3, updatedReplicas: 3, observedGeneration: metadata.generation }
  await person.applyStatus(RESOURCES.statefulSets, { apiVersion, kind, metadata: at('orders-etcd'), status }, user)
  const lifeOf = async (): Promise<unknown> => {
    const found = await find(person, RESOURCES.configMaps, 'orders-etcd')
    return Object(found?.data).KAFSCALE_ETCD_LIFE_STATE
  }
  await until('members that run', async () => (await lifeOf()) === 'running')
  await person.apply(RESOURCES.pods, PLAYED_MEMBER, user)
  await person.applyStatus(
    RESOURCES.pods,
    { apiVersion: 'v1', kind: 'Pod', metadata: at('orders-etcd-0'), status: MEMBER_STATUS },
    user,
  )
  const etcd = { managed: { restoreFrom: 'etcd/older.db' } }
  await person.apply(CLUSTER, cluster({ ...spec, etcd, deletionPolicy: 'Delete' }), user)
  await until('the finalizer of the cluster', () => isHeld(person))
}
