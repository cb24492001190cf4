// A Kafka client of few words, for tests that need some records and a group that stands somewhere: no membership, no batching.

import { BrokerConnection } from '../broker/client/connection.ts'
import { systemClock } from '../broker/clock.ts'
import { buildBatch } from '../broker/wire/batch-builder.ts'
import { errorCode, errorName } from '../broker/wire/errors.ts'
import {
  newOffsetCommitRequest,
  newOffsetCommitRequestPartition,
  newOffsetCommitRequestTopic,
  newProduceRequest,
} from '../broker/wire/messages.gen.ts'
import { ZERO_UUID } from '../broker/wire/uuid.ts'
import { TopicAdmin } from '../operator/topic/topic-admin.ts'

/** Later versions name topics by id alone. */
const PRODUCE_WITH_NAMES = 12
const COMMIT_WITH_NAMES = 9

export class SmallClient {
  readonly connection: BrokerConnection
  readonly admin: TopicAdmin

  static async open(port: number, host = '127.0.0.1'): Promise<SmallClient> {
    const address = { host, port, clientId: 'test', clock: systemClock, timeoutMs: 20_000 }
    return new SmallClient(await BrokerConnection.open(address))
  }

  private constructor(connection: BrokerConnection) {
    this.connection = connection
    this.admin = new TopicAdmin(connection)
  }

  close(): void {
    this.connection.close()
  }

  async create(name: string, partitions: number): Promise<void> {
    const refusals = await this.admin.execute([{ kind: 'create', name, partitions, config: {} }])
    for (const { message } of refusals.values()) throw new Error(message)
  }

  /** Records without keys; small ones, and of now, unless it is said otherwise. */
  async produce(
    topic: string,
    partition: number,
    count: number,
    { bytes, timestamp = Date.now() }: { readonly bytes?: number; readonly timestamp?: number } = {},
  ): Promise<void> {
    const records = Array.from({ length: count }, (_, index) => ({
      value: bytes === undefined ? Buffer.from(`record ${index}`) : Buffer.alloc(bytes, index),
    }))
    const batch = buildBatch({ records, timestamp })
    const request = newProduceRequest({
      transactionalId: null,
      acks: -1,
      timeoutMs: 20_000,
      topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: partition, records: [batch] }] }],
    })
    const answer = await this.connection.call('Produce', request, { atMostVersion: PRODUCE_WITH_NAMES })
    for (const { partitionResponses } of answer.responses) for (const one of partitionResponses) expectNone(one)
  }

  /** As a consumer does that assigns partitions to itself. */
  async commit(group: string, topic: string, partition: number, offset: number): Promise<void> {
    const partitions = [
      newOffsetCommitRequestPartition({ partitionIndex: partition, committedOffset: offset, committedMetadata: null }),
    ]
    const request = newOffsetCommitRequest({
      groupId: group,
      topics: [newOffsetCommitRequestTopic({ name: topic, partitions })],
    })
    const answer = await this.connection.call('OffsetCommit', request, { atMostVersion: COMMIT_WITH_NAMES })
    for (const one of answer.topics.flatMap(({ partitions: all }) => all)) expectNone(one)
  }
}

function expectNone({ errorCode: code }: { readonly errorCode: number }): void {
  if (code !== errorCode.NONE) throw new Error(`the broker answered ${errorName(code) ?? code}`)
}
