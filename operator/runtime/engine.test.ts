// The engine as a whole, by a little operator on the fake API server: it comes to the same end wherever it is killed, whatever
// it does not see, and however many of it there are; and then it writes nothing more.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Call } from '../../testing/kube-api/call.ts'
import { DemoOperator } from '../../testing/kube-api/demo-operator.ts'
import type { Fault } from '../../testing/kube-api/faults.ts'
import { KubeApi } from '../../testing/kube-api/kube-api.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import type { Manifest } from './object.ts'
import { RESOURCES } from './resource.ts'

const at = { namespace: 'default', name: 'demo' }
const user = { manager: 'user', force: true }

const cluster = (bucket: string): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: { name: 'demo', namespace: 'default' },
  spec: { s3: { bucket } },
})

let api: KubeApi
let running: DemoOperator[]
let identities = 0

beforeEach(async () => {
  api = await KubeApi.start()
  running = []
})

afterEach(async () => {
  api.faults.heal()
  await Promise.all(running.map(operator => operator.stop()))
  await api.stop()
})

function start(identity = `operator-${++identities}`): DemoOperator {
  const operator = new DemoOperator({ client: api.client(identity), identity })
  running.push(operator)
  return operator
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function until(what: string, holds: () => boolean, ms = 25_000): Promise<void> {
  for (const end = Date.now() + ms; Date.now() < end; await pause(5)) if (holds()) return
  throw new Error(`${what} did not come true`)
}

const bucket = (): unknown => api.get(RESOURCES.configMaps, at)?.data

/** Everything as it is to be for a cluster with this bucket. */
function isSettled(name: string): boolean {
  const live = api.get(CLUSTER, at)
  const status = live?.status
  return (
    JSON.stringify(bucket()) === JSON.stringify({ bucket: name }) &&
    api.get(RESOURCES.serviceAccounts, at) !== undefined &&
    JSON.stringify(status) === JSON.stringify({ observedGeneration: live?.metadata.generation, phase: 'Ready' })
  )
}

/** What must never be, at any moment: objects that their owner does not own, or a second set of them. */
function expectSound(): void {
  const owner = api.get(CLUSTER, at)?.metadata.uid
  const owned = [...api.list(RESOURCES.configMaps), ...api.list(RESOURCES.serviceAccounts)]
  expect(owned.length).toBeLessThanOrEqual(2)
  for (const { metadata } of owned) expect(metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([owner])
}

describe('a settled object', () => {
  test('causes no writes, however often it is looked at', async () => {
    await api.bystander().apply(CLUSTER, cluster('records'), user)
    const operator = start()
    await until('the objects', () => isSettled('records'))
    await until('an empty queue', () => operator.queue.depth === 0)
    await pause(50)
    api.forgetCalls()
    for (let pass = 0; pass < 20; pass++) {
      const before = operator.passes
      operator.queue.add('default/demo')
      await until('a pass', () => operator.passes > before)
    }
    expect(api.writes.filter(({ resource }) => resource.plural !== 'leases')).toEqual([])
  })

  test('is put right at once when somebody changes it', async () => {
    await api.bystander().apply(CLUSTER, cluster('records'), user)
    start()
    await until('the objects', () => isSettled('records'))
    const changed: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'demo', namespace: 'default' },
      data: { bucket: 'mine', other: 'stays' },
    }
    await api.bystander().apply(RESOURCES.configMaps, changed, user)
    await until('the old value', () => JSON.stringify(bucket()) === '{"bucket":"records","other":"stays"}')
    await api.bystander().delete(RESOURCES.serviceAccounts, at)
    await until('the account', () => api.get(RESOURCES.serviceAccounts, at) !== undefined)
  })

  test('of the same name that belongs to nobody is left alone', async () => {
    const foreign: Manifest = { ...cluster(''), apiVersion: 'v1', kind: 'ConfigMap', spec: undefined, data: { a: 'b' } }
    await api.bystander().apply(RESOURCES.configMaps, foreign, user)
    await api.bystander().apply(CLUSTER, cluster('records'), user)
    start()
    await until('the status', () => JSON.stringify(api.get(CLUSTER, at)?.status ?? {}).includes('NameConflict'))
    expect(bucket()).toEqual({ a: 'b' })
  })
})

describe('killed after any of its calls', () => {
  /** From nothing to everything, a change of the bucket, and the end. */
  async function story(kill: (operator: DemoOperator) => Promise<DemoOperator>): Promise<void> {
    const person = api.bystander()
    let operator = start('the-same')
    const living = async (what: string, holds: () => boolean): Promise<void> => {
      await until(what, () => holds() || api.faults.hasCrashed)
      if (api.faults.hasCrashed) operator = await kill(operator)
      await until(what, holds)
      expectSound()
    }
    await person.apply(CLUSTER, cluster('first'), user)
    await living('the first bucket', () => isSettled('first'))
    await person.apply(CLUSTER, cluster('second'), user)
    await living('the second bucket', () => isSettled('second'))
    await person.delete(CLUSTER, at)
    await living('the end', () => api.get(CLUSTER, at) === undefined && bucket() === undefined)
  }

  async function restart(operator: DemoOperator): Promise<DemoOperator> {
    await operator.stop()
    api.faults.heal()
    // A name of its own would wait for the lease; `two operators` does.
    return start('the-same')
  }

  /** Calls of an undisturbed run, without those that only keep the lease. */
  async function callsOfStory(): Promise<number> {
    await story(async operator => operator)
    return api.calls.length
  }

  test.each<[string, Fault]>([
    ['before it is done', { kind: 'reset' }],
    ['after it is done', { kind: 'reset after' }],
  ])(
    '%s, it comes to the same end',
    async (_, fault) => {
      const calls = await callsOfStory()
      expect(calls).toBeGreaterThan(10)
      for (let call = 0; call < calls; call++) {
        await Promise.all(running.map(operator => operator.stop()))
        await api.stop()
        api = await KubeApi.start()
        running = []
        api.faults.crashAfter(call, fault)
        await story(restart)
      }
    },
    120_000,
  )
})

describe('two operators', () => {
  test('take turns: the second leads when the first goes, and only then writes', async () => {
    const first = start()
    await until('a leader', () => first.elector.stillLeader())
    const second = start()
    await pause(200)
    expect(second.elector.stillLeader()).toBe(false)
    const started = performance.now()
    await first.stop()
    await until('the next leader', () => second.elector.stillLeader())
    // The lease lasts a second: it was given back.
    expect(performance.now() - started).toBeLessThan(900)
  })

  test('one that cannot renew its lease writes nothing from then on, though it sees that there is work', async () => {
    const first = start('first')
    await until('a leader', () => first.elector.stillLeader())
    const isRenewal = ({ caller, resource }: Call): boolean => caller === 'first' && resource.plural === 'leases'
    api.faults.add({ when: isRenewal, fault: { kind: 'hang' }, times: 1000 })
    const second = start('second')
    await until('the next leader', () => second.elector.stillLeader())
    expect(first.elector.stillLeader()).toBe(false)
    api.forgetCalls()
    await api.bystander().apply(CLUSTER, cluster('records'), user)
    await until('the objects', () => isSettled('records'))
    first.queue.add('default/demo')
    expect(await first.ending).toBe('lost')
    expect(api.writes.filter(({ caller }) => caller === 'first')).toEqual([])
    expectSound()
  })

  test('a pass that began before the lease was lost cannot write after it', async () => {
    const person = api.bystander()
    await person.apply(CLUSTER, cluster('first'), user)
    const first = start('first')
    await until('the first bucket', () => isSettled('first'))
    // The pass hangs in its next write; meanwhile the lease runs out.
    const of = (plural: string) => (call: Call) => call.caller === 'first' && call.resource.plural === plural
    api.faults.add({ when: of('configmaps'), fault: { kind: 'hang' } })
    api.faults.add({ when: of('leases'), fault: { kind: 'hang' }, times: 1000 })
    await person.apply(CLUSTER, cluster('second'), user)
    const second = start('second')
    await until('the second bucket', () => isSettled('second'))
    await first.ending
    const late = api.writes.filter(({ caller, resource }) => caller === 'first' && resource.plural !== 'leases')
    const afterHanging = late.slice(late.findLastIndex(({ resource }) => resource.plural === 'configmaps') + 1)
    expect(afterHanging).toEqual([])
    expect(second.elector.stillLeader()).toBe(true)
  })
})

describe('a cache that hears nothing', () => {
  test.each([false, true])('does no harm, and catches up (objects in another order: %p)', async isReversed => {
    const person = api.bystander()
    await person.apply(CLUSTER, cluster('first'), user)
    const operator = start()
    await until('the first bucket', () => isSettled('first'))
    for (const resource of [RESOURCES.configMaps, RESOURCES.serviceAccounts]) api.freeze(resource)
    for (const name of ['second', 'third', 'fourth']) {
      await person.apply(CLUSTER, cluster(name), user)
      await until(name, () => isSettled(name))
    }
    await person.delete(RESOURCES.serviceAccounts, at)
    expectSound()
    api.thaw(isReversed)
    await until('the account again', () => isSettled('fourth'))
    await until('an empty queue', () => operator.queue.depth === 0)
    expectSound()
  })

  test('of its own cluster acts on what it wrote itself', async () => {
    const person = api.bystander()
    await person.apply(CLUSTER, cluster('first'), user)
    const operator = start()
    await until('the first bucket', () => isSettled('first'))
    api.freeze(CLUSTER)
    api.forgetCalls()
    const before = operator.passes
    operator.queue.add('default/demo')
    await until('a pass', () => operator.passes > before)
    expect(api.writes.filter(({ resource }) => resource.plural !== 'leases')).toEqual([])
  })
})

describe('a namespace', () => {
  test('that is deleted goes, with everything in it', async () => {
    const person = api.bystander()
    await person.create(
      RESOURCES.namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
      user,
    )
    await person.apply(CLUSTER, cluster('records'), user)
    start()
    await until('the objects', () => isSettled('records'))
    await person.delete(RESOURCES.namespaces, { name: 'default' })
    await until('nothing', () => api.list(CLUSTER).length === 0 && api.list(RESOURCES.configMaps).length === 0)
  })
})
