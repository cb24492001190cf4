// The whole operator against the fake API server, with brokers that are played: each has a server of metrics that says what
// the test wants. What is asked here: what is written, what is not, and what the status says.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KubeApi } from '../testing/kube-api/kube-api.ts'
import { runOperator, until } from '../testing/operator.ts'
import { PretendedBrokers } from '../testing/pretended-brokers.ts'
import type { Operator } from './operator.ts'
import type { OperatorOptions } from './options.ts'
import { EngineMetrics } from './runtime/metrics.ts'
import type { Manifest } from './runtime/object.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER, type ClusterStatus, clusterSchema } from './types/kaf-scale-cluster.ts'

const user = { manager: 'user', force: true }
const at = (name: string) => ({ namespace: 'shop', name })
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
/** Without patience, so that a test sees decisions at once. */
const eager = {
  scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }] },
  scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }] },
}
/** A hundred connections for each broker. */
const signals = { lag: { enabled: false }, eventLoop: { targetPercent: 100 }, connections: { target: 100 } }

let api: KubeApi
let brokers: PretendedBrokers
let stops: (() => Promise<void>)[]

beforeEach(async () => {
  api = await KubeApi.start()
  brokers = PretendedBrokers.start(api, 'shop', 'orders')
  stops = []
})

afterEach(async () => {
  api.faults.heal()
  for (const stop of stops) await stop()
  await brokers.stop()
  await api.stop()
})

function startOperator(identity = 'one', more: Partial<OperatorOptions> = {}): () => Promise<void> {
  const { stop } = runOperator(api.client(identity), identity, () => ({ host: '127.0.0.1', port: 1 }), {
    metricsAddressOf: PretendedBrokers.addressOf,
    lookEveryMs: 50,
    ...more,
  })
  stops.push(stop)
  return stop
}

const cluster = (spec: Record<string, unknown>, annotations: Record<string, string> = {}): Manifest => ({
  apiVersion: 'kafscale.io/v1alpha1',
  kind: 'KafScaleCluster',
  metadata: { ...at('orders'), ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
  spec: { s3: { bucket: 'records', region: 'r' }, etcd: { endpoints: ['http://etcd:2379'] }, ...spec },
})
const applyCluster = (scaling: Record<string, unknown>, more: Record<string, unknown> = {}, annotations = {}) =>
  api
    .bystander()
    .apply(
      CLUSTER,
      cluster({ scaling: { min: 1, max: 6, signals, behavior: eager, ...scaling }, ...more }, annotations),
      user,
    )

const status = (): ClusterStatus | undefined => {
  const found = api.get(CLUSTER, at('orders'))
  return found === undefined ? undefined : clusterSchema.parse(found).status
}
const condition = (type: string) => status()?.conditions?.find(found => found.type === type)
const replicas = (): unknown => Object(api.get(RESOURCES.deployments, at('orders-broker'))?.spec).replicas
const events = (): string => JSON.stringify(api.list(RESOURCES.events))
const spread = (total: number) => {
  brokers.connections = (_, pods) => total / pods
}
const writes = (): string[] =>
  api.writes
    .filter(({ resource }) => resource.plural !== 'leases')
    .map(({ verb, resource, name, subresource }) => `${verb} ${resource.plural} ${name} ${subresource}`)
/** Several looks. */
const looks = (): Promise<void> => pause(400)

describe('Auto', () => {
  test('follows the load up to the maximum and down to the minimum, and says why (gap 2)', async () => {
    await applyCluster({ mode: 'Auto' }, { brokers: { replicas: 2 } })
    startOperator()
    await until('the size to begin with', () => replicas() === 2)
    spread(450)
    await until('growth', () => replicas() === 5)
    // What is seen of each broker may be from before the load came or from after, so that it may take two steps.
    const changes = await until('the reason', () => {
      const told = status()?.scaling?.history?.events ?? []
      return told.some(({ to }) => to === 5) && told
    })
    expect([changes[0]?.from, changes.find(({ to }) => to === 5)?.reason]).toEqual([2, 'connections'])
    expect(status()?.scaling?.mode).toBe('Auto')
    expect(condition('ScalingActive')).toMatchObject({ status: 'True', reason: 'ValidMetricFound' })
    spread(5000)
    await until('the maximum', () => replicas() === 6)
    await until('the word', () => condition('ScalingLimited')?.reason === 'TooManyReplicas')
    await until(
      'the explanation',
      () => status()?.scaling?.explanation === '6 brokers stay: connections asks for 50; scaling.max is reached.',
    )
    expect(status()?.scaling?.summary).toBe('Auto: TooManyReplicas')
    spread(0)
    await until('the minimum', () => replicas() === 1)
    expect(events()).toMatch(/New size: 5; reason: \d brokers become 5: connections asks for 5\./)
    const scaled = api.writes.filter(({ subresource }) => subresource === 'scale')
    expect(new Set(scaled.map(({ query }) => query.get('fieldManager')))).toEqual(new Set(['kafscale-autoscaler']))
    await until('the version', () => status()?.version === '0.1.0')
  })

  test('takes the broker that disturbs the fewest clients', async () => {
    await applyCluster({ mode: 'Auto' }, { brokers: { replicas: 4 } })
    brokers.connections = () => 100
    startOperator()
    await until('four', () => brokers.names.length === 4)
    await until('a look', () => condition('ScalingActive')?.reason === 'ValidMetricFound')
    const names = brokers.names
    brokers.connections = pod => (pod === names[2] ? 10 : 90)
    await until('three', () => replicas() === 3)
    await until('the pod gone', () => brokers.names.length === 3)
    expect(brokers.names).toEqual(names.filter(name => name !== names[2]))
    brokers.connections = pod => (pod === names[0] ? 10 : 90)
    await until('two', () => brokers.names.length === 2)
    expect(brokers.names).not.toContain(names[0])
  })

  test('writes nothing while signals move below the tolerance', async () => {
    await applyCluster({ mode: 'Auto' }, { brokers: { replicas: 4 } })
    let looked = 0
    brokers.connections = () => 95 + (looked++ % 7)
    startOperator()
    await until('ready', () => condition('Ready')?.reason === 'Ready')
    await until('a look', () => condition('ScalingActive')?.reason === 'ValidMetricFound')
    await looks()
    const before = looked
    api.forgetCalls()
    await pause(1500)
    expect(looked - before).toBeGreaterThan(20)
    expect(writes()).toEqual([])
  })

  test('keeps its brokers when it does not see them, and says so', async () => {
    await applyCluster({ mode: 'Auto' }, { brokers: { replicas: 4 } })
    spread(400)
    startOperator()
    await until('a look', () => condition('ScalingActive')?.reason === 'ValidMetricFound')
    brokers.silent = true
    spread(0)
    await until('the word', () => condition('ScalingActive')?.reason === 'FailedGetMetrics')
    await looks()
    expect(replicas()).toBe(4)
    brokers.silent = false
    await until('the minimum', () => replicas() === 1)
    expect(condition('ScalingActive')?.reason).toBe('ValidMetricFound')
  })

  test('a change of leader forgets no limit', async () => {
    const slowly = {
      scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 1800 }] },
    }
    await applyCluster({ mode: 'Auto', behavior: slowly }, { brokers: { replicas: 5 } })
    spread(0)
    const stop = startOperator()
    await until('one fewer', () => replicas() === 4)
    await stop()
    stops = []
    startOperator('two')
    await until('a look of the new one', () => condition('ScalingLimited')?.reason === 'ScaleDownLimit')
    await looks()
    expect(replicas()).toBe(4)
    expect(status()?.scaling?.history?.events).toHaveLength(1)
  })

  test('is not undone by an apply of the user, who says nothing of replicas', async () => {
    await applyCluster({ mode: 'Auto' })
    spread(350)
    startOperator()
    await until('growth', () => replicas() === 4)
    await applyCluster({ mode: 'Auto' }, { brokers: { config: { cacheBytes: 268_435_456 } } })
    await until('the change', () =>
      JSON.stringify(api.get(RESOURCES.configMaps, at('orders-broker-config'))).includes('268435456'),
    )
    await looks()
    expect(replicas()).toBe(4)
    expect(Object(api.get(CLUSTER, at('orders'))?.spec).brokers.replicas).toBeUndefined()
  })

  test('leaves the Deployment to an autoscaler that has it as its target, and says what to do', async () => {
    await applyCluster({ mode: 'Auto' }, { brokers: { replicas: 2 } })
    startOperator()
    await until('two', () => replicas() === 2)
    const rival: Manifest = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: at('rival'),
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'orders-broker' }, maxReplicas: 9 },
    }
    await api.bystander().apply(RESOURCES.horizontalPodAutoscalers, rival, user)
    await until('the word', () => condition('ScalingConflict')?.reason === 'DeploymentScaledByOther')
    expect(condition('ScalingConflict')?.message).toContain('HorizontalPodAutoscaler rival')
    await api.bystander().scale(RESOURCES.deployments, at('orders-broker'), 3, { manager: 'hpa' })
    spread(600)
    await looks()
    expect(replicas()).toBe(3)
    await api.bystander().delete(RESOURCES.horizontalPodAutoscalers, at('rival'))
    await until('the load', () => replicas() === 6)
    expect(condition('ScalingConflict')?.reason).toBe('NoConflict')
  })

  test('a size that the API server refuses shows in the status and in an event, and is tried again', async () => {
    await applyCluster({ mode: 'Auto' }, { brokers: { replicas: 2 } })
    startOperator()
    await until('a look', () => condition('ScalingActive')?.reason === 'ValidMetricFound')
    api.faults.add({
      when: ({ subresource, verb }) => subresource === 'scale' && verb === 'patch',
      fault: { kind: 'refuse', code: 403, reason: 'Forbidden' },
      times: 4,
    })
    spread(400)
    await until('the event', () => events().includes('RescaleFailed'))
    await until('the size after all', () => replicas() === 4)
    await until('the word gone', () => condition('AbleToScale')?.reason !== 'FailedUpdateScale')
  })
})

describe('other modes', () => {
  test('Recommend says what Auto would do, and does not', async () => {
    await applyCluster({ mode: 'Recommend' }, { brokers: { replicas: 2 } })
    spread(500)
    startOperator()
    await until('the recommendation', () => status()?.scaling?.desired === 5)
    expect(condition('ScalingActive')).toMatchObject({ status: 'False', reason: 'Recommending' })
    await looks()
    expect(replicas()).toBe(2)
    expect(status()?.scaling?.history?.events ?? []).toEqual([])
    api.forgetCalls()
    await looks()
    expect(writes()).toEqual([])
  })

  test('External tells its signals, and takes the size from the scale subresource', async () => {
    await applyCluster({ mode: 'External' }, { brokers: { replicas: 2 } })
    spread(500)
    startOperator()
    await until('what is told', () => status()?.scaling?.desired === 5)
    expect(condition('ScalingActive')).toMatchObject({ status: 'False', reason: 'ExternalScaler' })
    expect(replicas()).toBe(2)
    await api.bystander().scale(CLUSTER, at('orders'), 4, { manager: 'keda' })
    await until('the size of the autoscaler', () => replicas() === 4)
  })

  test('what External tells is a page and metrics, the same of every operator whether it leads or not', async () => {
    await applyCluster({ mode: 'External' }, { brokers: { replicas: 2 } })
    spread(500)
    const metrics = new EngineMetrics()
    const { operator: leader, stop } = runOperator(api.client('one'), 'one', () => ({ host: '127.0.0.1', port: 1 }), {
      metricsAddressOf: PretendedBrokers.addressOf,
      lookEveryMs: 50,
      metrics,
    })
    stops.push(stop)
    await until('what is told', () => status()?.scaling?.desired === 5)
    const waiting = runOperator(api.client('two'), 'two', () => ({ host: '127.0.0.1', port: 1 }))
    stops.push(waiting.stop)
    const page = (operator: Operator) => operator.page('/scaling/shop/orders')
    await until('the page of the other', () => page(waiting.operator)?.desiredReplicas === 5)
    expect(page(leader)).toMatchObject({
      desiredReplicas: 5,
      currentReplicas: 2,
      mode: 'External',
      explanation: '2 brokers become 5: connections asks for 5.',
      signals: { connections: { value: 250, target: 100 } },
    })
    expect(page(waiting.operator)).toMatchObject({
      desiredReplicas: 5,
      signals: { connections: { value: 250, target: 100 } },
    })
    expect(leader.page('/scaling/shop/other')).toBeUndefined()
    const text = await metrics.registry.metrics()
    expect(text).toContain('kafscale_operator_scaling_desired_replicas{namespace="shop",cluster="orders"} 5')
    expect(text).toContain(
      'kafscale_operator_scaling_signal{namespace="shop",cluster="orders",signal="connections"} 250',
    )
  })

  test('Manual is left alone whatever the load is', async () => {
    await applyCluster({ mode: 'Manual' }, { brokers: { replicas: 2 } })
    spread(5000)
    startOperator()
    await until('ready', () => condition('Ready')?.reason === 'Ready')
    await looks()
    expect(replicas()).toBe(2)
    expect(status()?.scaling).toEqual({ mode: 'Manual', summary: 'Manual' })
  })
})

describe('a pause', () => {
  test('holds the one broker that the API server gave a cluster, which nobody has set', async () => {
    await applyCluster({ mode: 'Auto' }, {}, { 'kafscale.io/pause': 'scaling' })
    startOperator()
    await until('the size to begin with', () => replicas() === 1)
    spread(450)
    await looks()
    expect(replicas()).toBe(1)
    await applyCluster({ mode: 'Auto' })
    await until('growth', () => Number(replicas()) > 1)
    await until('the event', () => /New size: \d; reason: 1 brokers become \d: connections asks for 5\./.test(events()))
  })

  const soon = (): string => new Date(Date.now() + 6000).toISOString().replace(/\.\d+Z$/, 'Z')

  test('of scaling keeps the size until it ends by itself', async () => {
    const until3 = soon()
    const annotations = { 'kafscale.io/pause': 'scaling', 'kafscale.io/pause-until': until3 }
    await applyCluster({ mode: 'Auto' }, { brokers: { replicas: 2 } }, annotations)
    spread(400)
    startOperator()
    await until('the word', () => condition('Paused')?.status === 'True')
    expect(condition('Paused')?.message).toBe(`The number of brokers is not changed until ${until3}.`)
    await until('a look', () => status()?.scaling?.desired === 4)
    expect(replicas()).toBe(2)
    await until('growth', () => replicas() === 4)
    expect(condition('Paused')?.status).toBe('False')
  })

  test('of pods changes everything but them, of all nothing', async () => {
    await applyCluster({ mode: 'Manual' }, { brokers: { replicas: 2 } })
    startOperator()
    await until('ready', () => condition('Ready')?.reason === 'Ready')
    const image = (): string => JSON.stringify(api.get(RESOURCES.deployments, at('orders-broker'))?.spec)
    const before = image()
    const changed = { brokers: { replicas: 3, image: { tag: '2' } }, networkPolicy: { enabled: true } }
    await applyCluster({ mode: 'Manual' }, changed, { 'kafscale.io/pause': 'pods' })
    await until('the policy', () => api.get(RESOURCES.networkPolicies, at('orders-broker')))
    await until('three', () => replicas() === 3)
    expect(image().replace('"replicas":3', '"replicas":2')).toBe(before)
    await applyCluster({ mode: 'Manual' }, { brokers: { replicas: 1 } }, { 'kafscale.io/pause': 'all' })
    await until('the word', () => condition('Paused')?.message.startsWith('Nothing is changed'))
    await looks()
    expect([replicas(), api.get(RESOURCES.networkPolicies, at('orders-broker')) === undefined]).toEqual([3, false])
    await applyCluster({ mode: 'Manual' }, { brokers: { replicas: 1 } })
    await until('one', () => replicas() === 1)
  })
})

test('hibernation takes all brokers, and Auto begins anew after it', async () => {
  await applyCluster({ mode: 'Auto', min: 2 })
  spread(400)
  startOperator()
  await until('growth', () => replicas() === 4)
  await applyCluster({ mode: 'Auto', min: 2 }, { hibernation: { enabled: true } })
  await until('none', () => replicas() === 0)
  await until('the word', () => condition('Ready')?.reason === 'Hibernated')
  await until('the other word', () => condition('ScalingActive')?.message === 'The cluster is hibernated.')
  await applyCluster({ mode: 'Auto', min: 2 }, { hibernation: { enabled: false } })
  await until('the load', () => replicas() === 4)
})

test('pods that are replaced: the status says why', async () => {
  await applyCluster({ mode: 'Manual' }, { brokers: { replicas: 2 } })
  startOperator()
  await until('ready', () => condition('Ready')?.reason === 'Ready')
  expect(status()?.brokers?.rolloutReasons).toBeUndefined()
  await applyCluster(
    { mode: 'Manual' },
    { brokers: { replicas: 2, image: { tag: '2' }, config: { cacheBytes: 268_435_456 } } },
  )
  await until('the reasons', () => status()?.brokers?.rolloutReasons?.join() === 'another image,settings changed')
  await until('the event', () => events().includes('another image; settings changed'))
  await applyCluster(
    { mode: 'Manual' },
    { brokers: { replicas: 3, image: { tag: '2' }, config: { cacheBytes: 268_435_456 } } },
  )
  await until('three', () => replicas() === 3)
  expect(status()?.brokers?.rolloutReasons).toEqual(['another image', 'settings changed'])
})

test.each(['reset', 'reset after'] as const)(
  'killed at any call (%s), it never goes faster than its policies allow',
  async kind => {
    const slowly = {
      scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 1800 }] },
    }
    await applyCluster({ mode: 'Auto', behavior: slowly }, { brokers: { replicas: 4 } })
    spread(400)
    let stop = startOperator('the-same')
    await until('a look', () => condition('ScalingActive')?.reason === 'ValidMetricFound')
    for (let calls = 0; calls < 8; calls++) {
      const size = Number(replicas())
      spread(0)
      // Calls before this one are the renewal of the lease and what a step of scaling writes.
      api.faults.crashAfter(calls, { kind })
      await until('the end, or one fewer', () => api.faults.hasCrashed || Number(replicas()) < size)
      await stop()
      stops = []
      api.faults.heal()
      stop = startOperator('the-same')
      await until('a look', () => condition('ScalingLimited')?.reason === 'ScaleDownLimit')
      await pause(150)
      expect(Number(replicas())).toBeGreaterThanOrEqual(3)
    }
    expect(replicas()).toBe(3)
  },
  60_000,
)
