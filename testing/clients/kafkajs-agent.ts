// The agent of kafkajs 2. Its codecs besides gzip come from outside, as its documentation has it: zstd from Node,
// snappy and lz4 from the codecs of @platformatic/kafka.

import { randomUUID } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils'
import kafkajs, { type Consumer, type IHeaders, type KafkaConfig, type KafkaMessage } from 'kafkajs'
import type { Codec, ReadRecordJson, RecordJson } from './protocol.ts'
import { base64, bootstrapArgument, bytes, clientConfig, emit, emitRecord, serve } from './serve.ts'

const { Kafka, CompressionTypes, CompressionCodecs, ConfigResourceTypes, logLevel } = kafkajs

const plugin = (compress: (data: Buffer) => Buffer, decompress: (data: Buffer) => Buffer) => () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => compress(buffer),
  decompress: async (buffer: Buffer) => decompress(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = plugin(zstdCompressSync, zstdDecompressSync)
CompressionCodecs[CompressionTypes.Snappy] = plugin(snappyCompress, snappyDecompress)
CompressionCodecs[CompressionTypes.LZ4] = plugin(lz4Compress, lz4Decompress)

const COMPRESSION = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} satisfies Record<Codec, number>

const kafka = new Kafka({
  ...{ brokers: bootstrapArgument(), clientId: 'kafkajs-agent', logLevel: logLevel.NOTHING },
  ...(await clientConfig<KafkaConfig>()),
})
const admin = kafka.admin()
await admin.connect()
let member: Consumer | undefined

serve({
  async produce({ topic, codec, records, acks, idempotence }) {
    const producer = kafka.producer(idempotence === undefined ? {} : { idempotent: idempotence })
    await producer.connect()
    const messages = records.map(record => ({
      partition: record.partition,
      key: bytes(record.key),
      value: bytes(record.value),
      headers: toHeaders(record.headers),
      timestamp: String(record.timestamp),
    }))
    const sent = await producer.send({
      topic,
      messages,
      compression: COMPRESSION[codec],
      ...(acks === undefined ? {} : { acks }),
    })
    await producer.disconnect()
    return sent.map(({ partition, baseOffset }) => ({ partition, offset: Number(baseOffset ?? -1) }))
  },

  async read({ topic, from, count }) {
    const consumer = kafka.consumer({ groupId: `read-${randomUUID()}` })
    const records: ReadRecordJson[] = []
    const wanted = new Map(from.map(({ partition, offset }) => [partition, offset]))
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      if (count === 0) resolve()
      consumer.on('consumer.crash', ({ payload }) => payload.restart || reject(payload.error))
      consumer
        .run({
          eachMessage: async ({ partition, message }) => {
            if (Number(message.offset) < (wanted.get(partition) ?? Number.POSITIVE_INFINITY)) return
            if (records.push(toRecord(partition, message)) === count) resolve()
          },
        })
        .catch(reject)
      for (const { partition, offset } of from) consumer.seek({ topic, partition, offset: String(offset) })
    })
    await consumer.disconnect()
    return records
  },

  async watermarks({ topic, partitions }) {
    const offsets = await admin.fetchTopicOffsets(topic)
    return offsets
      .filter(({ partition }) => partitions.includes(partition))
      .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
  },

  // kafkajs answers the partition's end where there is no record that late.
  async offsetsForTime({ topic, partitions, timestamp }) {
    const [found, ends] = [
      await admin.fetchTopicOffsetsByTimestamp(topic, timestamp),
      await admin.fetchTopicOffsets(topic),
    ]
    const end = new Map(ends.map(({ partition, high }) => [partition, high]))
    return found
      .filter(({ partition }) => partitions.includes(partition))
      .map(({ partition, offset }) => ({ partition, offset: offset === end.get(partition) ? null : Number(offset) }))
  },

  async join({ group, topic, sessionTimeoutMs }) {
    const consumer = kafka.consumer({
      groupId: group,
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeout: sessionTimeoutMs, heartbeatInterval: 500 }),
    })
    consumer.on('consumer.group_join', ({ payload }) => {
      emit({ event: 'assigned', partitions: payload.memberAssignment[topic] ?? [] })
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ partition, message }) => emitRecord(toRecord(partition, message)) })
    member = consumer
    return null
  },

  async leave() {
    await member?.disconnect()
    emit({ event: 'assigned', partitions: [] })
    member = undefined
    return null
  },

  async commit({ group, topic, offsets }) {
    const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }))
    await admin.setOffsets({ groupId: group, topic, partitions })
    return null
  },

  async committed({ group, topic, partitions }) {
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    return (found?.partitions ?? [])
      .filter(({ partition }) => partitions.includes(partition))
      .map(({ partition, offset }) => ({ partition, offset: offset === '-1' ? null : Number(offset) }))
  },

  async createTopic({ topic, partitions, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const created = await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] })
    if (!created) throw new Error('the topic exists already')
    return null
  },

  topics: () => admin.listTopics(),

  async describeTopic({ topic }) {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions ?? []
    return partitions
      .map(({ partitionId, leader, replicas, isr }) => ({ partition: partitionId, leader, replicas, isr }))
      .toSorted((a, b) => a.partition - b.partition)
  },

  async growTopic({ topic, partitions }) {
    await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })
    return null
  },

  async deleteTopic({ topic }) {
    await admin.deleteTopics({ topics: [topic] })
    return null
  },

  async topicConfigs({ topic }) {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }]
    const described = await admin.describeConfigs({ includeSynonyms: false, resources })
    const entries = described.resources[0]?.configEntries ?? []
    return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
  },

  async setTopicConfigs({ topic, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })
    return null
  },

  async deleteRecords({ topic, before }) {
    const partitions = before.map(({ partition, offset }) => ({ partition, offset: String(offset) }))
    // kafkajs looks the leader up in metadata that it has not asked for; any other call on the topic loads it.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions })
    return null
  },

  groups: async () => (await admin.listGroups()).groups.map(({ groupId }) => groupId),

  async describeGroup({ group }) {
    const found = (await admin.describeGroups([group])).groups[0]
    if (!found) throw new Error('no description')
    const members = found.members.map(({ clientId, memberAssignment }) => {
      const assignment = kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)
      return { clientId, partitions: Object.values(assignment?.assignment ?? {}).flat() }
    })
    return { state: found.state.toUpperCase(), members }
  },

  async deleteGroup({ group }) {
    await admin.deleteGroups([group])
    return null
  },
})

function toHeaders(headers: RecordJson['headers']): IHeaders {
  const grouped: Record<string, Buffer[]> = {}
  for (const [name, value] of headers) {
    grouped[name] ??= []
    grouped[name].push(bytes(value) ?? Buffer.alloc(0))
  }
  return grouped
}

function toRecord(partition: number, { offset, key, value, headers, timestamp }: KafkaMessage): ReadRecordJson {
  return {
    partition,
    offset: Number(offset),
    key: base64(key),
    value: base64(value),
    headers: Object.entries(headers ?? {}).flatMap(([name, content]) =>
      (Array.isArray(content) ? content : [content]).map((one): [string, string | null] => [
        name,
        one === undefined ? null : Buffer.from(one).toString('base64'),
      ]),
    ),
    timestamp: Number(timestamp),
  }
}
