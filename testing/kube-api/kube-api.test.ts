import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { KubeClient } from '../../operator/runtime/kube-client.ts'
import type { Manifest } from '../../operator/runtime/object.ts'
import { RESOURCES } from '../../operator/runtime/resource.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { KubeApi } from './kube-api.ts'
import { Refusal } from './refusal.ts'

let api: KubeApi
let client: KubeClient

beforeEach(async () => {
  api = await KubeApi.start({
    admission: object => {
      if (JSON.stringify(object).includes('wrong')) throw new Refusal(422, 'spec.x must not be wrong')
      return object
    },
  })
  client = api.client()
})

afterEach(async () => api.stop())

const options = { manager: 'test', force: true }
const at = (name: string) => ({ namespace: 'a', name })
const cluster = (metadata: object = {}, spec: object = {}): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: { ...at('demo'), ...metadata },
  spec,
})

const child = (name: string, uid = '', finalizers: string[] = []): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    ...at(name),
    finalizers,
    ownerReferences: [{ apiVersion: 'kafscale.io/v1alpha1', kind: 'KafScaleCluster', name: 'demo', uid }],
  },
})

describe('the fake API server', () => {
  test('counts generations by the spec alone, and keeps spec and status apart', async () => {
    const made = await client.apply(CLUSTER, { ...cluster({}, { a: 1 }), status: { phase: 'x' } }, options)
    expect(made.metadata.generation).toBe(1)
    expect(made.status).toBeUndefined()
    const told = await client.applyStatus(CLUSTER, { ...cluster({}, { a: 9 }), status: { phase: 'y' } }, options)
    expect([told.spec, told.status, told.metadata.generation]).toEqual([{ a: 1 }, { phase: 'y' }, 1])
    const changed = await client.apply(CLUSTER, cluster({}, { a: 2 }), options)
    expect([changed.status, changed.metadata.generation]).toEqual([{ phase: 'y' }, 2])
  })

  test('an identical apply does not change the version', async () => {
    const first = await client.apply(CLUSTER, cluster({}, { a: 1 }), options)
    const second = await client.apply(CLUSTER, cluster({}, { a: 1 }), options)
    expect(second).toEqual(first)
  })

  test('what an object owns goes with it', async () => {
    const owner = await client.apply(CLUSTER, cluster(), options)
    await client.apply(RESOURCES.configMaps, child('mine', owner.metadata.uid), options)
    await client.apply(RESOURCES.configMaps, child('held', owner.metadata.uid, ['x/y']), options)
    await client.apply(RESOURCES.configMaps, child('other', 'somebody'), options)
    await client.delete(CLUSTER, at('demo'))
    expect(api.list(RESOURCES.configMaps).map(({ metadata }) => metadata.name)).toEqual(['held', 'other'])
    expect(api.get(RESOURCES.configMaps, at('held'))?.metadata.deletionTimestamp).toBeDefined()
    await client.apply(RESOURCES.configMaps, child('held', owner.metadata.uid), options)
    expect(api.get(RESOURCES.configMaps, at('held'))).toBeUndefined()
  })

  test('owned objects stay when they are to be orphaned', async () => {
    const owner = await client.apply(CLUSTER, cluster(), options)
    await client.apply(RESOURCES.configMaps, child('mine', owner.metadata.uid), options)
    await client.delete(CLUSTER, at('demo'), { propagation: 'Orphan' })
    expect(api.get(RESOURCES.configMaps, at('mine'))?.metadata.ownerReferences).toBeUndefined()
  })

  test('a namespace in deletion takes nothing new, and ends when it is empty', async () => {
    const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }
    await client.create(RESOURCES.namespaces, namespace, options)
    await client.apply(CLUSTER, cluster({ finalizers: ['x/y'] }), options)
    await client.delete(RESOURCES.namespaces, { name: 'a' })
    await expect(client.apply(RESOURCES.configMaps, child('new'), options)).rejects.toMatchObject({ kind: 'Forbidden' })
    expect(api.get(RESOURCES.namespaces, { name: 'a' })).toBeDefined()
    await client.apply(CLUSTER, cluster({ finalizers: [] }), options)
    expect(api.get(RESOURCES.namespaces, { name: 'a' })).toBeUndefined()
  })

  test('refuses what admission refuses', async () => {
    const applying = client.apply(CLUSTER, cluster({}, { x: 'wrong' }), options)
    await expect(applying).rejects.toMatchObject({ kind: 'Invalid', message: 'spec.x must not be wrong' })
    expect(api.list(CLUSTER)).toEqual([])
  })

  test('an apply that names a uid changes only that object', async () => {
    await expect(client.apply(CLUSTER, cluster({ uid: 'x' }), options)).rejects.toMatchObject({ kind: 'Conflict' })
    expect(api.list(CLUSTER)).toEqual([])
  })

  test('after a crash every call goes wrong, until it is healed', async () => {
    api.faults.crashAfter(1, { kind: 'reset after' })
    await client.apply(CLUSTER, cluster(), options)
    await expect(client.apply(CLUSTER, cluster({}, { a: 1 }), options)).rejects.toMatchObject({ kind: 'NoConnection' })
    expect(api.get(CLUSTER, at('demo'))?.spec).toEqual({ a: 1 })
    await expect(client.get(CLUSTER, at('demo'))).rejects.toMatchObject({ kind: 'NoConnection' })
    expect(api.faults.hasCrashed).toBe(true)
    expect((await api.bystander().get(CLUSTER, at('demo'))).spec).toEqual({ a: 1 })
    api.faults.heal()
    await client.get(CLUSTER, at('demo'))
  })
})
