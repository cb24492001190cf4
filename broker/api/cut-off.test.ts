// What a broker that is cut off from the ledger answers, while another one goes on.

import { beforeEach, expect, test } from '@jest/globals'
import { coreOptions, type Shared, sharedParts, startCore } from '../../testing/memory-cluster.ts'
import { topicIdOf } from '../../testing/state-story.ts'
import { Core } from '../core.ts'
import type { MemoryConnection } from '../ledger/memory.ts'
import { ANONYMOUS, withoutSasl } from '../security/authentication.ts'
import { EVERYTHING } from '../security/authorizer.ts'
import { buildBatch } from '../wire/batch-builder.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newOffsetCommitRequest,
  newOffsetCommitRequestPartition,
  newOffsetCommitRequestTopic,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../wire/messages.gen.ts'

const client = {
  listener: 'PLAINTEXT',
  host: '127.0.0.1',
  gone: new AbortController().signal,
  authentication: withoutSasl(ANONYMOUS),
  access: EVERYTHING,
  quiet: () => {},
  softwareName: '',
  softwareVersion: '',
}

let shared: Shared
let connection: MemoryConnection
let core: Core

beforeEach(async () => {
  shared = sharedParts()
  connection = shared.ledger.connect(shared.clock)
  core = await shared.clock.until(Core.start({ ...coreOptions(0, shared), ledger: connection, onLost: () => {} }))
  const body = { topicId: topicIdOf(1), name: 't', partitions: 1, replicationFactor: 1, configs: [] }
  await shared.clock.until(core.replica.submit({ type: 'createTopic', body }))
})

/** Error codes of the answers so far; what is not answered yet has none. */
function produce(): number[] {
  const codes: number[] = []
  const records = [buildBatch({ records: [{ value: Buffer.from('v') }], timestamp: shared.clock.now() })]
  const partitionData = [newProduceRequestPartition({ index: 0, records })]
  const topicData = [newProduceRequestTopic({ name: 't', partitionData })]
  const request = newProduceRequest({ acks: -1, timeoutMs: 30_000, topicData })
  void Promise.resolve(core.handlers.Produce?.(request, { version: 9, clientId: 'test', client })).then(answer => {
    codes.push(answer?.responses[0]?.partitionResponses[0]?.errorCode ?? -1)
  })
  return codes
}

test('producers that wait for the ledger are sent to the others as soon as those may have taken over', async () => {
  await startCore(1, shared)
  await shared.clock.advance(100)
  connection.cut()
  const codes = produce()
  await shared.clock.advance(4000)
  expect(codes).toEqual([])
  await shared.clock.advance(3000)
  expect(codes).toEqual([errorCode.NOT_LEADER_OR_FOLLOWER])
})

test('the only broker keeps them waiting until their time is up: there is nobody else', async () => {
  connection.cut()
  const codes = produce()
  await shared.clock.advance(29_000)
  expect(codes).toEqual([])
  await shared.clock.advance(2000)
  expect(codes).toEqual([errorCode.REQUEST_TIMED_OUT])
})

test('one that is reached again in time answers as if nothing had been', async () => {
  await startCore(1, shared)
  connection.cut()
  const codes = produce()
  await shared.clock.advance(3000)
  connection.heal()
  await shared.clock.advance(1000)
  expect(codes).toEqual([errorCode.NONE])
})

test('group members whose commit waits for the ledger are sent to look for their coordinator', async () => {
  await startCore(1, shared)
  await shared.clock.advance(100)
  const groupId = ['a', 'b', 'c', 'd', 'e', 'f'].find(name => core.groups.coordinates(name)) ?? ''
  connection.cut()
  const codes: number[] = []
  const partitions = [newOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: 1, committedMetadata: '' })]
  const request = newOffsetCommitRequest({
    groupId,
    topics: [newOffsetCommitRequestTopic({ name: 't', partitions })],
  })
  void Promise.resolve(core.handlers.OffsetCommit?.(request, { version: 8, clientId: 'test', client })).then(answer => {
    codes.push(answer?.topics[0]?.partitions[0]?.errorCode ?? -1)
  })
  await shared.clock.advance(4000)
  expect(codes).toEqual([])
  await shared.clock.advance(4000)
  expect(codes).toEqual([errorCode.NOT_COORDINATOR])
})
