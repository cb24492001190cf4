import { describe, expect, test } from '@jest/globals'
import { parseQuantity } from './quantity.ts'

describe('parseQuantity', () => {
  test.each([
    ['0', 0],
    ['3', 3],
    ['500m', 0.5],
    ['100m', 0.1],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['2k', 2000],
    ['1Ki', 1024],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['10Gi', 10 * 2 ** 30],
    ['1E', 1e18],
    ['3e6', 3e6],
    ['1E3', 1000],
    ['250u', 0.00025],
  ])('%s is %d', (quantity, value) => {
    expect(parseQuantity(quantity)).toBe(value)
  })

  test('a number is itself', () => {
    expect(parseQuantity(4)).toBe(4)
  })

  test.each(['', 'Gi', '1 Gi', '1gi', '1KiB', 'ten', '1..5', '--1'])('%p is none', text => {
    expect(parseQuantity(text)).toBeUndefined()
  })
})
