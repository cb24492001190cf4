import { expect, test } from '@jest/globals'
import { joinSmall, lengthPrefix } from './outgoing.ts'

test('joins neighbouring small buffers and passes large ones through', () => {
  const [small, large] = [(fill: number) => Buffer.alloc(10, fill), (fill: number) => Buffer.alloc(10_000, fill)]
  const buffers = [small(1), small(2), large(3), small(4), large(5), large(6), Buffer.alloc(0), small(7), small(8)]
  const joined = joinSmall(buffers)
  expect(Buffer.concat(joined).equals(Buffer.concat(buffers))).toBe(true)
  expect(joined.map(buffer => buffer.length)).toEqual([20, 10_000, 10, 10_000, 10_000, 20])
  expect([joined[1], joined[3]]).toEqual([buffers[2], buffers[4]])
  expect(joinSmall([])).toEqual([])
  expect(Buffer.concat(joinSmall([Buffer.alloc(0), Buffer.alloc(0)])).length).toBe(0)
})

test('writes the length of all buffers together as the prefix', () => {
  expect([...lengthPrefix([Buffer.alloc(300), Buffer.alloc(1)])]).toEqual([0, 0, 1, 45])
  expect([...lengthPrefix([])]).toEqual([0, 0, 0, 0])
})
