import { expect, test } from '@jest/globals'
import { victims } from './victims.ts'

const broker = (name: string, more: object = {}) => ({ name, ready: true, connections: 5, ...more })

test('those go first whose end disturbs the fewest clients', () => {
  const brokers = [
    broker('busy', { connections: 9 }),
    broker('quiet', { ingressBytesPerSecond: 10 }),
    broker('quieter', { ingressBytesPerSecond: 1, egressBytesPerSecond: 2 }),
    broker('unseen', { connections: undefined }),
    broker('starting', { ready: false, connections: undefined }),
  ]
  expect(victims(brokers, 9)).toEqual(['starting', 'quieter', 'quiet', 'busy', 'unseen'])
  expect(victims(brokers, 2)).toEqual(['starting', 'quieter'])
})

test('the choice does not hang on the order in which brokers are seen', () => {
  const brokers = ['c', 'a', 'b'].map(name => broker(name))
  expect(victims(brokers, 1)).toEqual(['a'])
  expect(victims(brokers.toReversed(), 1)).toEqual(['a'])
  expect(victims([], 3)).toEqual([])
})
