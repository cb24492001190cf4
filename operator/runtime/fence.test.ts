// With a client whose writes end when the test says so.

import { expect, test } from '@jest/globals'
import { NotLeader } from './errors.ts'
import { Fence } from './fence.ts'
import type { KubeClient } from './kube-client.ts'
import type { Manifest } from './object.ts'
import { RESOURCES } from './resource.ts'

const object: Manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'b' } }
const at = { name: 'a', namespace: 'b' }
const manager = 'm'

function slowClient() {
  const writes: { readonly end: () => void; readonly signal: AbortSignal | undefined }[] = []
  const write = ({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<Manifest> =>
    new Promise(resolve => writes.push({ end: () => resolve(object), signal }))
  const refuse = (): never => {
    throw new Error('nobody asks for this here')
  }
  const client: KubeClient = {
    get: async () => object,
    list: refuse,
    watch: refuse,
    logs: refuse,
    discover: refuse,
    apply: (_, __, options) => write(options),
    applyStatus: (_, __, options) => write(options),
    scale: async (_, __, ___, options) => void (await write(options)),
    create: (_, __, options) => write(options),
    update: (_, __, options) => write(options),
    delete: async (_, __, options) => void (await write(options)),
  }
  return { client, writes }
}

const everyWrite = ({ client }: Fence): (() => Promise<unknown>)[] => [
  () => client.apply(RESOURCES.configMaps, object, { manager, force: true }),
  () => client.applyStatus(RESOURCES.configMaps, object, { manager, force: true }),
  () => client.scale(RESOURCES.deployments, at, 3, { manager }),
  () => client.create(RESOURCES.configMaps, object, { manager }),
  () => client.update(RESOURCES.configMaps, object, { manager }),
  () => client.delete(RESOURCES.configMaps, at),
]

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const later = new Promise<boolean>(resolve => setImmediate(resolve, false))
  return Promise.race([promise.then(() => true), later])
}

test('who does not lead reads, and writes nothing', async () => {
  const { client, writes } = slowClient()
  const fence = new Fence(client, () => false)
  for (const write of everyWrite(fence)) await expect(write()).rejects.toThrow(NotLeader)
  expect(writes).toEqual([])
  expect(await fence.client.get(RESOURCES.configMaps, at)).toBe(object)
})

test('is closed when the last write has ended, and lets none through from then on', async () => {
  const { client, writes } = slowClient()
  const fence = new Fence(client, () => true)
  const underway = everyWrite(fence).map(write => write())
  const closed = fence.close()
  for (const write of everyWrite(fence)) await expect(write()).rejects.toThrow(NotLeader)
  for (const { end } of writes) {
    expect(await settled(closed)).toBe(false)
    end()
  }
  await closed
  await Promise.all(underway)
  expect(writes).toHaveLength(6)
})

test('is closed at once when nothing is written', async () => {
  await new Fence(slowClient().client, () => true).close()
})

test('tells writes when it closes, so that none is tried again, and when their caller gives up', async () => {
  const { client, writes } = slowClient()
  const fence = new Fence(client, () => true)
  const caller = new AbortController()
  const mine = fence.client.create(RESOURCES.configMaps, object, { manager, signal: caller.signal })
  const others = fence.client.create(RESOURCES.configMaps, object, { manager })
  caller.abort()
  expect(writes.map(({ signal }) => signal?.aborted)).toEqual([true, false])
  const closed = fence.close()
  expect(writes.map(({ signal }) => signal?.aborted)).toEqual([true, true])
  for (const { end } of writes) end()
  await Promise.all([closed, mine, others])
})
