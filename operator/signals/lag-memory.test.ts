import { expect, test } from '@jest/globals'
import { LagMemory } from './lag-memory.ts'

const position = (committed: number, end: number, more: object = {}) => ({
  group: 'g',
  state: 'Stable',
  topic: 't',
  partition: 0,
  committed,
  end,
  ...more,
})

test('the first look knows no pace, and says nothing rather than something wrong', () => {
  const memory = new LagMemory()
  expect(memory.take([position(0, 1_000_000)], 0)).toBeUndefined()
  expect(memory.take([position(100, 1_000_300)], 10_000)).toEqual([
    {
      group: 'g',
      topic: 't',
      partition: 0,
      records: 1_000_200,
      commitsPerSecond: 10,
      appendsPerSecond: 30,
      frozenMs: 0,
      groupState: 'Stable',
    },
  ])
})

test('without groups there is no lag, which is something else than not knowing', () => {
  expect(new LagMemory().take([], 0)).toEqual([])
})

test('a partition that comes later is left out until it has a pace', () => {
  const memory = new LagMemory()
  memory.take([position(0, 10)], 0)
  const both = [position(5, 10), position(0, 99, { partition: 1 })]
  expect(memory.take(both, 1000)?.map(({ partition }) => partition)).toEqual([0])
  expect(memory.take(both, 2000)?.map(({ partition }) => partition)).toEqual([0, 1])
})

test('a group that stands still is known to since its offset last moved, set back included', () => {
  const memory = new LagMemory()
  memory.take([position(5, 10)], 0)
  expect(memory.take([position(5, 20)], 60_000)?.[0]?.frozenMs).toBe(60_000)
  expect(memory.take([position(3, 20)], 70_000)?.[0]?.frozenMs).toBe(0)
  expect(memory.take([position(3, 20)], 90_000)?.[0]?.frozenMs).toBe(20_000)
})

test('paces are smoothed by time', () => {
  const memory = new LagMemory()
  memory.take([position(0, 0)], 0)
  memory.take([position(1000, 1000)], 10_000)
  // After one half-life of standing still, half is left.
  expect(memory.take([position(1000, 1000)], 40_000)?.[0]?.commitsPerSecond).toBeCloseTo(50)
})
