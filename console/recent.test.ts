import { expect, test } from '@jest/globals'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { Recent } from './recent.ts'

/** Answers 1, 2, 3, each after so many milliseconds. */
function counting(clock: VirtualClock, ms: () => number) {
  let count = 0
  return new Recent(clock, async () => {
    count++
    await new Promise<void>(resolve => clock.setTimeout(resolve, ms()))
    return count
  })
}

test('those who ask at the same time, or soon after, get one answer', async () => {
  const clock = new VirtualClock()
  const recent = counting(clock, () => 10)
  const both = await clock.until(Promise.all([recent.get(), recent.get()]))
  expect(both.map(({ value }) => value)).toEqual([1, 1])
  await clock.advance(1900)
  expect(await recent.get()).toEqual({ value: 1, at: 0 })
  await clock.advance(100)
  expect((await clock.until(recent.get())).value).toBe(2)
})

test('what takes long is asked for seldom, but no answer gets old', async () => {
  const clock = new VirtualClock()
  let ms = 1000
  const recent = counting(clock, () => ms)
  await clock.until(recent.get())
  await clock.advance(8000)
  expect((await recent.get()).value).toBe(1)
  ms = 20_000
  await clock.advance(2000)
  expect((await clock.until(recent.get())).value).toBe(2)
  // Twenty seconds of the thirty are over when the answer comes.
  await clock.advance(9999)
  expect((await recent.get()).value).toBe(2)
  await clock.advance(1)
  expect((await clock.until(recent.get())).value).toBe(3)
})

test('a failure is told to all who wait for it, and is tried again by the next', async () => {
  const clock = new VirtualClock()
  let fails = true
  const recent = new Recent(clock, async () => {
    if (fails) throw new Error('no broker')
    return 'well'
  })
  const both = await Promise.allSettled([recent.get(), recent.get()])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect((await recent.get()).value).toBe('well')
})
