import { expect, test } from '@jest/globals'
import { simulate } from './simulate.ts'

test('the same seed gives the same history', async () => {
  expect(await simulate(42)).toEqual(await simulate(42))
})
