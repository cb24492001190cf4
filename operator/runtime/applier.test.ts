// What Kubernetes does to fields of several managers is in the tests of the fake server, and of the real one in e2e.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import { Applier } from './applier.ts'
import { NameConflict } from './errors.ts'
import type { KubeClient } from './kube-client.ts'
import type { Manifest } from './object.ts'
import { RESOURCES, type Resource } from './resource.ts'

const at = { namespace: 'default', name: 'demo' }
const user = { manager: 'user', force: true }

let api: KubeApi
let client: KubeClient
let person: KubeClient
let applier: Applier
let owner: Manifest

beforeEach(async () => {
  api = await KubeApi.start({ admission: normalised })
  client = api.client()
  person = api.bystander()
  applier = new Applier(client, 'kafscale-operator')
  const cluster = { apiVersion: 'kafscale.io/v1alpha1', kind: 'KafScaleCluster', metadata: at, spec: {} }
  owner = await person.apply(CLUSTER, cluster, user)
})

afterEach(async () => api.stop())

/** As the real server: a quantity is stored in its shortest form. */
function normalised(object: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(object).replaceAll('"1000m"', '"1"'))
}

const deployment = (spec: object): Manifest => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: at, spec })

const apply = (spec: object, live = api.get(RESOURCES.deployments, at)) =>
  applier.apply({ resource: RESOURCES.deployments, desired: deployment(spec), live, owner })

const container = (image: string, cpu = '500m') => ({
  template: { spec: { containers: [{ name: 'broker', image, resources: { requests: { cpu } } }] } },
})

const live = (resource: Resource = RESOURCES.deployments): Manifest => {
  const found = api.get(resource, at)
  if (found === undefined) throw new Error('there is no such object')
  return found
}

describe('an object', () => {
  test('is made with its owner, and then left alone', async () => {
    expect((await apply(container('a'))).change).toBe('created')
    expect(live().metadata.ownerReferences).toMatchObject([{ uid: owner.metadata.uid, controller: true }])
    api.forgetCalls()
    expect((await apply(container('a'))).change).toBe('none')
    expect(api.calls).toEqual([])
  })

  test('is left alone by an operator that has just started', async () => {
    await apply(container('a'))
    applier = new Applier(client, 'kafscale-operator')
    api.forgetCalls()
    await apply(container('a'))
    expect(api.calls).toEqual([])
  })

  test('whose values the server writes in another way is written once more by a new operator, and then left alone', async () => {
    await apply(container('a', '1000m'))
    api.forgetCalls()
    await apply(container('a', '1000m'))
    expect(api.calls).toEqual([])
    applier = new Applier(client, 'kafscale-operator')
    expect((await apply(container('a', '1000m'))).change).toBe('none')
    await apply(container('a', '1000m'))
    expect(api.writes).toHaveLength(1)
  })

  test('gets what changed, and loses what is not wanted any more', async () => {
    await apply({ ...container('a'), paused: true })
    expect(await apply(container('b'))).toMatchObject({ change: 'changed' })
    expect(live().spec).toEqual(container('b'))
  })

  test('is put right, and it is told what was wrong and by whose hand', async () => {
    await apply(container('a'))
    await person.apply(RESOURCES.deployments, deployment({ ...container('mine'), replicas: 5 }), user)
    const { change, drift } = await apply(container('a'))
    expect(change).toBe('changed')
    expect(drift).toEqual([{ path: 'spec.template.spec.containers', manager: 'user' }])
    expect(live().spec).toEqual({ ...container('a'), replicas: 5 })
  })

  test('keeps the number of replicas that another manager set through /scale', async () => {
    await apply(container('a'))
    await person.scale(RESOURCES.deployments, at, 7, { manager: 'kafscale-autoscaler' })
    expect((await apply(container('a'))).change).toBe('none')
    await apply(container('b'))
    expect(live().spec).toMatchObject({ replicas: 7 })
  })
})

describe('an object of somebody else', () => {
  test('that the cache knows is refused', async () => {
    await person.apply(RESOURCES.deployments, deployment(container('theirs')), user)
    await expect(apply(container('a'))).rejects.toThrow(NameConflict)
    expect(live().spec).toEqual(container('theirs'))
  })

  test('that the cache does not know yet is refused too', async () => {
    await person.apply(RESOURCES.deployments, deployment(container('theirs')), user)
    const applying = applier.apply({
      resource: RESOURCES.deployments,
      desired: deployment(container('a')),
      live: undefined,
      owner,
    })
    await expect(applying).rejects.toThrow(/Deployment demo exists and belongs to/)
    expect(live().spec).toEqual(container('theirs'))
  })

  test('is not deleted', async () => {
    await person.apply(RESOURCES.deployments, deployment(container('theirs')), user)
    expect(await applier.remove(RESOURCES.deployments, live(), owner)).toBe(false)
    expect(live().spec).toEqual(container('theirs'))
  })
})

describe('an object of ours', () => {
  test('is deleted only as the one that we know', async () => {
    await apply(container('a'))
    const known = live()
    await person.delete(RESOURCES.deployments, at)
    await person.apply(RESOURCES.deployments, deployment(container('new')), user)
    expect(await applier.remove(RESOURCES.deployments, known, owner)).toBe(false)
    expect(live().spec).toEqual(container('new'))
  })
})

describe('a status', () => {
  const status = (phase: string) => applier.applyStatus({ resource: CLUSTER, live: live(CLUSTER), status: { phase } })

  test('is written when it changed, and only then', async () => {
    expect((await status('Ready'))?.status).toEqual({ phase: 'Ready' })
    api.forgetCalls()
    expect(await status('Ready')).toBeUndefined()
    expect(api.calls).toEqual([])
    await status('Progressing')
    expect(live(CLUSTER).status).toEqual({ phase: 'Progressing' })
    expect(live(CLUSTER).metadata.generation).toBe(1)
  })

  test('is written once though the server keeps something else, as it does of a list of items with keys that is empty', async () => {
    const wish = { phase: 'Ready', endpoints: [] }
    const write = () => applier.applyStatus({ resource: CLUSTER, live: live(CLUSTER), status: wish })
    await write()
    expect(JSON.stringify(live(CLUSTER).metadata.managedFields)).not.toContain('f:endpoints')
    api.forgetCalls()
    await write()
    expect(api.calls).toEqual([])
    // Another wish, or another object, is looked at anew.
    await status('Progressing')
    expect(live(CLUSTER).status).toMatchObject({ phase: 'Progressing' })
    await write()
    expect(live(CLUSTER).status).toMatchObject({ phase: 'Ready' })
  })
})
