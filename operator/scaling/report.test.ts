import { expect, test } from '@jest/globals'
import { type ScalingSpec, scalingSchema } from '../types/scaling.ts'
import type { Look } from './autoscaler.ts'
import { decide } from './decide.ts'
import { type History, NO_HISTORY } from './history.ts'
import type { Observation, PartitionLag } from './observation.ts'
import { lagReport, scalingReport } from './report.ts'

const NOW = Date.UTC(2026, 0, 1)
const spec: ScalingSpec = scalingSchema.parse({ mode: 'Auto', max: 9, signals: { connections: { target: 100 } } })

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

function look(connections: number, more: Partial<Observation> = {}, history: History = NO_HISTORY, at = NOW): Look {
  const observation: Observation = {
    current: 3,
    brokers: [1, 2, 3].map(id => ({ name: `b${id}`, ready: true, eventLoop: 0.5, connections })),
    lag: [],
    storageThrottled: false,
    rollingOut: false,
    unschedulable: 0,
    ...more,
  }
  return { at, observation, version: '1', decision: decide(at, spec, history, observation) }
}

test('numbers that move without consequences are not told anew', () => {
  const told = scalingReport(spec, look(100), undefined)
  expect(told.signals?.find(({ name }) => name === 'connections')).toEqual({
    name: 'connections',
    value: 100,
    target: 100,
    proposal: 3,
  })
  for (const connections of [92, 97, 100, 103, 108]) {
    expect(scalingReport(spec, look(connections, {}, NO_HISTORY, NOW + 3_600_000), told)).toBe(told)
  }
  const other = scalingReport(spec, look(180), told)
  expect(other).not.toBe(told)
  expect(other.signals?.find(({ name }) => name === 'connections')?.proposal).toBe(6)
})

test('a number that is far from what was told is told although nothing follows', () => {
  const told = scalingReport(spec, look(60), undefined)
  const next = scalingReport(spec, look(20), told)
  expect(next.signals?.find(({ name }) => name === 'connections')?.value).toBe(20)
})

test('lag is told with the groups that are the furthest behind, the worst of each topic first', () => {
  const lag = [
    lagOf(500, { partition: 0 }),
    lagOf(300, { partition: 1 }),
    lagOf(2000, { group: 'slow' }),
    lagOf(0, { group: 'idle' }),
    lagOf(9000, { group: 'frozen', frozenMs: 600_000 }),
  ]
  expect(lagReport(spec, look(100, { lag }), undefined)).toEqual({
    records: 11_800,
    seconds: 118,
    brokerBoundRecords: 0,
    groups: [
      { group: 'frozen', topic: 't', records: 9000, cause: 'Stuck' },
      { group: 'slow', topic: 't', records: 2000, cause: 'ConsumerBound' },
      { group: 'g', topic: 't', records: 800, cause: 'ConsumerBound' },
    ],
  })
})

test('lag that comes and goes around nothing is not told anew, lag that grows is', () => {
  const told = lagReport(spec, look(100, { lag: [lagOf(3)] }), undefined)
  expect(lagReport(spec, look(100, { lag: [lagOf(400)] }), told)).toBe(told)
  expect(lagReport(spec, look(100, { lag: [lagOf(4000)] }), told)?.records).toBe(4000)
})

test('lag that was not seen leaves what was told', () => {
  const told = lagReport(spec, look(100, { lag: [lagOf(3000)] }), undefined)
  expect(lagReport(spec, look(100, { lag: undefined }), told)).toBe(told)
  expect(lagReport(spec, look(100, { lag: undefined }), undefined)).toBeUndefined()
})

test('ten groups at the most, with names that fit', () => {
  const lag = Array.from({ length: 30 }, (_, index) => lagOf(100 + index, { group: `${'x'.repeat(300)}${index}` }))
  const groups = lagReport(spec, look(100, { lag }), undefined)?.groups ?? []
  expect(groups).toHaveLength(10)
  expect(groups.every(({ group }) => group.length === 255)).toBe(true)
})
