import { expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { Deadline } from './deadline.ts'

function start() {
  const clock = new VirtualClock()
  const passed: number[] = []
  return { clock, passed, deadline: new Deadline(clock, () => passed.push(clock.monotonic())) }
}

test('passes once, at the moment that was set last', async () => {
  const { clock, passed, deadline } = start()
  deadline.set(100)
  await clock.advance(60)
  deadline.set(100)
  expect(deadline.isSet).toBe(true)
  await clock.advance(99)
  expect(passed).toEqual([])
  await clock.advance(1000)
  expect(passed).toEqual([160])
  expect(deadline.isSet).toBe(false)
})

test('can be moved to an earlier moment', async () => {
  const { clock, passed, deadline } = start()
  deadline.set(1000)
  deadline.set(10)
  await clock.advance(5000)
  expect(passed).toEqual([10])
})

test('never passes once it is cleared, unless it is set again', async () => {
  const { clock, passed, deadline } = start()
  deadline.set(10)
  deadline.clear()
  await clock.advance(100)
  expect(passed).toEqual([])
  expect(clock.pending).toBe(0)
  deadline.set(10)
  await clock.advance(100)
  expect(passed).toEqual([110])
})

test('moving it later sets no further timer', () => {
  const { clock, deadline } = start()
  for (let count = 0; count < 100; count++) deadline.set(1000 + count)
  expect(clock.pending).toBe(1)
})
