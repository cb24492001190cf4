import { beforeEach, describe, expect, test } from '@jest/globals'
import { createLogger } from '../../broker/observe/logger.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { Controller, type PassReport, type Reconciler } from './controller.ts'
import { KubeError, NotLeader } from './errors.ts'
import { EngineMetrics } from './metrics.ts'
import { fail, next, type Outcome, wait } from './step.ts'
import { WorkQueue } from './work-queue.ts'

type Run = (key: string, signal: AbortSignal) => Promise<Outcome>

let clock: VirtualClock
let reports: PassReport[]
let trace: string[]

beforeEach(() => {
  clock = new VirtualClock()
  reports = []
  trace = []
})

function controller(run: Run, workers = 1) {
  const queue = new WorkQueue({ clock, random: () => 1, backoff: { baseMs: 100, capMs: 10_000 } })
  const reconciler: Reconciler<{ key: string; signal: AbortSignal }> = {
    name: 'test',
    begin: (key, { signal }) => (key === 'gone' ? undefined : { key, signal }),
    steps: [
      { name: 'first', run: async ({ key, signal }) => run(key, signal) },
      {
        name: 'second',
        run: async ({ key }) => {
          trace.push(`second ${key}`)
          return next
        },
      },
    ],
    end: async ({ key }, outcome) => {
      trace.push(`end ${key} ${outcome.kind}`)
    },
  }
  const made = new Controller({
    reconciler,
    queue,
    clock,
    random: () => 1,
    log: createLogger('silent'),
    workers,
    passTimeoutMs: 1000,
    resyncMs: 60_000,
    onPass: report => reports.push(report),
  })
  return { queue, made, done: made.run(new AbortController().signal) }
}

const results = () => reports.map(({ result }) => result)

describe('a pass', () => {
  test('runs every step, then the end, and comes again after the resync time', async () => {
    const { queue } = controller(async () => next)
    queue.add('a')
    await clock.advance(10)
    expect(trace).toEqual(['second a', 'end a next'])
    await clock.advance(60_000)
    expect(results()).toEqual(['success', 'success'])
  })

  test('that has to wait ends there, and comes again when it said', async () => {
    const { queue } = controller(async () => wait('NotThere', 500))
    queue.add('a')
    await clock.advance(10)
    expect(trace).toEqual(['end a wait'])
    await clock.advance(500)
    expect(results()).toEqual(['requeue_after', 'requeue_after'])
  })

  test('that fails comes again with growing waits', async () => {
    const times: number[] = []
    const { queue } = controller(async () => {
      times.push(clock.monotonic())
      return fail('Broken', new Error('x'))
    })
    queue.add('a')
    await clock.advance(1600)
    expect(times.map((time, index) => time - (times[index - 1] ?? 0))).toEqual([0, 100, 200, 400, 800])
  })

  test('that fails for good waits for a change', async () => {
    const { queue } = controller(async () => {
      throw new KubeError('Invalid', 'spec.x is wrong')
    })
    queue.add('a')
    await clock.advance(59_000)
    expect(reports).toMatchObject([{ result: 'error', isTerminal: true, isPanic: false }])
    queue.add('a')
    await clock.advance(1)
    expect(reports).toHaveLength(2)
  })

  test('that throws is a failure like any other, and is counted as our fault', async () => {
    const { queue } = controller(async () => {
      throw new TypeError('undefined is not a function')
    })
    queue.add('a')
    await clock.advance(1)
    expect(reports).toMatchObject([{ result: 'error', isPanic: true }])
    expect(trace).toEqual(['end a fail'])
  })

  test('waits for as long as a busy server says', async () => {
    const { queue } = controller(async () => {
      throw new KubeError('TooManyRequests', 'busy', { retryAfterMs: 5000 })
    })
    queue.add('a')
    await clock.advance(4999)
    expect(reports).toHaveLength(1)
    await clock.advance(2)
    expect(reports).toHaveLength(2)
  })

  test('of one that does not lead any more writes no status and does not come again', async () => {
    const { queue } = controller(async () => {
      throw new NotLeader('another')
    })
    queue.add('a')
    await clock.advance(100_000)
    expect(trace).toEqual([])
    expect(reports).toHaveLength(1)
  })

  test('over an object that is gone does nothing', async () => {
    const { queue } = controller(async () => next)
    queue.add('gone')
    await clock.advance(10)
    expect(trace).toEqual([])
    expect(results()).toEqual(['success'])
  })

  test('that takes too long is cut short', async () => {
    const { queue, made } = controller(
      (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut')))),
    )
    queue.add('a')
    await clock.advance(999)
    expect(made.isAlive).toBe(true)
    expect(reports).toEqual([])
    await clock.advance(1)
    expect(reports).toMatchObject([{ hasTimedOut: true, result: 'error' }])
  })

  test('that hangs although it was cut short shows in isAlive', async () => {
    const { queue, made } = controller(() => new Promise(() => {}))
    queue.add('a')
    await clock.advance(1999)
    expect(made.isAlive).toBe(true)
    await clock.advance(1)
    expect(made.isAlive).toBe(false)
  })
})

test('several workers work on several keys, never two on one', async () => {
  const busy = new Set<string>()
  let most = 0
  const { queue } = controller(async key => {
    expect(busy.has(key)).toBe(false)
    busy.add(key)
    most = Math.max(most, busy.size)
    await new Promise<void>(resolve => {
      clock.setTimeout(resolve, 10)
    })
    busy.delete(key)
    return next
  }, 3)
  for (const key of ['a', 'b', 'a', 'c', 'd', 'a']) queue.add(key)
  await clock.advance(5)
  queue.add('a')
  await clock.advance(100)
  expect(most).toBe(3)
  expect(reports).toHaveLength(5)
})

test('the metrics have the names of controller-runtime', async () => {
  const metrics = new EngineMetrics()
  const { queue, made, done } = controller(async () => next)
  metrics.observe(made)
  metrics.watches(() => [{ name: 'pods', silenceSeconds: 3 }])
  queue.add('a')
  await clock.advance(1)
  for (const report of reports) metrics.pass(made.name, report)
  metrics.request({ method: 'PATCH', path: '/api/v1/namespaces/n/pods/p', code: '200', seconds: 0.1 })
  metrics.request({
    method: 'PUT',
    path: '/apis/coordination.k8s.io/v1/namespaces/n/leases/l',
    code: '200',
    seconds: 0.1,
  })
  metrics.leads('kafscale-operator', true)
  const text = await metrics.registry.metrics()
  expect(text).toContain('controller_runtime_reconcile_total{controller="test",result="success"} 1')
  expect(text).toContain('controller_runtime_reconcile_total{controller="test",result="error"} 0')
  expect(text).toContain('workqueue_depth{name="test"} 0')
  expect(text).toContain('rest_client_requests_total{code="200",method="PATCH"} 1')
  expect(text).toContain('kafscale_operator_writes_total{method="PATCH"} 1')
  expect(text).not.toContain('kafscale_operator_writes_total{method="PUT"}')
  expect(text).toContain('leader_election_master_status{name="kafscale-operator"} 1')
  expect(text).toContain('kafscale_operator_watch_last_event_age_seconds{resource="pods"} 3')
  queue.shutDown()
  await done
})
