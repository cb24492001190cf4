import { expect, test } from '@jest/globals'
import { FetchBudget } from './fetch-budget.ts'

async function taken(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), new Promise<boolean>(resolve => setImmediate(() => resolve(false)))])
}

test('who asks for more than is free waits, and nobody overtakes', async () => {
  const budget = new FetchBudget(100)
  expect(await taken(budget.take(60))).toBe(true)
  const large = budget.take(50)
  const small = budget.take(10)
  expect([await taken(large), await taken(small), budget.used]).toEqual([false, false, 60])
  budget.give(60)
  expect([await taken(large), await taken(small), budget.used]).toEqual([true, true, 60])
})

test('more than the whole budget is let through alone', async () => {
  const budget = new FetchBudget(100)
  expect(await taken(budget.take(500))).toBe(true)
  const next = budget.take(1)
  expect(await taken(next)).toBe(false)
  budget.give(500)
  expect(await taken(next)).toBe(true)
})
