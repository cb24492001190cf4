// The list/watch machine against all that a server and a network do to it.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import type { Call } from '../../testing/kube-api/call.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import type { KubeClient, Scope } from './kube-client.ts'
import type { Manifest } from './object.ts'
import { Reflector, type ReflectorTimes } from './reflector.ts'
import { RESOURCES } from './resource.ts'
import { Store } from './store.ts'

const TIMES: ReflectorTimes = { watchSeconds: 60, idleMs: 60_000, backoff: { baseMs: 2, capMs: 20 }, healthyMs: 1000 }
const resource = RESOURCES.configMaps

let api: KubeApi
let person: KubeClient
let store: Store<Manifest>
let stop: AbortController
let running: Promise<void>
let reflector: Reflector<Manifest>
let told: string[]

beforeEach(async () => {
  api = await KubeApi.start()
  person = api.bystander()
  store = new Store()
  told = []
  store.subscribe(({ type, key }) => told.push(`${type} ${key}`))
  stop = new AbortController()
  running = Promise.resolve()
})

afterEach(async () => {
  stop.abort()
  await running
  await api.stop()
})

function start(times: Partial<ReflectorTimes> = {}, scope: Scope = {}): void {
  const log = createLogger('silent')
  const read = (manifest: Manifest): Manifest => {
    if (manifest.metadata.name === 'unreadable') throw new Error('this one cannot be read')
    return manifest
  }
  reflector = new Reflector({
    client: api.client(),
    resource,
    scope,
    store,
    read,
    clock: systemClock,
    random: () => 0.5,
    log,
    times: { ...TIMES, ...times },
  })
  running = reflector.run(stop.signal)
}

const put = (name: string, value = '', namespace = 'a', labels = {}): Promise<Manifest> => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data: { value } }
  return person.apply(resource, object, { manager: 'user', force: true })
}

const remove = (name: string): Promise<void> => person.delete(resource, { namespace: 'a', name })
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; Date.now() < end; await pause(2)) if (holds()) return
  throw new Error(`${what} did not come true`)
}

/** The store is what the server has. */
async function untilEqual(): Promise<void> {
  const shown = (objects: Iterable<Manifest>): string =>
    JSON.stringify([...objects].map(({ metadata, data }) => [metadata.name, metadata.resourceVersion, data]).sort())
  await until('equality', () => reflector.isSynced && shown(store.all()) === shown(api.list(resource)))
}

const lists = (): number => api.calls.filter(({ verb }) => verb === 'list').length
const isWatch = ({ verb }: Call): boolean => verb === 'watch'
const isList = ({ verb }: Call): boolean => verb === 'list'

describe('a reflector', () => {
  test('lists, and then follows what happens', async () => {
    await put('one')
    start()
    await reflector.synced
    await put('two')
    await put('one', 'changed')
    await remove('two')
    await until('the deletion', () => told.includes('deleted a/two'))
    expect(told).toEqual(['added a/one', 'added a/two', 'changed a/one', 'deleted a/two'])
    expect(lists()).toBe(1)
  })

  test('reads a long list in pages', async () => {
    for (let index = 0; index < 1100; index++) await put(`object-${index}`)
    start()
    await reflector.synced
    expect(store.size).toBe(1100)
    expect(lists()).toBe(3)
  })

  test('sees only what it asks for', async () => {
    await put('ours', '', 'a', { app: 'x' })
    await put('theirs')
    start({}, { namespace: 'a', labelSelector: 'app=x' })
    await reflector.synced
    await put('theirs', '', 'a', { app: 'x' })
    await put('ours', '', 'a', { app: 'y' })
    await put('elsewhere', '', 'b', { app: 'x' })
    await until('both', () => told.includes('deleted a/ours'))
    expect(told).toEqual(['added a/ours', 'added a/theirs', 'deleted a/ours'])
  })

  test('goes on without an object that it cannot read', async () => {
    await put('unreadable')
    start()
    await put('good')
    await until('the other', () => store.get('a/good') !== undefined)
    expect(store.size).toBe(1)
  })

  test('can ask for metadata alone', async () => {
    await put('secret', 'hidden')
    start({}, { metadataOnly: true })
    await put('later', 'hidden')
    await until('both', () => store.size === 2)
    for (const object of store.all()) expect(object.data).toBeUndefined()
    expect(store.get('a/secret')).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'secret' } })
  })
})

describe('a watch', () => {
  test.each([1, 2, 3, 7, 64, 1000])('in pieces of %d bytes says the same', async bytes => {
    api.faults.chunkBytes = bytes
    start()
    await reflector.synced
    await put('one', 'é€😀')
    await put('two')
    await untilEqual()
  })

  test('that the server ends goes on where it was, without a list', async () => {
    await put('one')
    start({ backoff: { baseMs: 1, capMs: 5 } })
    await reflector.synced
    for (let round = 0; round < 5; round++) {
      await until('a watch', () => api.openWatches > 0)
      api.endWatches()
      await put('one', `round ${round}`)
      await untilEqual()
    }
    expect(lists()).toBe(1)
  })

  test('that breaks off in the middle of an event goes on where it was', async () => {
    api.faults.chunkBytes = 50
    start()
    await reflector.synced
    for (let round = 0; round < 5; round++) {
      await until('a watch', () => api.openWatches > 0)
      await put(`round-${round}`)
      api.resetWatches()
    }
    await untilEqual()
    expect(lists()).toBe(1)
    expect(told).toHaveLength(5)
  })

  test('that is too old is followed by a new list, which tells of what was missed', async () => {
    await put('one')
    await put('two')
    start()
    await reflector.synced
    await until('a watch', () => api.openWatches > 0)
    api.freeze(resource)
    await remove('one')
    await put('three')
    api.compact()
    api.resetWatches()
    await until('the list', () => lists() === 2)
    api.thaw()
    await untilEqual()
    expect(told).toContain('deleted a/one')
  })

  test('on a quiet resource stays young by bookmarks', async () => {
    await put('one')
    start()
    await reflector.synced
    await until('a watch', () => api.openWatches > 0)
    await person.apply(
      RESOURCES.secrets,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'a' } },
      { manager: 'user', force: true },
    )
    api.compact()
    api.bookmark()
    await pause(20)
    api.resetWatches()
    await put('two')
    await untilEqual()
    expect(lists()).toBe(1)
  })

  test('that is half open is noticed, and made anew', async () => {
    start({ idleMs: 100 })
    await reflector.synced
    await until('a watch', () => api.openWatches > 0)
    api.silenceWatches()
    await put('one')
    await untilEqual()
    expect(lists()).toBe(1)
  })

  test('that is refused is asked for again, and more slowly each time', async () => {
    api.faults.add({ when: isWatch, fault: { kind: 'refuse', code: 500 }, times: 5 })
    start()
    await put('one')
    await untilEqual()
    expect(api.calls.filter(isWatch)).toHaveLength(6)
  })
})

describe('a list', () => {
  test.each([
    ['is refused', { kind: 'refuse', code: 503 }],
    ['is reset', { kind: 'reset' }],
    ['is forbidden for a while', { kind: 'refuse', code: 403 }],
  ] as const)('that %s is asked for again', async (_, fault) => {
    await put('one')
    api.faults.add({ when: isList, fault, times: 4 })
    start()
    await untilEqual()
  })

  test('whose pages expire begins anew', async () => {
    for (let index = 0; index < 600; index++) await put(`object-${index}`)
    const isSecondPage = (call: Call): boolean => isList(call) && call.query.has('continue')
    api.faults.add({ when: isSecondPage, fault: { kind: 'refuse', code: 410 } })
    start()
    await untilEqual()
    expect(lists()).toBe(4)
  })

  test('waits for as long as a busy server says', async () => {
    api.faults.add({ when: isList, fault: { kind: 'refuse', code: 429, retryAfterSeconds: 1 } })
    const started = performance.now()
    start()
    await reflector.synced
    expect(performance.now() - started).toBeGreaterThanOrEqual(950)
  })
})

test('a stopped reflector leaves no watch behind', async () => {
  start()
  await reflector.synced
  await until('a watch', () => api.openWatches === 1)
  stop.abort()
  await running
  await until('none', () => api.openWatches === 0)
})
