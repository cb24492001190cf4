// The loop on a virtual clock, with sights that a test makes up.

import { beforeEach, describe, expect, test } from '@jest/globals'
import { createLogger } from '../../broker/observe/logger.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { clusterSchema, type KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { Autoscaler, type ScaleTarget, type Sight } from './autoscaler.ts'
import { storedHistory } from './history.ts'
import { lagReport, scalingReport } from './report.ts'

let clock: VirtualClock
let current: number
let connections: number | undefined
let targets: ScaleTarget[]
let looks: string[]
let news: string[]
let stop: AbortController
let running: Promise<void> | undefined

const clusterOf = (more: Record<string, unknown> = {}, status?: unknown): KafScaleCluster =>
  clusterSchema.parse({
    apiVersion: 'kafscale.io/v1alpha1',
    kind: 'KafScaleCluster',
    metadata: { name: 'orders', namespace: 'shop', uid: 'u1', generation: 3 },
    spec: {
      s3: { bucket: 'records', region: 'r' },
      scaling: {
        mode: 'Auto',
        max: 9,
        signals: { lag: { enabled: false }, eventLoop: { targetPercent: 100 }, connections: { target: 100 } },
        ...more,
      },
    },
    status,
  })

const sight = (): Sight => ({
  observation: {
    current,
    brokers: Array.from({ length: current }, (_, index) => ({
      name: `b${index}`,
      ready: true,
      eventLoop: connections === undefined ? undefined : 0.01,
      connections,
    })),
    lag: [],
    storageThrottled: false,
    rollingOut: false,
    unschedulable: 0,
  },
  version: '1',
})

const newAutoscaler = (observe: (target: ScaleTarget, signal: AbortSignal) => Promise<Sight> = async () => sight()) =>
  new Autoscaler<ScaleTarget>({
    clock,
    log: createLogger('silent'),
    targets: () => targets,
    observe: async (target, signal) => {
      const seen = await observe(target, signal)
      looks.push(`${target.key} ${clock.monotonic() / 1000}`)
      return seen
    },
    onNews: key => news.push(`${key} ${clock.monotonic() / 1000}`),
  })

function run(autoscaler: Autoscaler<ScaleTarget>): void {
  running = autoscaler.run(stop.signal)
}

/** Plays the reconciler: what is decided is done. */
function carryOut(autoscaler: Autoscaler<ScaleTarget>): void {
  const desired = autoscaler.lookAt('shop/orders', 'u1')?.decision.desired
  if (desired === undefined || desired === current) return
  const total = (connections ?? 0) * current
  current = desired
  connections = total / desired
}

beforeEach(() => {
  clock = new VirtualClock()
  current = 2
  connections = 100
  targets = [{ key: 'shop/orders', cluster: clusterOf(), isCarriedOut: true }]
  looks = []
  news = []
  stop = new AbortController()
})

test('it looks every fifteen seconds, until it is stopped', async () => {
  run(newAutoscaler())
  await clock.advance(46_000)
  expect(looks).toEqual(['shop/orders 0', 'shop/orders 15', 'shop/orders 30', 'shop/orders 45'])
  stop.abort()
  await clock.until(running ?? Promise.resolve())
  expect(clock.pending).toBe(0)
})

test('growth waits for its window and keeps to its speed, shrinking waits for ten minutes', async () => {
  const autoscaler = newAutoscaler()
  run(autoscaler)
  const sizes: number[] = []
  connections = 400
  for (let look = 0; look < 70; look++) {
    await clock.advance(look === 0 ? 0 : 15_000)
    carryOut(autoscaler)
    sizes.push(current)
    if (look === 12) connections = 10
  }
  // Three looks within thirty seconds; then two at a time, a minute apart, up to the eight that are needed.
  expect(sizes.slice(0, 13)).toEqual([2, 2, 4, 4, 4, 4, 6, 6, 6, 6, 8, 8, 8])
  // The last larger recommendation is of look 12: ten minutes are forty looks.
  expect(sizes.slice(13, 52).every(size => size === 8)).toBe(true)
  expect(sizes[53]).toBe(7)
  expect(Math.min(...sizes.slice(53).map((size, index, all) => size - (all[index - 1] ?? size)))).toBe(-1)
  stop.abort()
})

test('what is not carried out has not happened', async () => {
  targets = [{ key: 'shop/orders', cluster: clusterOf({ mode: 'Recommend' }), isCarriedOut: false }]
  const autoscaler = newAutoscaler()
  connections = 400
  run(autoscaler)
  await clock.advance(300_000)
  const look = autoscaler.lookAt('shop/orders', 'u1')
  expect(look?.decision.desired).toBe(4)
  expect(look?.decision.history.events).toEqual([])
  stop.abort()
})

test('a new leader goes on from what the status says, and takes back a change that was told and not made', async () => {
  const first = newAutoscaler()
  connections = 400
  run(first)
  await clock.advance(30_000)
  const told = storedHistory(first.lookAt('shop/orders', 'u1')?.decision.history ?? fail())
  stop.abort()
  expect(told.events).toHaveLength(1)
  const status = { scaling: { mode: 'Auto', history: told } }
  targets = [{ key: 'shop/orders', cluster: clusterOf({}, status), isCarriedOut: true }]
  for (const [size, events] of [
    [4, 1],
    [2, 1],
  ] as const) {
    current = size
    connections = size === 4 ? 100 : 400
    stop = new AbortController()
    const next = newAutoscaler()
    run(next)
    await clock.advance(0)
    const look = next.lookAt('shop/orders', 'u1')
    expect(look?.decision.history.events).toHaveLength(events)
    expect(look?.decision.desired).toBe(4)
    stop.abort()
  }
})

function fail(): never {
  throw new Error('there was no look')
}

test('a decision that is not carried out yet is made again, and counts once', async () => {
  const policies = [{ type: 'Pods', value: 1, periodSeconds: 1800 }]
  const behavior = { scaleDown: { stabilizationWindowSeconds: 0, policies } }
  targets = [{ key: 'shop/orders', cluster: clusterOf({ behavior }), isCarriedOut: true }]
  const autoscaler = newAutoscaler()
  current = 5
  connections = 0
  run(autoscaler)
  for (let look = 0; look < 4; look++) {
    await clock.advance(look === 0 ? 0 : 15_000)
    const decision = autoscaler.lookAt('shop/orders', 'u1')?.decision
    expect([decision?.desired, decision?.history.events.length]).toEqual([4, 1])
  }
  carryOut(autoscaler)
  await clock.advance(60_000)
  const decision = autoscaler.lookAt('shop/orders', 'u1')?.decision
  expect([current, decision?.desired, decision?.history.events.length]).toEqual([4, 4, 1])
  stop.abort()
})

test('one cluster that cannot be looked at, or takes for ever, does not hold up the others', async () => {
  const cluster = clusterOf()
  targets = ['hangs', 'throws', 'well'].map(name => ({ key: name, cluster, isCarriedOut: true }))
  const autoscaler = newAutoscaler(({ key }, signal) => {
    if (key === 'well') return Promise.resolve(sight())
    if (key === 'throws') return Promise.reject(new Error('no'))
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('too late'))))
  })
  run(autoscaler)
  await clock.advance(31_000)
  expect(looks).toEqual(['well 0', 'well 15', 'well 30'])
  stop.abort()
})

test('another cluster of the same name is another one, and one that went is forgotten', async () => {
  const autoscaler = newAutoscaler()
  run(autoscaler)
  await clock.advance(0)
  expect(autoscaler.lookAt('shop/orders', 'u1')).toBeDefined()
  expect(autoscaler.lookAt('shop/orders', 'u2')).toBeUndefined()
  targets = []
  await clock.advance(15_000)
  expect(autoscaler.lookAt('shop/orders', 'u1')).toBeUndefined()
  stop.abort()
})

test('there is news while the status does not say what was found, and none once it does', async () => {
  const autoscaler = newAutoscaler()
  run(autoscaler)
  await clock.advance(15_000)
  expect(news).toEqual(['shop/orders 0', 'shop/orders 15'])
  const look = autoscaler.lookAt('shop/orders', 'u1') ?? fail()
  const told = {
    version: '1',
    scaling: scalingReport(clusterOf().spec.scaling, look, undefined),
    lag: lagReport(clusterOf().spec.scaling, look, undefined),
    conditions: look.decision.findings.map(finding => ({ ...finding, lastTransitionTime: '2026-01-01T00:00:00Z' })),
  }
  targets = [{ key: 'shop/orders', cluster: clusterOf({}, told), isCarriedOut: true }]
  connections = 103
  await clock.advance(60_000)
  expect(news).toHaveLength(2)
  connections = 300
  await clock.advance(15_000)
  expect(news).toHaveLength(3)
  stop.abort()
})

describe('a look that finds less than the one before', () => {
  /** What the next looks find of two brokers: the first of these lag as well, then only what is left. */
  async function looksAt(sights: readonly Partial<Sight['observation']>[]): Promise<unknown[]> {
    const left = [...sights]
    const autoscaler = newAutoscaler(async () => {
      const { observation, version } = sight()
      return { observation: { ...observation, ...left.shift() }, version }
    })
    run(autoscaler)
    const seen: unknown[] = []
    for (const _ of sights) {
      await clock.advance(seen.length === 0 ? 0 : 15_000)
      const found = autoscaler.lookAt('shop/orders', 'u1')?.observation
      seen.push([found?.lag?.length, found?.brokers.filter(({ connections: one }) => one !== undefined).length])
    }
    stop.abort()
    return seen
  }
  const silent = { name: 'b1', ready: true }
  const brokers = [{ name: 'b0', ready: true, eventLoop: 0.01, connections: 100 }, silent]

  test('counts as the third in a row, and not before', async () => {
    const [whole, none] = [{}, { lag: undefined }]
    expect(await looksAt([whole, none, none, whole, none, none, none])).toEqual([
      ...[
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 2],
      ],
      [undefined, 2],
    ])
    expect(news.length).toBeGreaterThan(0)
  })

  test('may be one at a single broker', async () => {
    expect(await looksAt([{}, { brokers }, { brokers }, { brokers }])).toEqual([
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 1],
    ])
  })

  test('counts at once when the brokers are others', async () => {
    const [old] = brokers
    expect(await looksAt([{}, { brokers: [old ?? silent, { ...silent, name: 'b2' }] }])).toEqual([
      [0, 2],
      [0, 1],
    ])
  })
})
