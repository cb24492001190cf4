// The figures in the status of a KafScaleTopic: the whole operator, the fake API server over HTTP, a real broker.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { Broker } from '../../broker/broker.ts'
import { loadSettings } from '../../broker/load-settings.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { runOperator, until } from '../../testing/operator.ts'
import { SmallClient } from '../../testing/small-client.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import { TOPIC, type TopicStatus, topicSchema } from '../types/kaf-scale-topic.ts'

const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const apiVersion = 'kafscale.io/v1alpha1'
const LOOK_MS = 100

let folder: string
let broker: Broker
let client: SmallClient
let api: KubeApi
let port: number
let stops: (() => Promise<void>)[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-topic-figures-'))
  const settings = loadSettings({
    KAFSCALE_DATA_DIR: folder,
    KAFSCALE_BROKER_ADDR: '127.0.0.1:0',
    KAFSCALE_METRICS_ADDR: '127.0.0.1:0',
  })
  broker = await Broker.start({ settings, log: createLogger('silent'), onLost: () => {} })
  client = await SmallClient.open(broker.port)
})
afterAll(async () => {
  client.close()
  await broker.stop()
  await rm(folder, { recursive: true })
})

beforeEach(async () => {
  api = await KubeApi.start()
  port = broker.port
  stops = []
  const spec = { s3: { bucket: 'records', region: 'r' }, etcd: { endpoints: ['http://etcd:2379'] } }
  await api.bystander().apply(CLUSTER, { apiVersion, kind: CLUSTER.kind, metadata: at('main'), spec }, user)
})
afterEach(async () => {
  for (const stop of stops) await stop()
  await api.stop()
})

const start = (figuresEveryMs = LOOK_MS): void => {
  const { stop } = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port }), {
    figuresEveryMs,
  })
  stops.push(stop)
}
const putTopic = (name: string) =>
  api
    .bystander()
    .apply(
      TOPIC,
      { apiVersion, kind: TOPIC.kind, metadata: at(name), spec: { clusterRef: 'main', partitions: 2 } },
      user,
    )
const statusOf = (name: string): TopicStatus | undefined => topicSchema.parse(api.get(TOPIC, at(name))).status
const latest = (name: string): number | undefined => statusOf(name)?.offsets?.latest
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const topicWrites = () =>
  api.writes.filter(({ resource, caller }) => caller === 'one' && resource.plural === TOPIC.plural)

test('follow what is produced and committed, and cost no write when nothing is', async () => {
  await putTopic('followed')
  start()
  await until('the first figures', () => latest('followed') === 0)
  expect(statusOf('followed')).toMatchObject({ bytes: 0, offsets: { earliest: 0, latest: 0 } })
  await client.produce('followed', 1, 20)
  await client.commit('billing', 'followed', 1, 5)
  await until('what was produced', () => latest('followed') === 20 && statusOf('followed')?.groups?.length === 1)
  expect(statusOf('followed')).toMatchObject({
    partitionCount: 2,
    offsets: { earliest: 0, latest: 20 },
    groups: [{ group: 'billing', lag: 15, state: 'Empty' }],
  })
  expect(statusOf('followed')?.bytes).toBeGreaterThan(100)
  // At first two looks have to agree, and something of the cluster may still be written.
  await until('many looks without a write', async () => {
    api.forgetCalls()
    await pause(15 * LOOK_MS)
    return topicWrites().length === 0
  })
})

test('stay as they were while the brokers are away', async () => {
  await putTopic('kept')
  start()
  await until('the topic', () => latest('kept') === 0)
  await client.produce('kept', 0, 12)
  await until('what was produced', () => latest('kept') === 12)
  const { bytes, offsets } = statusOf('kept') ?? {}
  port = 1
  const isAway = () => statusOf('kept')?.phase === 'ClusterNotReady'
  await until('the word that they are away', isAway)
  expect(statusOf('kept')).toMatchObject({ bytes, offsets })
})

test('brokers that are away for a moment cost no write', async () => {
  await putTopic('steady')
  start(60_000)
  await until('the topic', () => statusOf('steady')?.phase === 'Ready' && latest('steady') === 0)
  port = 1
  api.forgetCalls()
  // Something of the cluster makes its topics be looked at.
  await api.bystander().apply(
    TOPIC,
    {
      apiVersion,
      kind: TOPIC.kind,
      metadata: at('another'),
      spec: { clusterRef: 'main', partitions: 1 },
    },
    user,
  )
  await until('the word on the new one', () => statusOf('another')?.phase === 'ClusterNotReady')
  expect(statusOf('steady')?.phase).toBe('Ready')
  expect(topicWrites().filter(({ name }) => name === 'steady')).toEqual([])
})

test('of a topic that was made anew are those of the new one', async () => {
  await putTopic('anew')
  start()
  await until('the topic', () => latest('anew') === 0)
  await client.produce('anew', 0, 30)
  await until('what was produced', () => latest('anew') === 30)
  const id = statusOf('anew')?.topicId
  await client.admin.execute([{ kind: 'delete', name: 'anew' }])
  await until('the new one', () => statusOf('anew')?.topicId !== id && latest('anew') === 0)
  expect(statusOf('anew')).toMatchObject({ bytes: 0, offsets: { earliest: 0, latest: 0 } })
})
