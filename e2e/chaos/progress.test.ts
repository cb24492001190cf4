import { expect, test } from '@jest/globals'
import { Progress } from './progress.ts'

function progressAt(...times: number[]): Progress {
  const progress = new Progress()
  for (const time of times) progress.note(time)
  return progress
}

test('a gap counts whole when any of it lies in the window', () => {
  expect(progressAt(10, 20, 100, 110).longestGap(30, 40)).toBe(80)
  expect(progressAt(10, 20, 100, 110).longestGap(0, 105)).toBe(80)
  expect(progressAt(10, 20, 100, 110).longestGap(100, 110)).toBe(10)
})

test('a client that did not get on has a gap up to the end of the window', () => {
  expect(progressAt(10).longestGap(20, 100)).toBe(90)
  expect(progressAt().longestGap(20, 100)).toBe(80)
})

test('since', () => {
  expect(progressAt(10).since(10)).toBe(false)
  expect(progressAt(10, 11).since(10)).toBe(true)
  expect(progressAt().since(0)).toBe(false)
})
