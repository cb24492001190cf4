import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { MemoryBroker } from '../../testing/memory-broker.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import { type CreateTopicsRequestTopic, newCreateTopicsRequest, newDeleteTopicsRequest } from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'

const VERSION = 7

let broker: MemoryBroker
let ledgerFails = false
beforeEach(async () => {
  ledgerFails = false
  broker = await MemoryBroker.start({ faults: { ...noFaults, refusesAppend: () => ledgerFails } })
})
afterEach(() => broker.stop())

function topic(name: string, change: Partial<CreateTopicsRequestTopic> = {}): CreateTopicsRequestTopic {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...change }
}

const byHand = (...assignments: [number, number[]][]): Partial<CreateTopicsRequestTopic> => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: assignments.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
})

async function create(topics: CreateTopicsRequestTopic[], { validateOnly = false, version = VERSION } = {}) {
  const answer = await broker.answerTo('CreateTopics', version, newCreateTopicsRequest({ topics, validateOnly }))
  return answer.topics
}

const topics = () => broker.core.replica.state.catalog.byName

describe('a topic', () => {
  test('is created as asked for, and the answer tells what it is like', async () => {
    const configs = [
      { name: 'retention.ms', value: ' 0100 ' },
      { name: 'cleanup.policy', value: 'compact' },
    ]
    const [created] = await create([topic('a', { numPartitions: 3, configs })])
    expect(created).toMatchObject({
      name: 'a',
      errorCode: errorCode.NONE,
      errorMessage: null,
      numPartitions: 3,
      replicationFactor: 1,
    })
    expect(topics().get('a')?.id).toBe(created?.topicId)
    expect(topics().get('a')?.partitions.length).toBe(3)
    const shown = new Map(created?.configs?.map(config => [config.name, config]))
    expect(shown.get('retention.ms')).toMatchObject({
      value: '100',
      configSource: 1,
      readOnly: false,
      isSensitive: false,
    })
    expect(shown.get('cleanup.policy')).toMatchObject({ value: 'compact', configSource: 1 })
    expect(shown.get('max.message.bytes')).toMatchObject({ value: '1048588', configSource: 5 })
  })

  test('takes the defaults for -1', async () => {
    const [created] = await create([topic('a', { numPartitions: -1, replicationFactor: -1 })])
    expect(created).toMatchObject({ errorCode: errorCode.NONE, numPartitions: 2, replicationFactor: 1 })
    expect(topics().get('a')?.partitions.length).toBe(2)
  })

  test('takes its partitions from an assignment by hand, in any order', async () => {
    const [created] = await create([topic('a', byHand([1, [1]], [0, [1]]))])
    expect(created).toMatchObject({ errorCode: errorCode.NONE, numPartitions: 2, replicationFactor: 1 })
  })

  test('is not created when it is only validated', async () => {
    const [validated] = await create([topic('a')], { validateOnly: true })
    expect(validated).toMatchObject({ errorCode: errorCode.NONE, numPartitions: 1, topicId: ZERO_UUID })
    expect(topics().size).toBe(0)
  })

  test('has a replication factor of its own choice: it is only shown', async () => {
    const [created] = await create([topic('a', { replicationFactor: 3 })])
    expect(created).toMatchObject({ errorCode: errorCode.NONE, replicationFactor: 3 })
  })
})

describe('a topic is refused', () => {
  test.each<[string, CreateTopicsRequestTopic, number, RegExp]>([
    ['without a name', topic(''), errorCode.INVALID_TOPIC_EXCEPTION, /empty/],
    ['named ..', topic('..'), errorCode.INVALID_TOPIC_EXCEPTION, /not allowed/],
    ['with other characters', topic('a/b'), errorCode.INVALID_TOPIC_EXCEPTION, /characters/],
    ['with a name of 250 characters', topic('x'.repeat(250)), errorCode.INVALID_TOPIC_EXCEPTION, /249/],
    ['that exists', topic('old.one'), errorCode.TOPIC_ALREADY_EXISTS, /already exists/],
    [
      'whose name looks like another in metrics',
      topic('old_one'),
      errorCode.INVALID_TOPIC_EXCEPTION,
      /collides.*old\.one/,
    ],
    ['with no partitions', topic('a', { numPartitions: 0 }), errorCode.INVALID_PARTITIONS, /non-positive/],
    ['with -2 partitions', topic('a', { numPartitions: -2 }), errorCode.INVALID_PARTITIONS, /non-positive/],
    [
      'with more partitions than a topic may have',
      topic('a', { numPartitions: 101 }),
      errorCode.INVALID_PARTITIONS,
      /100/,
    ],
    ['with 2147483647 partitions', topic('a', { numPartitions: 2147483647 }), errorCode.INVALID_PARTITIONS, /100/],
    [
      'with replication factor 0',
      topic('a', { replicationFactor: 0 }),
      errorCode.INVALID_REPLICATION_FACTOR,
      /larger than 0/,
    ],
    [
      'with an unknown setting',
      topic('a', { configs: [{ name: 'no.such', value: '' }] }),
      errorCode.INVALID_CONFIG,
      /no\.such/,
    ],
    [
      'with a wrong value',
      topic('a', { configs: [{ name: 'retention.ms', value: 'x' }] }),
      errorCode.INVALID_CONFIG,
      /LONG/,
    ],
    [
      'with a null value',
      topic('a', { configs: [{ name: 'retention.ms', value: null }] }),
      errorCode.INVALID_CONFIG,
      /Null/,
    ],
    [
      'with settings that contradict each other',
      topic('a', {
        configs: [
          { name: 'min.compaction.lag.ms', value: '10' },
          { name: 'max.compaction.lag.ms', value: '9' },
        ],
      }),
      errorCode.INVALID_CONFIG,
      /min\.compaction\.lag\.ms/,
    ],
    [
      'with tiered storage',
      topic('a', { configs: [{ name: 'remote.storage.enable', value: 'true' }] }),
      errorCode.INVALID_CONFIG,
      /tiered/,
    ],
    [
      'with an assignment and a number',
      topic('a', { ...byHand([0, [1]]), numPartitions: 1 }),
      errorCode.INVALID_REQUEST,
      /numPartitions/,
    ],
    [
      'with an assignment and a factor',
      topic('a', { ...byHand([0, [1]]), replicationFactor: 1 }),
      errorCode.INVALID_REQUEST,
      /replication factor/,
    ],
    [
      'with an assignment to an unknown broker',
      topic('a', byHand([0, [7]])),
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /broker 7/,
    ],
    ['with an assignment to nobody', topic('a', byHand([0, []])), errorCode.INVALID_REPLICA_ASSIGNMENT, /empty/],
    [
      'with an assignment to a broker twice',
      topic('a', byHand([0, [1, 1]])),
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /more than once/,
    ],
    [
      'with two assignments of a partition',
      topic('a', byHand([0, [1]], [0, [1]])),
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /multiple/,
    ],
    [
      'with a gap in its assignment',
      topic('a', byHand([0, [1]], [2, [1]])),
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      /consecutive/,
    ],
    ['with a negative partition', topic('a', byHand([-1, [1]])), errorCode.INVALID_REPLICA_ASSIGNMENT, /consecutive/],
  ])('%s', async (_, wanted, code, message) => {
    await create([topic('old.one')])
    for (const validateOnly of [true, false]) {
      const [refused] = await create([wanted], { validateOnly })
      expect(refused).toMatchObject({ name: wanted.name, errorCode: code, topicId: ZERO_UUID, numPartitions: -1 })
      expect(refused?.errorMessage).toMatch(message)
    }
    expect([...topics().keys()]).toEqual(['old.one'])
  })

  test('for its settings before its numbers, and for its name before both', async () => {
    const wrong = { numPartitions: 0, configs: [{ name: 'no.such', value: '' }] }
    const answers = await create([topic('a', wrong), topic('a/b', wrong)])
    expect(answers.map(answer => answer.errorCode)).toEqual([
      errorCode.INVALID_CONFIG,
      errorCode.INVALID_TOPIC_EXCEPTION,
    ])
  })
})

test('a name that only looked like another is free when that topic is gone', async () => {
  await create([topic('old.one')])
  await broker.ask('DeleteTopics', 1, newDeleteTopicsRequest({ topicNames: ['old.one'], timeoutMs: 1000 }))
  expect((await create([topic('old_one')]))[0]?.errorCode).toBe(errorCode.NONE)
})

describe('topics of one request', () => {
  test('succeed and fail each by itself, in one entry of the ledger', async () => {
    const before = broker.core.replica.state.position
    const answers = await create([topic('a'), topic('a/b'), topic('c')])
    expect(answers.map(answer => answer.errorCode)).toEqual([
      errorCode.NONE,
      errorCode.INVALID_TOPIC_EXCEPTION,
      errorCode.NONE,
    ])
    expect([...topics().keys()]).toEqual(['a', 'c'])
    // The first command goes at once, what came meanwhile shares the next entry.
    expect(broker.core.replica.state.position - before).toBeLessThanOrEqual(2)
  })

  test('are refused once per name when named twice', async () => {
    const answers = await create([topic('a'), topic('b'), topic('a')])
    expect(answers.map(answer => [answer.name, answer.errorCode])).toEqual([
      ['b', errorCode.NONE],
      ['a', errorCode.INVALID_REQUEST],
    ])
    expect([...topics().keys()]).toEqual(['b'])
  })

  test('cannot together have more partitions than the cluster may have', async () => {
    const many = Array.from({ length: 5 }, (_, index) => topic(`t${index}`, { numPartitions: 60 }))
    const answers = await create(many)
    expect(answers.map(answer => answer.errorCode)).toEqual([
      0,
      0,
      0,
      errorCode.INVALID_PARTITIONS,
      errorCode.INVALID_PARTITIONS,
    ])
    expect(broker.core.replica.state.catalog.partitionCount).toBe(180)
  })

  test('nor can requests that come at the same time', async () => {
    const requests = Array.from({ length: 5 }, (_, index) => create([topic(`t${index}`, { numPartitions: 60 })]))
    const answers = (await Promise.all(requests)).flat()
    expect(answers.filter(answer => answer.errorCode === errorCode.NONE)).toHaveLength(3)
    expect(broker.core.replica.state.catalog.partitionCount).toBe(180)
  })

  test('of two requests for the same name one is told that it exists', async () => {
    const answers = (await Promise.all([create([topic('a')]), create([topic('a')])])).flat()
    expect(answers.map(answer => answer.errorCode)).toEqual([errorCode.NONE, errorCode.TOPIC_ALREADY_EXISTS])
  })
})

test('a ledger that takes nothing makes every topic fail with an error that can be tried again', async () => {
  ledgerFails = true
  const answers = await create([topic('a'), topic('b')])
  expect(answers.map(answer => answer.errorCode)).toEqual([
    errorCode.KAFKA_STORAGE_ERROR,
    errorCode.KAFKA_STORAGE_ERROR,
  ])
  ledgerFails = false
  expect((await create([topic('a')]))[0]?.errorCode).toBe(errorCode.NONE)
})
