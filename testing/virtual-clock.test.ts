import { describe, expect, test } from '@jest/globals'
import { sleep } from '../broker/clock.ts'
import { VirtualClock } from './virtual-clock.ts'

describe('virtual clock', () => {
  test('stands still until it is advanced', async () => {
    const clock = new VirtualClock(1000)
    let fired = false
    clock.setTimeout(() => (fired = true), 10)
    await clock.advance(9)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([1009, 9, false])
    await clock.advance(1)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([1010, 10, true])
  })

  test('fires timers by due time, then in the order they were set', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    for (const [name, ms] of [
      ['c', 7],
      ['a', 5],
      ['d', 7],
      ['b', 5],
    ] as const)
      clock.setTimeout(() => seen.push(name), ms)
    await clock.advance(100)
    expect(seen.join('')).toBe('abcd')
  })

  test('lets promises run to their end between two timers that are due together', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.setTimeout(async () => {
      seen.push('first')
      for (let i = 0; i < 20; i++) await null
      seen.push('after the first')
    }, 5)
    clock.setTimeout(() => seen.push('second'), 5)
    await clock.advance(5)
    expect(seen).toEqual(['first', 'after the first', 'second'])
  })

  test('shows each timer its own due time and fires timers set on the way', async () => {
    const clock = new VirtualClock(0)
    const seen: number[] = []
    clock.setTimeout(() => {
      seen.push(clock.now())
      clock.setTimeout(() => seen.push(clock.now()), 3)
    }, 4)
    await clock.advance(20)
    expect([seen, clock.now()]).toEqual([[4, 7], 20])
  })

  test('does not fire a cancelled timer', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const timer = clock.setTimeout(() => seen.push('cancelled'), 1)
    clock.setTimeout(() => seen.push('kept'), 2)
    clock.clearTimeout(timer)
    expect(clock.pending).toBe(1)
    expect(await clock.runNext()).toBe(true)
    expect([seen, await clock.runNext(), clock.monotonic()]).toEqual([['kept'], false, 2])
  })

  test('moves on even with timers of zero milliseconds', async () => {
    const clock = new VirtualClock(0)
    let turns = 0
    const again = (): void => {
      turns++
      clock.setTimeout(again, 0)
    }
    again()
    await clock.advance(10)
    expect(turns).toBe(11)
  })

  test('runs until a promise settles, and says when nothing can settle it', async () => {
    const clock = new VirtualClock(0)
    expect(await clock.until(sleep(clock, 60_000).then(() => clock.now()))).toBe(60_000)
    await expect(clock.until(sleep(clock, 1).then(() => Promise.reject(new Error('as told'))))).rejects.toThrow(
      'as told',
    )
    await expect(clock.until(new Promise(() => {}))).rejects.toThrow('still pending')
  })
})
