import { expect, test } from '@jest/globals'
import { subscription } from '../../testing/group-cluster.ts'
import { subscribedTopics } from './subscription.ts'

test('topics of all members are put together', () => {
  expect(subscribedTopics([subscription('a', 'b'), subscription('b', 'c')])).toEqual(new Set(['a', 'b', 'c']))
  expect(subscribedTopics([])).toEqual(new Set())
})

test('a version of the future is read as far as it is known', () => {
  const future = Buffer.concat([subscription('a'), Buffer.from('more than version 0 has')])
  future.writeInt16BE(12)
  expect(subscribedTopics([future])).toEqual(new Set(['a']))
})

test('what is no subscription makes the topics unknown', () => {
  const negative = subscription('a')
  negative.writeInt16BE(-1)
  const broken = [
    Buffer.alloc(0),
    Buffer.from([0]),
    Buffer.from('anything else'),
    subscription('abc').subarray(0, 9),
    negative,
  ]
  for (const bytes of broken) expect(subscribedTopics([subscription('a'), bytes])).toBeNull()
})
