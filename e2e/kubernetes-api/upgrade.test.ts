// The upgrade from the previous chart, with objects stored under its CRDs: they stay valid, the workload stays the one it was,
// and the operator, with the rights of the new chart, makes of them what they say.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import { Broker } from '../../broker/broker.ts'
import { systemClock } from '../../broker/clock.ts'
import { loadSettings } from '../../broker/load-settings.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { kubeconfigConnection } from '../../operator/runtime/connection.ts'
import { HttpKubeClient } from '../../operator/runtime/http-kube-client.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { TOPIC } from '../../operator/types/kaf-scale-topic.ts'
import { type ApiCluster, startApiCluster } from '../../testing/kubernetes/api-cluster.ts'
import { runHelm } from '../../testing/kubernetes/kubectl.ts'
import { type PretendedKubelet, pretendKubelet } from '../../testing/kubernetes/pretended-kubelet.ts'
import { type RunningOperator, runOperator, until } from '../../testing/operator.ts'
import { etcd, helm, kubernetes } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'

jest.setTimeout(180_000)

const NAMESPACE = 'shop'
const PREVIOUS = join(import.meta.dirname, 'previous/kafscale-0.0.1.tgz')
const CURRENT = join(import.meta.dirname, '../../charts/kafscale')
/** No operator pods: there are no nodes. */
const VALUES = ['--set', 'replicas=0']

const object = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind,
  metadata: { name, namespace: NAMESPACE },
  spec,
})

/** Fields of all parts of the previous schema, and defaults that it filled in. */
const STORED: readonly object[] = [
  object('KafScaleCluster', 'orders', {
    brokers: {
      replicas: 2,
      resources: { requests: { cpu: '500m', memory: '512Mi' }, limits: { memory: '1Gi' } },
      config: { cacheBytes: 268_435_456 },
      podTemplate: { metadata: { annotations: { 'example.com/team': 'a' } }, spec: { priorityClassName: 'high' } },
      maxUnavailable: 1,
    },
    s3: {
      bucket: 'my-records',
      region: 'eu-central-1',
      credentialsSecretRef: 'my-bucket-keys',
      provision: { lifecycle: { mode: 'Preview' }, policy: { mode: 'Preview' } },
    },
    etcd: { endpoints: ['http://etcd-0.etcd:2379', 'http://etcd-1.etcd:2379'] },
    listeners: [
      { name: 'inside', port: 9092 },
      { name: 'outside', port: 9094, type: 'nodePort', advertisedHost: 'kafka.example.com' },
    ],
    scaling: { mode: 'Recommend', max: 6, signals: { lag: { targetSeconds: 60 }, cpu: {} } },
    topicDefaults: { partitions: 3, config: { 'max.message.bytes': 2_000_000 } },
    retention: { ms: 604_800_000 },
    monitoring: { labels: { release: 'prometheus' } },
    networkPolicy: { enabled: true },
  }),
  object('KafScaleCluster', 'managed', {
    s3: { bucket: 'my-records', region: 'eu-central-1', prefix: 'managed' },
    etcd: { managed: { replicas: 3, storage: { size: '20Gi' } } },
    hibernation: { enabled: true },
  }),
  object('KafScaleTopic', 'orders', {
    clusterRef: 'orders',
    topicName: 'shop.Orders_V1',
    partitions: 4,
    retentionMs: 86_400_000,
    config: { 'max.message.bytes': 1_000_000 },
  }),
  object('KafScaleTopic', 'passing', {
    clusterRef: 'orders',
    partitions: 1,
    replicationFactor: 3,
    configPolicy: 'Additive',
    deletionPolicy: 'Delete',
  }),
]

/** What an operator of then told. */
const told = (generation: number) => ({
  observedGeneration: generation,
  phase: 'Ready',
  conditions: ['Ready', 'Accepted', 'EtcdReady', 'BucketReady'].map(type => ({
    type,
    status: 'True',
    observedGeneration: generation,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    reason: type,
    message: 'As it was.',
  })),
})

const listSchema = z.object({
  items: z.array(
    z.looseObject({
      apiVersion: z.string(),
      kind: z.string(),
      metadata: z.looseObject({ name: z.string(), generation: z.number() }),
      spec: z.record(z.string(), z.unknown()),
    }),
  ),
})

const parts = Promise.all([kubernetes(), etcd(), helm()])

await suiteWith('an upgrade from the previous chart', parts, ([kubernetesPrograms, etcdPrograms, helmProgram]) => {
  let folder: string
  let api: ApiCluster
  let person: HttpKubeClient
  let account: HttpKubeClient | undefined
  let broker: Broker
  let kubelet: PretendedKubelet
  let operator: RunningOperator | undefined

  const kubectl = (...args: string[]): Promise<string> => api.kubectl.run(['-n', NAMESPACE, ...args])
  const stored = async () => listSchema.parse(JSON.parse(await kubectl('get', 'ksc,kst', '-o', 'json'))).items
  const connect = async (file: string): Promise<HttpKubeClient> =>
    new HttpKubeClient({
      connection: await kubeconfigConnection(file, systemClock),
      clock: systemClock,
      userAgent: 'test',
    })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-upgrade-'))
    api = await startApiCluster({ kubernetes: kubernetesPrograms, etcd: etcdPrograms })
    await api.kubectl.run(['create', 'namespace', NAMESPACE])
    person = await connect(api.kubeconfig)
    kubelet = pretendKubelet(person, NAMESPACE)
    const settings = loadSettings({
      KAFSCALE_DATA_DIR: join(folder, 'broker'),
      KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
      KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
    })
    broker = await Broker.start({ settings, log: createLogger('silent'), onLost: () => {} })
  })

  afterAll(async () => {
    await operator?.stop()
    await kubelet?.stop()
    await broker?.stop()
    await Promise.all([person?.close(), account?.close()])
    await api?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('keeps every stored object as it is, and takes it again', async () => {
    await runHelm(helmProgram, api.kubeconfig, ['install', 'kafscale', PREVIOUS, '-n', NAMESPACE, ...VALUES])
    const crds = ['kafscaleclusters', 'kafscaletopics'].map(name => `crd/${name}.kafscale.io`)
    await api.kubectl.run(['wait', ...crds, '--for=condition=Established', '--timeout=60s'])
    await kubectl('create', 'secret', 'generic', 'my-bucket-keys', '--from-literal=a=b')
    await api.kubectl.run(['create', 'priorityclass', 'high', '--value=1000'])
    await api.kubectl.apply(STORED, '--validate=strict')
    for (const { kind, metadata } of await stored()) {
      const resource = kind === CLUSTER.kind ? CLUSTER : TOPIC
      const { name } = metadata
      const manifest = { apiVersion: 'kafscale.io/v1alpha1', kind, metadata: { name, namespace: NAMESPACE } }
      const status = told(metadata.generation)
      await person.applyStatus(resource, { ...manifest, status }, { manager: 'kafscale-operator', force: true })
    }
    const before = await stored()
    expect(before).toHaveLength(STORED.length)
    await runHelm(helmProgram, api.kubeconfig, ['upgrade', 'kafscale', CURRENT, '-n', NAMESPACE, ...VALUES])
    const definition = (): Promise<string> => api.kubectl.run(['get', 'crd/kafscaletopics.kafscale.io', '-o', 'json'])
    await until('the new definitions', async () => (await definition()).includes('"unanswered"'))
    const after = await stored()
    expect(after.map(({ kind, metadata }) => [kind, metadata.name])).toEqual(
      before.map(({ kind, metadata }) => [kind, metadata.name]),
    )
    // New fields may have got defaults; nothing that was there has changed.
    for (const [index, { spec }] of before.entries()) expect(after[index]?.spec).toMatchObject(spec)
    await api.kubectl.apply(STORED, '--validate=strict')
    // Whatever is stored is what the API server would take.
    const again = after.map(({ apiVersion, kind, metadata: { name }, spec }) => ({
      apiVersion,
      kind,
      metadata: { name, namespace: NAMESPACE },
      spec,
    }))
    await api.kubectl.apply(again, '--dry-run=server', '--validate=strict')
  })

  test('leaves objects that the operator of the new chart makes true, with the rights of that chart', async () => {
    const token = await kubectl('create', 'token', 'kafscale', '--duration=1h')
    account = await connect(await api.credentials.tokenKubeconfig('operator', token.trim(), NAMESPACE))
    operator = runOperator(account, 'in-process', () => ({ host: '127.0.0.1', port: broker.port }))
    const told = (what: string, path: string) => api.kubectl.field(['-n', NAMESPACE, what], path)
    const reason = (type: string) => `.status.conditions[?(@.type=="${type}")].reason`
    await until('hibernation', async () => (await told('ksc/managed', reason('Ready'))) === 'Hibernated')
    await until('two brokers', async () => (await told('ksc/orders', '.status.brokers.summary')) === '2/2')
    await until('four partitions', async () => (await told('kst/orders', '.status.partitionCount')) === '4')
    await kubectl('wait', 'ksc/orders', 'kst/orders', 'kst/passing', '--for=condition=Ready', '--timeout=90s')
    // Conditions that did not exist are there, and times of those that did not change stay.
    expect(await told('ksc/orders', reason('ScalingActive'))).not.toBe('')
    expect(await told('kst/orders', '.status.conditions[?(@.type=="Ready")].lastTransitionTime')).toBe(
      '2026-01-01T00:00:00Z',
    )
    const finalizer = '.metadata.finalizers[0]'
    await until('the finalizer', async () => (await told('kst/passing', finalizer)) === 'kafscale.io/topic')
    await kubectl('delete', 'kst/passing', '--timeout=30s')
  })

  test('is undone by nothing when it is done again, and an uninstall keeps what is stored', async () => {
    const uid = () => api.kubectl.field(['-n', NAMESPACE, 'deploy/orders-broker'], '.metadata.uid')
    const before = await uid()
    await runHelm(helmProgram, api.kubeconfig, ['upgrade', 'kafscale', CURRENT, '-n', NAMESPACE, ...VALUES])
    expect(await uid()).toBe(before)
    await operator?.stop()
    operator = undefined
    await runHelm(helmProgram, api.kubeconfig, ['uninstall', 'kafscale', '-n', NAMESPACE])
    expect((await stored()).map(({ metadata }) => metadata.name)).toEqual(['managed', 'orders', 'orders'])
    expect(await uid()).toBe(before)
    await runHelm(helmProgram, api.kubeconfig, ['install', 'kafscale', CURRENT, '-n', NAMESPACE, ...VALUES])
    expect(await uid()).toBe(before)
  })
})
