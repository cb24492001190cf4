import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { MemoryBroker } from '../../testing/memory-broker.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newAlterClientQuotasRequest,
  newCreatePartitionsRequest,
  newCreatePartitionsRequestTopic,
  newCreateTopicsRequest,
  newCreateTopicsRequestTopic,
  newDeleteTopicsRequest,
  newDeleteTopicsRequestTopic,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'

const EXCEEDED = errorCode.THROTTLING_QUOTA_EXCEEDED

let broker: MemoryBroker
beforeEach(async () => {
  broker = await MemoryBroker.start()
})
afterEach(() => broker.stop())

/** One partition in a second, in the long run. */
async function setMutationRate(value: number): Promise<void> {
  const answer = await broker.answerTo(
    'AlterClientQuotas',
    1,
    newAlterClientQuotasRequest({
      entries: [
        {
          entity: [{ entityType: 'user', entityName: null }],
          ops: [{ key: 'controller_mutation_rate', value, remove: false }],
        },
      ],
      validateOnly: false,
    }),
  )
  expect(answer.entries.map(({ errorCode: code }) => code)).toEqual([errorCode.NONE])
}

const create = (name: string, { partitions = 1, version = 7, validateOnly = false } = {}) =>
  broker.answerTo(
    'CreateTopics',
    version,
    newCreateTopicsRequest({
      topics: [
        newCreateTopicsRequestTopic({
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        }),
      ],
      validateOnly,
    }),
  )

const remove = (name: string, version = 6) =>
  broker.answerTo(
    'DeleteTopics',
    version,
    newDeleteTopicsRequest({
      topics: version < 6 ? [] : [newDeleteTopicsRequestTopic({ name, topicId: ZERO_UUID })],
      topicNames: version < 6 ? [name] : [],
      timeoutMs: 1000,
    }),
  )

const grow = (name: string, count: number, validateOnly = false) =>
  broker.answerTo(
    'CreatePartitions',
    3,
    newCreatePartitionsRequest({
      topics: [newCreatePartitionsRequestTopic({ name, count, assignments: null })],
      validateOnly,
      timeoutMs: 1000,
    }),
  )

const codes = (answers: readonly { readonly errorCode: number }[]) => answers.map(({ errorCode: code }) => code)

describe('who has created too many partitions (KIP-599)', () => {
  beforeEach(async () => {
    await setMutationRate(1)
    // Beyond what may go at once: the answer says for how long to be quiet, and is carried out all the same.
    const { topics, throttleTimeMs } = await create('many', { partitions: 50 })
    expect([codes(topics), throttleTimeMs > 0]).toEqual([[errorCode.NONE], true])
  })

  const topicNames = () => [...broker.core.replica.state.catalog.byName.keys()]

  test('is refused until the time is over, for creating, growing and deleting alike', async () => {
    const refused = await create('more')
    expect([codes(refused.topics), refused.throttleTimeMs > 0]).toEqual([[EXCEEDED], true])
    expect(codes((await grow('many', 51)).results)).toEqual([EXCEEDED])
    expect(codes((await remove('many')).responses)).toEqual([EXCEEDED])
    expect(topicNames()).toEqual(['many'])
    await broker.clock.advance(refused.throttleTimeMs + 1000)
    expect(codes((await create('more')).topics)).toEqual([errorCode.NONE])
  })

  test('is slowed down and not refused by versions that know no refusal', async () => {
    const { topics, throttleTimeMs } = await create('more', { version: 5 })
    expect([codes(topics), throttleTimeMs > 0]).toEqual([[errorCode.NONE], true])
    expect(codes((await remove('more', 4)).responses)).toEqual([errorCode.NONE])
  })
})

test('what is only validated counts nothing', async () => {
  await setMutationRate(1)
  for (let n = 0; n < 3; n++) {
    expect((await create('checked', { partitions: 50, validateOnly: true })).throttleTimeMs).toBe(0)
  }
  await create('real')
  expect((await grow('real', 80, true)).throttleTimeMs).toBe(0)
})

test('growing counts the partitions that are added, deleting those that were there', async () => {
  await create('a', { partitions: 8 })
  await setMutationRate(1)
  expect((await grow('a', 40)).throttleTimeMs).toBeGreaterThan(0)
  await broker.clock.advance(120_000)
  expect((await remove('a')).throttleTimeMs).toBeGreaterThan(0)
})

test('nobody is held back without a quota', async () => {
  expect((await create('a', { partitions: 90 })).throttleTimeMs).toBe(0)
})
