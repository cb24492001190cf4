// How an operator that is told to stop gives up its lead, while it is in the middle of something that takes long.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { type RunningOperator, runOperator, until } from '../testing/operator.ts'
import type { OperatorOptions } from './options.ts'
import type { Manifest } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'
import { TOPIC } from './types/kaf-scale-topic.ts'

const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const apiVersion = 'kafscale.io/v1alpha1'

let api: KubeApi
/** A broker that takes connections and never answers. */
let silent: Server
let sockets: Set<Socket>
let running: RunningOperator[]

beforeEach(async () => {
  api = await KubeApi.start()
  sockets = new Set()
  running = []
  silent = createServer(socket => {
    sockets.add(socket)
    socket.resume().on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
})

afterEach(async () => {
  api.faults.heal()
  await Promise.all(running.map(({ stop }) => stop()))
  for (const socket of sockets) socket.destroy()
  silent.close()
  await api.stop()
})

function start(identity: string, more: Partial<OperatorOptions> = {}): RunningOperator {
  const address = silent.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const started = runOperator(api.client(identity), identity, () => ({ host: '127.0.0.1', port }), more)
  running.push(started)
  return started
}

const applyCluster = (s3: object = { bucket: 'records', region: 'r' }) => {
  const spec = { s3, etcd: { endpoints: ['http://etcd:2379'] } }
  return api.bystander().apply(CLUSTER, { apiVersion, kind: CLUSTER.kind, metadata: at('main'), spec }, user)
}
const applyTopic = () => {
  const spec = { clusterRef: 'main', partitions: 2 }
  return api.bystander().apply(TOPIC, { apiVersion, kind: TOPIC.kind, metadata: at('orders'), spec }, user)
}
const lease = (): Manifest | undefined => api.get(RESOURCES.leases, at('kafscale-operator'))
const holder = (): unknown => Object(lease()?.spec).holderIdentity

test('a pass that waits for brokers holds up neither the lease nor the end', async () => {
  await applyCluster()
  await applyTopic()
  const first = start('first')
  await until('a question that nobody answers', () => sockets.size > 0)
  const began = performance.now()
  const ended = first.stop()
  await until('the lease', () => holder() === '')
  await ended
  // Brokers have 20 seconds to answer.
  expect(performance.now() - began).toBeLessThan(5000)
  await until('no connection', () => sockets.size === 0)
})

test('that brokers were not waited for is not told of them', async () => {
  await applyCluster()
  await applyTopic()
  const first = start('first')
  await until('a question that nobody answers', () => sockets.size > 0)
  await first.stop()
  expect(JSON.stringify(api.get(TOPIC, at('orders'))?.status ?? {})).not.toContain('ClusterNotReady')
})

test('a bucket that does not answer is not waited for', async () => {
  const address = silent.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const data = { KAFSCALE_S3_ACCESS_KEY: 'a2V5', KAFSCALE_S3_SECRET_KEY: 'a2V5' }
  await api.bystander().apply(RESOURCES.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: at('keys'), data }, user)
  await applyCluster({ bucket: 'records', endpoint: `http://127.0.0.1:${port}`, credentialsSecretRef: 'keys' })
  const first = start('first', { usesBuckets: true })
  await until('a question that nobody answers', () => sockets.size > 0)
  const began = performance.now()
  await first.stop()
  expect(holder()).toBe('')
  // Buckets have 15 seconds to answer.
  expect(performance.now() - began).toBeLessThan(5000)
})
