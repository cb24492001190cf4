// Hostile and broken clients against a live broker: it answers or closes, it lives, its memory stays, others are served.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { buildBatch } from '../../broker/wire/batch-builder.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import {
  newApiVersionsRequest,
  newCreateTopicsRequest,
  newCreateTopicsRequestTopic,
  newFetchRequest,
  newFetchRequestPartition,
  newFetchRequestTopic,
  newListOffsetsRequest,
  newListOffsetsRequestPartition,
  newListOffsetsRequestTopic,
  newMetadataRequest,
  newMetadataRequestTopic,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import type { BrokerProcess } from './broker-process.ts'
import { FaultFolder } from './folder.ts'
import { createTopic, produceOnce, readAll } from './load.ts'
import { frameOf, WireClient } from './wire-client.ts'

jest.setTimeout(120_000)

const MIB = 1024 * 1024
const HUGE_PARTITIONS = [1_000_000, 2147483647, -1, -2147483648]
const UNKNOWN_TOPIC_ID = 'kJ2vYFZLQ7e4y1uLQqvXAA'

let folder: FaultFolder
let broker: BrokerProcess
let served = 0
let before: number

beforeAll(async () => {
  folder = await FaultFolder.create()
  broker = await folder.broker()
  await broker.start()
  await createTopic(broker.port, 't', 1)
  // What a first use brings into memory shall not count.
  for (let n = 0; n < 20; n++) await serve()
  before = await broker.residentBytes()
}, 60_000)

afterAll(async () => {
  await folder.remove()
})

/** An ordinary client gets what it asks for. */
async function serve(): Promise<void> {
  const client = await WireClient.open(broker.port)
  const answer = await produceOnce(client, { topic: 't', partition: 0, values: [`${served}`] })
  client.close()
  expect(answer).toEqual({ code: errorCode.NONE, baseOffset: served })
  served++
  expect(await readAll(broker.port, { topic: 't', partition: 0 }, served - 1)).toEqual([`${served - 1}`])
}

async function expectWell(): Promise<void> {
  await serve()
  expect(broker.child.running()).toBe(true)
  expect((await broker.residentBytes()) - before).toBeLessThan(150 * MIB)
}

/** Sends bytes on many connections; resolves when the broker closed them, or after a while. */
async function attack(bytes: () => Buffer, connections = 50, patienceMs = 300): Promise<void> {
  const clients = await Promise.all(Array.from({ length: connections }, () => WireClient.open(broker.port)))
  for (const client of clients) client.send(bytes())
  await Promise.race([Promise.all(clients.map(({ closed }) => closed)), sleep(patienceMs)])
  for (const client of clients) client.close()
}

const lengthOf = (length: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(length)
  return bytes
}
const apiVersions = frameOf(
  'ApiVersions',
  3,
  1,
  newApiVersionsRequest({ clientSoftwareName: 'x', clientSoftwareVersion: '1' }),
)
const metadata = frameOf('Metadata', 12, 2, newMetadataRequest({ topics: [newMetadataRequestTopic({ name: 't' })] }))
const batch = buildBatch({ records: [{ value: Buffer.from('v') }], timestamp: Date.now() })
const produceRequest = (index: number, records: readonly Buffer[] | null = [batch]) => {
  const partitionData = [newProduceRequestPartition({ index, records })]
  return newProduceRequest({
    acks: -1,
    timeoutMs: 1000,
    topicData: [newProduceRequestTopic({ name: 't', partitionData })],
  })
}

describe('frames', () => {
  test.each([2147483647, 1_000_000_000, -1, -2147483648, 0, 3])('of a length of %d', async length => {
    await attack(() => Buffer.concat([lengthOf(length), randomBytes(100)]))
    await expectWell()
  })

  test('of the largest length allowed that never come', async () => {
    await attack(() => Buffer.concat([lengthOf(100 * MIB), randomBytes(1000)]), 100)
    await expectWell()
  })

  test('that end anywhere', async () => {
    for (const frame of [apiVersions, metadata, frameOf('Produce', 9, 3, produceRequest(0))]) {
      for (let cut = 0; cut < frame.length; cut += 7) await attack(() => frame.subarray(0, cut), 1, 5)
    }
    await expectWell()
  })

  test('whose body is cut although the length says it is whole', async () => {
    for (const frame of [metadata, frameOf('Produce', 9, 3, produceRequest(0))]) {
      for (let cut = 14; cut < frame.length; cut += 5) {
        await attack(() => Buffer.concat([lengthOf(cut - 4), frame.subarray(4, cut)]), 1, 100)
      }
    }
    await expectWell()
  })

  test('of noise', async () => {
    for (let round = 0; round < 10; round++) {
      await attack(() => {
        const body = randomBytes(8 + ((round * 97) % 2000))
        return Buffer.concat([lengthOf(body.length), body])
      })
    }
    await expectWell()
  })

  test('with a few bytes changed', async () => {
    const frame = frameOf('Produce', 9, 3, produceRequest(0))
    for (let at = 4; at < frame.length; at++) {
      const changed = Buffer.from(frame)
      changed.writeUInt8(changed.readUInt8(at) ^ 0xff, at)
      await attack(() => changed, 1, 20)
    }
    await sleep(200)
    // A changed byte may have made a valid record of another time or partition; none of them may be in the log but whole.
    served = (await readAll(broker.port, { topic: 't', partition: 0 })).length
    await expectWell()
  })

  test('of APIs and versions that do not exist', async () => {
    for (const [key, version] of [
      [999, 0],
      [-1, 0],
      [0, 99],
      [3, 32767],
      [1, -1],
      [18, 99],
    ] as const) {
      const frame = Buffer.from(metadata)
      frame.writeInt16BE(key, 4)
      frame.writeInt16BE(version, 6)
      await attack(() => frame, 5, 100)
    }
    await expectWell()
  })
})

describe('requests with absurd contents', () => {
  let client: WireClient

  beforeAll(async () => {
    client = await WireClient.open(broker.port)
  })

  afterAll(() => client.close())

  test('partition numbers (fault 6: that many entries were made)', async () => {
    for (const partition of HUGE_PARTITIONS) {
      const produced = await client.call('Produce', 9, produceRequest(partition))
      expect(produced.responses[0]?.partitionResponses[0]?.errorCode).toBe(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
      const wanted = [newListOffsetsRequestPartition({ partitionIndex: partition, timestamp: -1 })]
      const topics = [newListOffsetsRequestTopic({ name: 't', partitions: wanted })]
      const listed = await client.call('ListOffsets', 7, newListOffsetsRequest({ replicaId: -1, topics }))
      expect(listed.topics[0]?.partitions[0]?.errorCode).toBe(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
      const partitions = [newFetchRequestPartition({ partition, fetchOffset: 0, partitionMaxBytes: 2147483647 })]
      const fetched = await client.call(
        'Fetch',
        12,
        newFetchRequest({ maxWaitMs: 0, minBytes: 0, topics: [newFetchRequestTopic({ topic: 't', partitions })] }),
      )
      expect(fetched.responses[0]?.partitions[0]?.errorCode).toBe(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
    }
    await expectWell()
  })

  test('numbers of partitions to create', async () => {
    for (const numPartitions of [2147483647, 100_000_000, 1_000_000, 0, -5]) {
      const one = { name: `huge-${numPartitions}`, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
      const request = newCreateTopicsRequest({ topics: [newCreateTopicsRequestTopic(one)], validateOnly: false })
      const { topics } = await client.call('CreateTopics', 7, request)
      expect([numPartitions, topics[0]?.errorCode]).not.toEqual([numPartitions, errorCode.NONE])
    }
    await expectWell()
  })

  test('topic ids that nobody has', async () => {
    const partitionData = [newProduceRequestPartition({ index: 0, records: [batch] })]
    const topicData = [newProduceRequestTopic({ topicId: UNKNOWN_TOPIC_ID, partitionData })]
    const produced = await client.call('Produce', 13, newProduceRequest({ acks: -1, timeoutMs: 1000, topicData }))
    expect(produced.responses[0]?.partitionResponses[0]?.errorCode).toBe(errorCode.UNKNOWN_TOPIC_ID)
    const partitions = [newFetchRequestPartition({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 })]
    const topics = [newFetchRequestTopic({ topicId: UNKNOWN_TOPIC_ID, partitions })]
    const fetched = await client.call('Fetch', 13, newFetchRequest({ maxWaitMs: 0, minBytes: 0, topics }))
    expect(fetched.responses[0]?.partitions[0]?.errorCode).toBe(errorCode.UNKNOWN_TOPIC_ID)
    const asked = newMetadataRequestTopic({ topicId: UNKNOWN_TOPIC_ID, name: null })
    const { topics: known } = await client.call('Metadata', 12, newMetadataRequest({ topics: [asked] }))
    expect(known[0]?.errorCode).toBe(errorCode.UNKNOWN_TOPIC_ID)
    await expectWell()
  })

  test('records that are none', async () => {
    const cut = batch.subarray(0, batch.length - 3)
    for (const records of [null, [], [Buffer.alloc(0)], [randomBytes(200)], [cut], [batch, batch]]) {
      const { responses } = await client.call('Produce', 9, produceRequest(0, records))
      expect(responses[0]?.partitionResponses[0]?.errorCode).not.toBe(errorCode.NONE)
    }
    await expectWell()
  })

  test('topic names of every kind', async () => {
    const names = ['', '.', '..', 'a/b', '../../etc', 'ä', 'a b', '\0', 'x'.repeat(250), 'x'.repeat(30_000)]
    for (const name of names) {
      const { topics } = await client.call(
        'Metadata',
        12,
        newMetadataRequest({ topics: [newMetadataRequestTopic({ name })] }),
      )
      expect([name, topics[0]?.errorCode]).toEqual([name, errorCode.INVALID_TOPIC_EXCEPTION])
    }
    await expectWell()
  })
})

test('connections that come and go, and some that never read their answers', async () => {
  for (let round = 0; round < 10; round++) await attack(() => apiVersions, 100, 0)
  const deaf = await Promise.all(Array.from({ length: 20 }, () => WireClient.open(broker.port)))
  for (const client of deaf) for (let n = 0; n < 200; n++) client.send(metadata)
  await sleep(300)
  await expectWell()
  for (const client of deaf) client.close()
})

test('at the end the broker stops as it should', async () => {
  expect(await broker.stop()).toBe(0)
})
