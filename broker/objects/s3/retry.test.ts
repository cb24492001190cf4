import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '../../../testing/virtual-clock.ts'
import { ExtraRequests, pauseMs } from './retry.ts'

describe('pauses', () => {
  const backoff = { baseMs: 50, capMs: 2000 }

  test('grow exponentially up to the cap', () => {
    expect([1, 2, 3, 6, 7, 1000].map(failures => pauseMs(backoff, failures, 1))).toEqual([
      50, 100, 200, 1600, 2000, 2000,
    ])
  })

  test('are anything between nothing and the bound', () => {
    expect([0, 0.25, 0.999].map(random => pauseMs(backoff, 4, random))).toEqual([0, 100, 399.6])
  })
})

describe('the budget of extra requests', () => {
  const takeAll = (budget: ExtraRequests): number => {
    let taken = 0
    while (budget.take()) taken++
    return taken
  }

  test('allows a burst and then a share of the requests', () => {
    const budget = new ExtraRequests(new VirtualClock(), 0.2, 0)
    expect(takeAll(budget)).toBe(20)
    for (let i = 0; i < 51; i++) budget.earn()
    expect(takeAll(budget)).toBe(10)
  })

  test('grows with time as well, and never beyond the burst', async () => {
    const clock = new VirtualClock()
    const budget = new ExtraRequests(clock, 0.2, 5)
    takeAll(budget)
    await clock.advance(1000)
    expect(takeAll(budget)).toBe(5)
    await clock.advance(3_600_000)
    expect(takeAll(budget)).toBe(20)
  })
})
