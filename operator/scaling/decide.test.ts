import { describe, expect, test } from '@jest/globals'
import { SeededRandom } from '../../testing/simulation/random.ts'
import { type ScalingSpec, scalingSchema } from '../types/scaling.ts'
import { type Decision, decide } from './decide.ts'
import { type History, NO_HISTORY, readHistory, storedHistory } from './history.ts'
import type { BrokerLoad, Observation, PartitionLag } from './observation.ts'

const START = Date.UTC(2026, 0, 1)
const SECOND = 1000
const MINUTE = 60 * SECOND

const specOf = (more: Record<string, unknown> = {}): ScalingSpec =>
  scalingSchema.parse({ mode: 'Auto', min: 1, max: 20, ...more })
/** Without patience and without limits of speed, to see what the signals ask for. */
const eager = {
  scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1000, periodSeconds: 60 }] },
  scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1000, periodSeconds: 60 }] },
}
const eventLoopOnly = { eventLoop: { targetPercent: 60 }, lag: { enabled: false } }

const brokers = (count: number, load: Partial<BrokerLoad> = {}): BrokerLoad[] =>
  Array.from({ length: count }, (_, index) => ({ name: `b${index}`, ready: true, eventLoop: 0.6, ...load }))
const lagOf = (records: number, more: Partial<PartitionLag> = {}): PartitionLag => ({
  group: 'g',
  topic: 't',
  partition: 0,
  records,
  commitsPerSecond: 100,
  appendsPerSecond: 100,
  frozenMs: 0,
  groupState: 'Stable',
  ...more,
})
const seen = (current: number, more: Partial<Observation> = {}): Observation => ({
  current,
  brokers: brokers(current),
  lag: [],
  storageThrottled: false,
  rollingOut: false,
  unschedulable: 0,
  ...more,
})
const reasonOf = ({ findings }: Decision, type: string): string | undefined =>
  findings.find(finding => finding.type === type)?.reason

describe('utilisation follows the law of the HPA', () => {
  test.each([
    [2, 1.2, 4],
    [4, 0.3, 2],
    [3, 0.65, 3],
    [3, 0.55, 3],
    [10, 0.67, 12],
    [5, 0, 1],
  ])('%i brokers at %d of a target of 0.6 become %i', (current, eventLoop, replicas) => {
    const observation = seen(current, { brokers: brokers(current, { eventLoop }) })
    const spec = specOf({ signals: eventLoopOnly, behavior: eager })
    expect(decide(START, spec, NO_HISTORY, observation).desired).toBe(replicas)
  })

  test('a broker that is not seen counts as idle for growth and as on target for shrinking', () => {
    const spec = specOf({ signals: eventLoopOnly, behavior: eager })
    const half = (eventLoop: number) => [...brokers(2, { eventLoop }), ...brokers(2, { eventLoop: undefined })]
    // 2 of 4 at twice the target: seen alone they would ask for 4 of themselves; with two idle ones all is on target.
    expect(decide(START, spec, NO_HISTORY, seen(4, { brokers: half(1.2) })).desired).toBe(4)
    expect(decide(START, spec, NO_HISTORY, seen(4, { brokers: half(0) })).desired).toBe(2)
  })

  test('of several signals the largest counts', () => {
    const signals = { ...eventLoopOnly, connections: { target: 100 } }
    const observation = seen(2, { brokers: brokers(2, { eventLoop: 0.3, connections: 250 }) })
    expect(decide(START, specOf({ signals, behavior: eager }), NO_HISTORY, observation).desired).toBe(5)
  })

  test('a missing signal keeps brokers from going, not from coming', () => {
    const signals = { ...eventLoopOnly, connections: { target: 100 } }
    const spec = specOf({ signals, behavior: eager })
    const idle = seen(4, { brokers: brokers(4, { eventLoop: 0.1 }) })
    expect(decide(START, spec, NO_HISTORY, idle).desired).toBe(4)
    const busy = seen(4, { brokers: brokers(4, { eventLoop: 0.9 }) })
    expect(decide(START, spec, NO_HISTORY, busy).desired).toBe(6)
    const blind = decide(START, spec, NO_HISTORY, seen(4, { brokers: brokers(4, { eventLoop: undefined }) }))
    expect([blind.desired, reasonOf(blind, 'ScalingActive')]).toEqual([4, 'FailedGetMetrics'])
  })

  test('without any signal for long enough the fallback holds, and never takes brokers away', () => {
    const spec = specOf({ signals: eventLoopOnly, behavior: eager, fallback: { failureThreshold: 3, replicas: 6 } })
    const blind = (current: number) => seen(current, { brokers: brokers(current, { eventLoop: undefined }) })
    let history: History = NO_HISTORY
    const sizes = [0, 1, 2].map(step => {
      const decision = decide(START + step * MINUTE, spec, history, blind(4))
      history = decision.history
      return decision.desired
    })
    expect(sizes).toEqual([4, 4, 6])
    expect(decide(START, spec, { ...NO_HISTORY, failures: 9 }, blind(8)).desired).toBe(8)
  })
})

describe('lag', () => {
  const saturated = { brokers: brokers(2, { eventLoop: 0.65, fetchQueueSeconds: 1 }) }
  const spec = specOf({ signals: { lag: { targetSeconds: 30 } }, behavior: eager })
  const many = Array.from({ length: 8 }, (_, partition) => lagOf(3000, { partition }))

  test('is an average value: the total decides, so it does not compound', () => {
    const sizes = [2, 4, 8].map(
      current =>
        decide(START, spec, NO_HISTORY, seen(current, { lag: many, brokers: brokers(current, saturated.brokers[0]) }))
          .desired,
    )
    // 8 partitions, 30 s behind each, one broker for 30 s.
    expect(sizes).toEqual([8, 8, 8])
  })

  test('asks for no more brokers than partitions that are behind', () => {
    const decision = decide(START, spec, NO_HISTORY, seen(2, { ...saturated, lag: [lagOf(1_000_000)] }))
    expect(decision.desired).toBe(2)
  })

  test.each([
    ['ConsumerBound', { brokers: brokers(2, { eventLoop: 0.2 }) }, {}],
    ['Stuck', saturated, { frozenMs: 10 * MINUTE }],
    ['Stuck', saturated, { groupState: 'Empty' }],
    ['Rebalancing', saturated, { groupState: 'PreparingRebalance' }],
    ['StorageBound', { ...saturated, storageThrottled: true }, {}],
    ['Idle', saturated, { records: 1 }],
  ])('that is %s buys no broker', (cause, observation, lag) => {
    const behind = many.map(one => ({ ...one, ...lag }))
    const decision = decide(START, spec, NO_HISTORY, seen(2, { ...observation, lag: behind }))
    expect(decision.lag[0]?.cause).toBe(cause)
    expect(decision.desired).toBeLessThanOrEqual(2)
  })

  test('without attribution all of it counts', () => {
    const all = specOf({ signals: { lag: { targetSeconds: 30, attribution: 'Disabled' } }, behavior: eager })
    const observation = seen(2, { brokers: brokers(2, { eventLoop: 0.2 }), lag: many })
    expect(decide(START, all, NO_HISTORY, observation).desired).toBe(8)
  })

  test('that does not fall after two steps stops asking, says so, and asks again later', () => {
    let history: History = NO_HISTORY
    let current = 2
    const sizes: number[] = []
    const patient = specOf({
      signals: { lag: { targetSeconds: 30 } },
      behavior: {
        scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
      },
    })
    for (let minute = 0; minute < 25; minute++) {
      const observation = seen(current, {
        lag: many,
        brokers: brokers(current, { eventLoop: 0.65, fetchQueueSeconds: 1 }),
      })
      const decision = decide(START + minute * MINUTE, patient, history, observation)
      history = decision.history
      current = decision.desired
      sizes.push(current)
      if (minute === 8) expect(reasonOf(decision, 'LagScalingIneffective')).toBe('NoGain')
      if (minute === 8) expect(decision.explanation).toContain('more brokers did not make it fall')
    }
    expect(sizes[7]).toBe(4)
    expect(sizes[20]).toBe(4)
    expect(sizes[24]).toBe(5)
  })
})

describe('speed', () => {
  const busy = (current: number) => seen(current, { brokers: brokers(current, { eventLoop: 1 }) })
  const idle = (current: number) => seen(current, { brokers: brokers(current, { eventLoop: 0 }) })

  function run(
    spec: ScalingSpec,
    from: number,
    steps: number,
    everyMs: number,
    observe: (current: number) => Observation,
    leader: (history: History) => History = history => history,
  ) {
    let history: History = NO_HISTORY
    let current = from
    return Array.from({ length: steps }, (_, step) => {
      const decision = decide(START + step * everyMs, spec, history, observe(current))
      history = leader(decision.history)
      current = decision.desired
      return current
    })
  }

  test('brokers come by at most two or half a minute, and only after the window', () => {
    const sizes = run(specOf({ signals: eventLoopOnly }), 4, 6, 60 * SECOND, busy)
    expect(sizes).toEqual([4, 6, 9, 14, 20, 20])
  })

  test('what is there at the first look counts as recommended, so that it takes nothing away and adds nothing at once', () => {
    const first = decide(START, specOf({ signals: eventLoopOnly }), NO_HISTORY, idle(4))
    expect([first.desired, reasonOf(first, 'AbleToScale')]).toEqual([4, 'ScaleDownStabilized'])
  })

  test('leaders that change at every look forget nothing: they are slower at the most', () => {
    const spec = specOf({ signals: eventLoopOnly })
    const stored = (history: History): History => readHistory(storedHistory(history))
    for (const [observe, from] of [
      [busy, 4],
      [idle, 12],
    ] as const) {
      const one = run(spec, from, 60, 30 * SECOND, observe)
      const many = run(spec, from, 60, 30 * SECOND, observe, stored)
      for (const [step, size] of many.entries()) {
        expect(Math.abs(size - from)).toBeLessThanOrEqual(Math.abs((one[step] ?? 0) - from))
      }
      expect(many.at(-1)).not.toBe(from)
    }
  })

  test('a steady recommendation is one entry, and too many become fewer without taking brokers sooner', () => {
    const steady = run(specOf({ signals: eventLoopOnly }), 4, 1, MINUTE, current => seen(current))
    expect(steady).toEqual([4])
    let history: History = NO_HISTORY
    for (let step = 0; step < 500; step++) {
      const load = step % 2 === 0 ? 0.6 : 0.9
      const observation = seen(8, { brokers: brokers(8, { eventLoop: load }), rollingOut: true })
      history = decide(START + step * 15 * SECOND, specOf({ signals: eventLoopOnly }), history, observation).history
    }
    expect(history.recommendations.length).toBeLessThanOrEqual(40)
    expect(Math.max(...history.recommendations.map(({ replicas }) => replicas))).toBe(12)
  })

  test('brokers go one by one, after ten minutes of nothing', () => {
    const sizes = run(specOf({ signals: eventLoopOnly }), 4, 20, MINUTE, idle)
    expect(sizes.slice(0, 10)).toEqual(Array(10).fill(4))
    for (const [step, size] of sizes.entries()) expect(size).toBeGreaterThanOrEqual((sizes[step - 1] ?? 4) - 1)
    expect(sizes.at(-1)).toBe(1)
  })

  test('a dip shorter than the window of scaleDown vanishes', () => {
    const spec = specOf({ signals: eventLoopOnly })
    const first = decide(START, spec, NO_HISTORY, seen(4))
    const dip = decide(START + 5 * MINUTE, spec, first.history, idle(4))
    expect([dip.desired, reasonOf(dip, 'AbleToScale')]).toEqual([4, 'ScaleDownStabilized'])
    const over = decide(START + 11 * MINUTE, spec, dip.history, idle(4))
    expect(over.desired).toBe(3)
  })

  test('Disabled forbids a direction', () => {
    const behavior = { scaleDown: { selectPolicy: 'Disabled' } }
    expect(run(specOf({ signals: eventLoopOnly, behavior }), 4, 30, MINUTE, idle).at(-1)).toBe(4)
  })
})

describe('interlocks', () => {
  const busy = seen(4, { brokers: brokers(4, { eventLoop: 1 }) })
  const spec = specOf({ signals: eventLoopOnly, behavior: eager })

  test('nothing changes while brokers are being replaced', () => {
    const decision = decide(START, spec, NO_HISTORY, { ...busy, rollingOut: true })
    expect([decision.desired, reasonOf(decision, 'AbleToScale')]).toEqual([4, 'RolloutInProgress'])
  })

  test('no growth while the last step found no room', () => {
    const decision = decide(START, spec, NO_HISTORY, { ...busy, unschedulable: 1 })
    expect([decision.desired, reasonOf(decision, 'AbleToScale')]).toEqual([4, 'CapacityExhausted'])
  })
})

describe('always', () => {
  const random = new SeededRandom(3)
  const anything = (): Observation => {
    const current = random.int(0, 30)
    return seen(current, {
      brokers: brokers(current).map(broker => ({
        ...broker,
        ready: random.chance(0.9),
        eventLoop: random.chance(0.9) ? random.next() : undefined,
        fetchQueueSeconds: random.next(),
      })),
      lag: random.chance(0.1)
        ? undefined
        : Array.from({ length: random.int(0, 5) }, (_, partition) => lagOf(random.int(0, 100_000), { partition })),
      storageThrottled: random.chance(0.2),
      rollingOut: random.chance(0.2),
      unschedulable: random.int(0, 1),
    })
  }

  test('the size stays within the limits once it is there, whatever is seen', () => {
    for (let round = 0; round < 500; round++) {
      const min = random.int(1, 5)
      const max = random.int(min, 25)
      const observation = anything()
      const { desired } = decide(START, specOf({ min, max }), NO_HISTORY, observation)
      if (observation.rollingOut || observation.unschedulable > 0) continue
      expect(desired).toBeGreaterThanOrEqual(min)
      expect(desired).toBeLessThanOrEqual(max)
    }
  })

  test('the order of brokers and partitions does not matter', () => {
    for (let round = 0; round < 100; round++) {
      const one = anything()
      const other = { ...one, brokers: one.brokers.toReversed(), lag: one.lag?.toReversed() }
      expect(decide(START, specOf(), NO_HISTORY, other).desired).toBe(decide(START, specOf(), NO_HISTORY, one).desired)
    }
  })

  test('more load never means fewer brokers', () => {
    const spec = specOf({ signals: eventLoopOnly, behavior: eager })
    const sizes = Array.from(
      { length: 101 },
      (_, percent) =>
        decide(START, spec, NO_HISTORY, seen(5, { brokers: brokers(5, { eventLoop: percent / 100 }) })).desired,
    )
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
  })

  test('under a constant load the size comes to rest', () => {
    for (const total of [0.3, 2, 5.5, 11]) {
      let history: History = NO_HISTORY
      let current = 3
      const sizes: number[] = []
      for (let minute = 0; minute < 120; minute++) {
        const observation = seen(current, { brokers: brokers(current, { eventLoop: Math.min(1, total / current) }) })
        const decision = decide(START + minute * MINUTE, specOf({ signals: eventLoopOnly }), history, observation)
        history = decision.history
        current = decision.desired
        sizes.push(current)
      }
      expect(new Set(sizes.slice(-60)).size).toBe(1)
    }
  })

  test('a settled cluster is explained by the same words each time, so that its status is not written', () => {
    const spec = specOf()
    const first = decide(START, spec, NO_HISTORY, seen(4))
    const later = decide(START + 20 * MINUTE, spec, first.history, seen(4))
    expect(later.explanation).toBe(first.explanation)
    expect(later.findings).toEqual(first.findings)
  })
})
