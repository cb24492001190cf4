// Each rule of the checker has a history that breaks it, and one that almost does.

import { describe, expect, test } from '@jest/globals'
import { judge } from './history.ts'
import type { Operation } from './operations.ts'
import { digestOf, valueFor } from './operations.ts'

const send = (key: string, sequence = 0, more: Partial<Extract<Operation, { kind: 'send' }>> = {}): Operation => ({
  kind: 'send',
  key,
  producer: 'p',
  idempotent: true,
  partition: 0,
  sequence,
  ...more,
})
const ack = (key: string, offset: number, partition = 0): Operation => ({ kind: 'ack', key, partition, offset })
const read = (key: string, offset: number, reader = 'r', bytes = valueFor(key)): Operation => ({
  kind: 'read',
  reader,
  partition: 0,
  offset,
  key,
  digest: digestOf(bytes),
})
const position = (offset: number, reader = 'r'): Operation => ({ kind: 'position', reader, partition: 0, offset })
const joined = (offset: number, reader: string): Operation => ({
  kind: 'position',
  reader,
  group: 'g',
  partition: 0,
  offset,
})
const whole = (end: number, reader = 'r'): Operation => ({ kind: 'whole', reader, partition: 0, end })
const commit = (offset: number, acknowledgedAt: number): Operation => ({
  kind: 'commit',
  group: 'g',
  partition: 0,
  offset,
  acknowledgedAt,
})
const committed = (offset: number, askedAt: number): Operation => ({
  kind: 'committed',
  group: 'g',
  partition: 0,
  offset,
  askedAt,
})

const rulesOf = (...operations: Operation[]): string[] => judge(operations).map(({ rule }) => rule)

test('a history in order has no violations', () => {
  const twoReaders = ['r', 's'].flatMap(name => [
    position(0, name),
    read('a', 0, name),
    read('b', 1, name),
    whole(2, name),
  ])
  expect(rulesOf(send('a', 0), send('b', 1), ack('a', 0), ack('b', 1), ...twoReaders)).toEqual([])
})

describe('lost', () => {
  test('an acknowledged record behind the end', () => {
    expect(rulesOf(send('a'), ack('a', 0), position(0), whole(0))).toEqual(['lost'])
  })

  test('an acknowledged record that another one stands in place of', () => {
    const others = [send('a', 0), send('b', 1), ack('a', 0), position(0), read('b', 0), whole(1)]
    expect(rulesOf(...others)).toContain('changed')
  })

  test('an acknowledgement without an offset', () => {
    expect(rulesOf(send('a'), ack('a', -1))).toEqual(['lost'])
  })

  test('a record that was not acknowledged may be missing', () => {
    expect(rulesOf(send('a'), position(0), whole(0))).toEqual([])
  })
})

describe('changed', () => {
  test('two readers see different records at one offset', () => {
    const seen = [position(0), read('a', 0), position(0, 's'), read('b', 0, 's')]
    expect(rulesOf(send('a', 0), send('b', 1), ...seen)).toEqual(['changed'])
  })

  test('other bytes than were sent', () => {
    expect(rulesOf(send('a'), position(0), read('a', 0, 'r', Buffer.from('other')))).toEqual(['changed'])
  })

  test('two records acknowledged at one offset', () => {
    expect(rulesOf(send('a', 0), send('b', 1), ack('a', 0), ack('b', 0))).toEqual(['changed'])
  })
})

describe('foreign', () => {
  test('a record that nobody sent', () => {
    expect(rulesOf(position(0), read('x', 0))).toEqual(['foreign'])
  })

  test('a record that was sent to another partition', () => {
    expect(rulesOf(send('a', 0, { partition: 1 }), position(0), read('a', 0))).toEqual(['foreign'])
  })
})

describe('twice and reordered', () => {
  const two = [position(0), read('a', 0), read('a', 1)]

  test('a record of an idempotent producer stands twice', () => {
    expect(rulesOf(send('a'), ...two)).toEqual(['twice'])
  })

  test('one of a plain producer may', () => {
    expect(rulesOf(send('a', 0, { idempotent: false }), ...two)).toEqual([])
  })

  test('records of an idempotent producer stand in another order', () => {
    expect(rulesOf(send('a', 0), send('b', 1), position(0), read('b', 0), read('a', 1))).toEqual(['reordered'])
  })

  test('the order of two producers is free', () => {
    const other = send('b', 1, { producer: 'q' })
    expect(rulesOf(send('a', 0), other, position(0), read('b', 0), read('a', 1))).toEqual([])
  })

  test('a record that was given up leaves no place', () => {
    expect(rulesOf(send('a', 0), send('b', 1), send('c', 2), position(0), read('a', 0), read('c', 1))).toEqual([])
  })
})

describe('jump', () => {
  test('an offset is left out', () => {
    expect(rulesOf(send('a'), position(0), read('a', 1))).toEqual(['jump'])
  })

  test('an offset comes twice', () => {
    expect(rulesOf(send('a'), position(0), read('a', 0), read('a', 0))).toEqual(['jump'])
  })

  test('the reading ends before the end', () => {
    expect(rulesOf(send('a'), position(0), read('a', 0), whole(2))).toEqual(['jump'])
  })

  test('a member of a group begins behind what the group has read', () => {
    const first = [send('a', 0), send('b', 1), send('c', 2), joined(0, 'm'), read('a', 0, 'm')]
    expect(rulesOf(...first, joined(2, 'n'), read('c', 2, 'n'))).toEqual(['jump'])
    expect(rulesOf(...first, joined(1, 'n'), read('b', 1, 'n'))).toEqual([])
    expect(rulesOf(...first, joined(0, 'n'), read('a', 0, 'n'))).toEqual([])
  })

  test('a member may get something again, but leaves nothing out', () => {
    const first = [send('a', 0), send('b', 1), send('c', 2), joined(0, 'm'), read('a', 0, 'm'), read('b', 1, 'm')]
    expect(rulesOf(...first, read('a', 0, 'm'), read('b', 1, 'm'), read('c', 2, 'm'))).toEqual([])
    expect(rulesOf(...first, read('a', 0, 'm'), read('c', 2, 'm'))).toEqual(['jump'])
  })

  test('a reader that belongs to no group begins later than at 0', () => {
    expect(rulesOf(send('a'), position(7), read('a', 7))).toEqual(['jump'])
  })
})

describe('went back', () => {
  test('an older offset than the one acknowledged before the question', () => {
    expect(rulesOf(commit(5, 10), committed(4, 11))).toEqual(['went back'])
    expect(rulesOf(commit(5, 10), commit(3, 20), committed(4, 21))).toEqual(['went back'])
  })

  test('no offset at all after one was acknowledged', () => {
    expect(rulesOf(commit(0, 10), committed(-1, 11))).toEqual(['went back'])
  })

  test('a question asked before the acknowledgement may be answered with the offset before', () => {
    expect(rulesOf(commit(3, 5), commit(5, 10), committed(3, 9))).toEqual([])
  })
})
