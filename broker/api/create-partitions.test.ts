import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { MemoryBroker } from '../../testing/memory-broker.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import { newCreatePartitionsRequest, newCreateTopicsRequest } from '../wire/messages.gen.ts'

let broker: MemoryBroker
let ledgerFails = false
beforeEach(async () => {
  ledgerFails = false
  broker = await MemoryBroker.start({ faults: { ...noFaults, refusesAppend: () => ledgerFails } })
  const topics = ['a', 'b', 'c'].map(name => ({
    name,
    numPartitions: 2,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  await broker.ask('CreateTopics', 7, newCreateTopicsRequest({ topics, validateOnly: false }))
})
afterEach(() => broker.stop())

const partitionsOf = (name: string) => broker.core.replica.state.catalog.byName.get(name)?.partitions.length

interface Growth {
  readonly name: string
  readonly count: number
  readonly brokers?: number[][]
}

async function grow(wanted: Growth[], validateOnly = false) {
  const topics = wanted.map(({ name, count, brokers }) => ({
    name,
    count,
    assignments: brokers?.map(brokerIds => ({ brokerIds })) ?? null,
  }))
  const request = newCreatePartitionsRequest({ topics, timeoutMs: 1000, validateOnly })
  return (await broker.answerTo('CreatePartitions', 3, request)).results
}

describe('a topic', () => {
  test('grows to the number asked for', async () => {
    expect(await grow([{ name: 'a', count: 5 }])).toMatchObject([
      { name: 'a', errorCode: errorCode.NONE, errorMessage: null },
    ])
    expect(partitionsOf('a')).toBe(5)
  })

  test('grows with an assignment by hand of the new partitions', async () => {
    expect(await grow([{ name: 'a', count: 4, brokers: [[1], [1]] }])).toMatchObject([{ errorCode: errorCode.NONE }])
    expect(partitionsOf('a')).toBe(4)
  })

  test('stays as it is when it is only validated', async () => {
    expect(await grow([{ name: 'a', count: 5 }], true)).toMatchObject([{ errorCode: errorCode.NONE }])
    expect(partitionsOf('a')).toBe(2)
  })
})

describe('growth is refused', () => {
  test.each<[string, Growth, number, RegExp | undefined]>([
    ['of an unknown topic', { name: 'x', count: 3 }, errorCode.UNKNOWN_TOPIC_OR_PARTITION, undefined],
    ['to the number there is', { name: 'a', count: 2 }, errorCode.INVALID_PARTITIONS, /already has 2/],
    ['to fewer', { name: 'a', count: 1 }, errorCode.INVALID_PARTITIONS, /not be an increase/],
    ['to -1', { name: 'a', count: -1 }, errorCode.INVALID_PARTITIONS, /not be an increase/],
    ['to more than a topic may have', { name: 'a', count: 101 }, errorCode.INVALID_PARTITIONS, /100/],
    ['to 2147483647', { name: 'a', count: 2147483647 }, errorCode.INVALID_PARTITIONS, /100/],
    [
      'with too few assignments',
      { name: 'a', count: 4, brokers: [[1]] },
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /only 1/,
    ],
    [
      'with too many assignments',
      { name: 'a', count: 3, brokers: [[1], [1]] },
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /2 assignment/,
    ],
    [
      'onto an unknown broker',
      { name: 'a', count: 3, brokers: [[7]] },
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /broker 7/,
    ],
    [
      'with another replication factor',
      { name: 'a', count: 3, brokers: [[]] },
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /empty/,
    ],
  ])('%s', async (_, wanted, code, message) => {
    for (const validateOnly of [true, false]) {
      const [result] = await grow([wanted], validateOnly)
      expect(result).toMatchObject({ name: wanted.name, errorCode: code })
      if (message === undefined) expect(result?.errorMessage).toBeNull()
      else expect(result?.errorMessage).toMatch(message)
    }
    expect(partitionsOf('a')).toBe(2)
  })

  test('of a topic that the request names twice, and of no other', async () => {
    const results = await grow([
      { name: 'a', count: 3 },
      { name: 'b', count: 3 },
      { name: 'a', count: 4 },
    ])
    expect(results.map(result => result.errorCode)).toEqual([
      errorCode.INVALID_REQUEST,
      errorCode.NONE,
      errorCode.INVALID_REQUEST,
    ])
    expect([partitionsOf('a'), partitionsOf('b')]).toEqual([2, 3])
  })

  test('beyond what the cluster may have, all topics of a request together', async () => {
    const results = await grow(['a', 'b', 'c'].map(name => ({ name, count: 90 })))
    expect(results.map(result => result.errorCode)).toEqual([
      errorCode.NONE,
      errorCode.NONE,
      errorCode.INVALID_PARTITIONS,
    ])
  })

  test('with an error that can be tried again when the ledger takes nothing', async () => {
    ledgerFails = true
    expect(await grow([{ name: 'a', count: 3 }])).toMatchObject([{ errorCode: errorCode.KAFKA_STORAGE_ERROR }])
    expect(partitionsOf('a')).toBe(2)
  })
})
