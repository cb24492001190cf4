import { describe, expect, test } from '@jest/globals'
import { ByteBudget } from './byte-budget.ts'

describe('byte budget', () => {
  test('grants while there is room, then first come, first served', () => {
    const budget = new ByteBudget(100)
    const granted: string[] = []
    const take = (name: string, bytes: number) => budget.take(bytes, () => granted.push(name))
    expect([take('a', 60), take('b', 40)]).toEqual([null, null])
    expect(take('c', 50)).not.toBeNull()
    expect(take('d', 1)).not.toBeNull()
    expect([budget.used, budget.waiting, granted]).toEqual([100, 2, []])
    budget.release(40)
    expect([budget.used, granted]).toEqual([60, []])
    budget.release(60)
    expect([budget.used, budget.waiting, granted]).toEqual([51, 0, ['c', 'd']])
  })

  test('lets one through that is larger than the whole budget, when nothing else is out', () => {
    const budget = new ByteBudget(100)
    const granted: string[] = []
    expect(budget.take(1, () => {})).toBeNull()
    budget.take(1000, () => granted.push('large'))
    expect(budget.take(1, () => granted.push('next'))).not.toBeNull()
    budget.release(1)
    expect([granted, budget.used]).toEqual([['large'], 1000])
    budget.release(1000)
    expect([granted, budget.used]).toEqual([['large', 'next'], 1])
  })

  test('serves the next one when the first in the queue gives up', () => {
    const budget = new ByteBudget(100)
    const granted: string[] = []
    budget.take(90, () => {})
    const large = budget.take(50, () => granted.push('large'))
    const small = budget.take(10, () => granted.push('small'))
    large?.[Symbol.dispose]()
    expect([granted, budget.used, budget.waiting]).toEqual([['small'], 100, 0])
    small?.[Symbol.dispose]()
    large?.[Symbol.dispose]()
    expect(budget.used).toBe(100)
  })
})
