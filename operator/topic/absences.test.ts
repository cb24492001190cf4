// On a virtual clock.

import { expect, test } from '@jest/globals'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { Absences } from './absences.ts'

test('an absence is told when it has lasted for a minute, and every one begins anew', async () => {
  const clock = new VirtualClock()
  const absences = new Absences(clock)
  expect(absences.note('shop/a')).toBe(false)
  await clock.advance(30_000)
  expect(absences.note('shop/a')).toBe(false)
  expect(absences.note('shop/b')).toBe(false)
  await clock.advance(30_000)
  expect(absences.note('shop/a')).toBe(true)
  expect(absences.note('shop/b')).toBe(false)
  absences.end('shop/a')
  expect(absences.note('shop/a')).toBe(false)
})
