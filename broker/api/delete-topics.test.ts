import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { MemoryBroker } from '../../testing/memory-broker.ts'
import { noFaults } from '../ledger/memory.ts'
import { errorCode } from '../wire/errors.ts'
import { newCreateTopicsRequest, newDeleteTopicsRequest } from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'

const UNKNOWN_ID = 'AAAAAAAAAAEAAAAAAAAAAg'

let broker: MemoryBroker
let ledgerFails = false
beforeEach(async () => {
  ledgerFails = false
  broker = await MemoryBroker.start({ faults: { ...noFaults, refusesAppend: () => ledgerFails } })
  const topics = ['a', 'b'].map(name => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  await broker.ask('CreateTopics', 7, newCreateTopicsRequest({ topics, validateOnly: false }))
})
afterEach(() => broker.stop())

const names = () => [...broker.core.replica.state.catalog.byName.keys()]
const idOf = (name: string) => broker.core.replica.state.catalog.byName.get(name)?.id ?? ZERO_UUID

async function remove(...topics: { name?: string; topicId?: string }[]) {
  const wanted = topics.map(({ name = null, topicId = ZERO_UUID }) => ({ name, topicId }))
  const answer = await broker.answerTo('DeleteTopics', 6, newDeleteTopicsRequest({ topics: wanted, timeoutMs: 1000 }))
  return answer.responses
}

test('a topic is deleted by its name, and the answer has its id', async () => {
  const topicId = idOf('a')
  expect(await remove({ name: 'a' })).toMatchObject([
    { name: 'a', topicId, errorCode: errorCode.NONE, errorMessage: null },
  ])
  expect(names()).toEqual(['b'])
})

test('a topic is deleted by its id, and the answer has its name', async () => {
  const topicId = idOf('a')
  expect(await remove({ topicId })).toMatchObject([{ name: 'a', topicId, errorCode: errorCode.NONE }])
  expect(names()).toEqual(['b'])
})

test('old versions delete by name', async () => {
  const request = newDeleteTopicsRequest({ topicNames: ['a', 'unknown', 'b', 'b'], timeoutMs: 1000 })
  const { responses } = await broker.answerTo('DeleteTopics', 1, request)
  expect(responses.map(response => [response.name, response.errorCode])).toEqual([
    ['a', errorCode.NONE],
    ['unknown', errorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['b', errorCode.INVALID_REQUEST],
  ])
  expect(names()).toEqual(['b'])
})

test('a topic that is not there is unknown by name or by id', async () => {
  expect(await remove({ name: 'x' }, { topicId: UNKNOWN_ID })).toMatchObject([
    { name: 'x', errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION },
    { name: null, topicId: UNKNOWN_ID, errorCode: errorCode.UNKNOWN_TOPIC_ID },
  ])
})

test('what makes no sense is an invalid request, and the rest is deleted', async () => {
  const topicId = idOf('a')
  const answers = await remove(
    { name: 'a', topicId },
    {},
    { topicId: UNKNOWN_ID },
    { topicId: UNKNOWN_ID },
    { name: 'b' },
  )
  expect(answers.map(answer => answer.errorCode)).toEqual([
    errorCode.INVALID_REQUEST,
    errorCode.INVALID_REQUEST,
    errorCode.INVALID_REQUEST,
    errorCode.NONE,
  ])
  expect(names()).toEqual(['a'])
})

test('a topic named by name and by id in one request is left alone', async () => {
  const answers = await remove({ name: 'a' }, { topicId: idOf('a') })
  expect(answers.map(answer => answer.errorCode)).toEqual([errorCode.INVALID_REQUEST, errorCode.INVALID_REQUEST])
  expect(names()).toEqual(['a', 'b'])
})

test('of two requests for the same topic the later is told that it is unknown', async () => {
  const answers = (await Promise.all([remove({ name: 'a' }), remove({ name: 'a' })])).flat()
  expect(answers.map(answer => answer.errorCode).sort()).toEqual([errorCode.NONE, errorCode.UNKNOWN_TOPIC_OR_PARTITION])
})

test('a ledger that takes nothing makes it fail with an error that can be tried again', async () => {
  ledgerFails = true
  expect(await remove({ name: 'a' })).toMatchObject([{ name: 'a', errorCode: errorCode.KAFKA_STORAGE_ERROR }])
  expect(names()).toEqual(['a', 'b'])
  ledgerFails = false
  expect(await remove({ name: 'a' })).toMatchObject([{ errorCode: errorCode.NONE }])
})
