import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import type { KubeErrorKind } from './errors.ts'
import { HttpKubeClient } from './http-kube-client.ts'
import { type KubeClient, listAll } from './kube-client.ts'
import type { Manifest } from './object.ts'
import { RESOURCES } from './resource.ts'

let api: KubeApi
let client: KubeClient

beforeEach(async () => {
  api = await KubeApi.start({ without: [RESOURCES.podMonitors, RESOURCES.prometheusRules] })
  client = api.client()
})

afterEach(async () => api.stop())

const at = { namespace: 'a', name: 'one' }
const manager = 'test'
const map = (data: Record<string, string>, name = 'one'): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'a', name },
  data,
})

const { configMaps } = RESOURCES

describe('the verbs', () => {
  test('create, get, update, apply, delete', async () => {
    const made = await client.create(configMaps, map({ a: '1' }), { manager })
    expect(await client.get(configMaps, at)).toEqual(made)
    const updated = await client.update(configMaps, { ...made, data: { a: '2' } }, { manager })
    expect(updated.data).toEqual({ a: '2' })
    expect((await client.apply(configMaps, map({ b: '3' }), { manager, force: false })).data).toEqual({
      a: '2',
      b: '3',
    })
    await client.delete(configMaps, at, { uid: made.metadata.uid })
    expect(api.get(configMaps, at)).toBeUndefined()
  })

  test('entries of a list say what they are, and all pages are read', async () => {
    for (let index = 0; index < 7; index++) await client.create(configMaps, map({}, `m${index}`), { manager })
    const all = await listAll(client, configMaps, { limit: 3, namespace: 'a' })
    expect(all).toHaveLength(7)
    expect(all[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' })
    expect(api.calls.filter(({ verb }) => verb === 'list')).toHaveLength(3)
  })

  test('scale writes the replicas and nothing else', async () => {
    const cluster = { apiVersion: 'kafscale.io/v1alpha1', kind: 'KafScaleCluster', metadata: at, spec: { s3: {} } }
    await client.apply(CLUSTER, cluster, { manager, force: true })
    await client.scale(CLUSTER, at, 5, { manager: 'scaler' })
    expect(api.get(CLUSTER, at)?.spec).toEqual({ s3: {}, brokers: { replicas: 5 } })
  })

  test('discover says which kinds are there', async () => {
    expect(await client.discover('kafscale.io', 'v1alpha1')).toEqual(
      new Set(['kafscaleclusters', 'kafscaletopics', 'kafscaleusers']),
    )
    expect(await client.discover('monitoring.coreos.com', 'v1')).toEqual(new Set())
  })
})

describe('an error says what happened', () => {
  const fails = (promise: Promise<unknown>, kind: KubeErrorKind) => expect(promise).rejects.toMatchObject({ kind })

  test('what is not there, and what is there already', async () => {
    await fails(client.get(configMaps, at), 'NotFound')
    await client.create(configMaps, map({}), { manager })
    await fails(client.create(configMaps, map({}), { manager }), 'AlreadyExists')
  })

  test('what changed meanwhile', async () => {
    const made = await client.create(configMaps, map({ a: '1' }), { manager })
    await client.update(configMaps, { ...made, data: { a: '2' } }, { manager })
    await fails(client.update(configMaps, { ...made, data: { a: '3' } }, { manager }), 'Conflict')
    await fails(client.delete(configMaps, at, { uid: 'another' }), 'Conflict')
  })

  test('a field that belongs to another manager', async () => {
    await client.apply(configMaps, map({ a: '1' }), { manager: 'first', force: false })
    const applying = client.apply(configMaps, map({ a: '2' }), { manager: 'second', force: false })
    await expect(applying).rejects.toThrow(/conflict with "first": \.data\.a/)
    await fails(applying, 'Conflict')
  })

  test.each([
    [{ kind: 'refuse', code: 422 }, 'Invalid'],
    [{ kind: 'refuse', code: 403 }, 'Forbidden'],
    [{ kind: 'refuse', code: 410 }, 'Expired'],
    [{ kind: 'refuse', code: 500 }, 'ServerError'],
    [{ kind: 'reset' }, 'NoConnection'],
  ] as const)('%p is %s', async (fault, kind) => {
    api.faults.add({ when: () => true, fault })
    await fails(client.get(configMaps, at), kind)
  })

  test('no answer in time, and a call that was given up', async () => {
    api.faults.add({ when: () => true, fault: { kind: 'hang' }, times: 2 })
    await fails(api.client('hasty', 30).get(configMaps, at), 'Timeout')
    await fails(client.get(configMaps, at, { signal: AbortSignal.timeout(30) }), 'Aborted')
  })

  test('a write that was sent, and is waited for though its caller gave up', async () => {
    api.faults.add({ when: () => true, fault: { kind: 'hang' } })
    const giveUp = new AbortController()
    const written = api.client('hasty', 300).create(configMaps, map({}), { manager, signal: giveUp.signal })
    giveUp.abort()
    await fails(written, 'Timeout')
    api.forgetCalls()
    await fails(client.create(configMaps, map({}), { manager, signal: giveUp.signal }), 'Aborted')
    expect(api.calls).toEqual([])
  })
})

test('a server that is too busy is asked again after the time that it names', async () => {
  await client.create(configMaps, map({}), { manager })
  api.faults.add({ when: () => true, fault: { kind: 'refuse', code: 429, retryAfterSeconds: 0 }, times: 3 })
  expect((await client.get(configMaps, at)).metadata.name).toBe('one')
  api.faults.add({ when: () => true, fault: { kind: 'refuse', code: 429, retryAfterSeconds: 0 }, times: 5 })
  await expect(client.get(configMaps, at)).rejects.toMatchObject({ kind: 'TooManyRequests' })
})

test('a token that is refused is read again', async () => {
  const asked: boolean[] = []
  const token = async (isRefused: boolean): Promise<string> => {
    asked.push(isRefused)
    return 'token'
  }
  const connection = { ...api.connection, token }
  const counted: string[] = []
  const own = new HttpKubeClient({
    connection,
    clock: systemClock,
    userAgent: 'test',
    onRequest: ({ method, code }) => counted.push(`${method} ${code}`),
  })
  api.faults.add({ when: () => true, fault: { kind: 'refuse', code: 401 } })
  await client.create(configMaps, map({}), { manager }).catch(() => {})
  api.faults.add({ when: () => true, fault: { kind: 'refuse', code: 401 } })
  await own.get(configMaps, at).catch(() => {})
  expect(asked).toEqual([false, true])
  expect(counted).toHaveLength(1)
  await own.close()
})
