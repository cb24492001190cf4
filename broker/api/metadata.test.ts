import { afterEach, describe, expect, test } from '@jest/globals'
import { MemoryBroker } from '../../testing/memory-broker.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import { newCreateTopicsRequest, newMetadataRequest } from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'

const UNKNOWN_ID = 'AAAAAAAAAAEAAAAAAAAAAg'

let broker: MemoryBroker
let ledgerFails = false
afterEach(() => broker.stop())

async function start(autoCreateTopics: boolean) {
  ledgerFails = false
  const faults = { ...noFaults, refusesAppend: () => ledgerFails }
  broker = await MemoryBroker.start({ api: { autoCreateTopics, autoCreatePartitions: 3 }, faults })
}

async function ask(names: string[] | null, { allowAutoTopicCreation = true, version = 13 } = {}) {
  const topics = names?.map(name => ({ name, topicId: ZERO_UUID })) ?? null
  return await broker.answerTo('Metadata', version, newMetadataRequest({ topics, allowAutoTopicCreation }))
}

const create = (name: string, replicationFactor = 1) =>
  broker.ask(
    'CreateTopics',
    7,
    newCreateTopicsRequest({
      topics: [{ name, numPartitions: 2, replicationFactor, assignments: [], configs: [] }],
      validateOnly: false,
    }),
  )

const codes = async (names: string[]) => (await ask(names)).topics.map(topic => topic.errorCode)
const partitionCount = () => broker.core.replica.state.catalog.partitionCount

test('every partition is led by the broker that was asked, which is all its replicas', async () => {
  await start(false)
  await create('t', 3)
  const { brokers, controllerId, topics } = await ask(['t'])
  expect(brokers).toMatchObject([{ nodeId: 1, host: 'broker.test', port: 9092, rack: 'zone-a' }])
  expect(controllerId).toBe(1)
  expect(topics[0]?.partitions).toMatchObject(
    [0, 1].map(partitionIndex => ({ partitionIndex, leaderId: 1, leaderEpoch: 0, replicaNodes: [1], isrNodes: [1] })),
  )
})

test('no list of topics means all topics, an empty one none; version 0 knows only the empty one', async () => {
  await start(false)
  await create('a')
  await create('b')
  expect((await ask(null)).topics.map(({ name }) => name)).toEqual(['a', 'b'])
  expect((await ask([])).topics).toEqual([])
  expect((await ask([], { version: 0 })).topics.map(({ name }) => name)).toEqual(['a', 'b'])
})

test('a topic is found by its id from version 12 on', async () => {
  await start(false)
  await create('t')
  const topicId = broker.core.replica.state.catalog.byName.get('t')?.id ?? ZERO_UUID
  const byId = async (id: string, version: number) =>
    (await broker.answerTo('Metadata', version, newMetadataRequest({ topics: [{ name: null, topicId: id }] }))).topics
  expect(await byId(topicId, 12)).toMatchObject([{ name: 't', topicId, errorCode: errorCode.NONE }])
  expect(await byId(UNKNOWN_ID, 12)).toMatchObject([
    { name: null, topicId: UNKNOWN_ID, errorCode: errorCode.UNKNOWN_TOPIC_ID },
  ])
  expect(await byId(topicId, 10)).toMatchObject([{ errorCode: errorCode.INVALID_REQUEST }])
})

describe('a topic that is not there', () => {
  test('is created with the partitions that the settings say', async () => {
    await start(true)
    const { topics } = await ask(['t'])
    expect(topics).toMatchObject([{ name: 't', errorCode: errorCode.NONE }])
    expect(topics[0]?.partitions).toHaveLength(3)
  })

  test('is created once when named twice or asked for twice at the same time', async () => {
    await start(true)
    const answers = await Promise.all([codes(['t', 't']), codes(['t'])])
    expect(answers.flat()).toEqual([errorCode.NONE, errorCode.NONE, errorCode.NONE])
    expect(partitionCount()).toBe(3)
  })

  test('is unknown when neither broker nor client want it created', async () => {
    await start(true)
    const { topics } = await ask(['t'], { allowAutoTopicCreation: false })
    expect(topics).toMatchObject([{ name: 't', errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION }])
    await broker.stop()
    await start(false)
    expect(await codes(['t'])).toEqual([errorCode.UNKNOWN_TOPIC_OR_PARTITION])
    expect(partitionCount()).toBe(0)
  })

  test('is invalid when its name is, whether it would be created or not', async () => {
    await start(true)
    expect(await codes(['a/b', '', 'x'.repeat(250)])).toEqual(Array(3).fill(errorCode.INVALID_TOPIC_EXCEPTION))
    await broker.stop()
    await start(false)
    expect(await codes(['a/b'])).toEqual([errorCode.INVALID_TOPIC_EXCEPTION])
  })

  test('has no leader yet when the ledger takes nothing', async () => {
    await start(true)
    ledgerFails = true
    expect(await codes(['t'])).toEqual([errorCode.LEADER_NOT_AVAILABLE])
    ledgerFails = false
    expect(await codes(['t'])).toEqual([errorCode.NONE])
  })
})

test('no request, and no requests at the same time, create more partitions than the cluster may have', async () => {
  await start(true)
  const names = (prefix: string) => Array.from({ length: 50 }, (_, index) => `${prefix}${index}`)
  const answers = (await Promise.all([codes(names('a')), codes(names('b'))])).flat()
  expect(partitionCount()).toBeLessThanOrEqual(200)
  expect(answers.filter(code => code === errorCode.NONE)).toHaveLength(66)
  expect(answers.filter(code => code === errorCode.INVALID_PARTITIONS)).toHaveLength(34)
})
