// The agent of @platformatic/kafka 2, which speaks flexible protocol versions only.

import { randomUUID } from 'node:crypto'
import {
  Admin,
  type AdminListOffsetsOptions,
  type BaseOptions,
  ConfigResourceTypes,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
  type Message,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Producer,
} from '@platformatic/kafka'
import type { ReadRecordJson } from './protocol.ts'
import { base64, bootstrapArgument, bytes, clientConfig, emit, emitRecord, serve } from './serve.ts'

const base = {
  ...{ clientId: 'platformatic-agent', bootstrapBrokers: bootstrapArgument() },
  ...(await clientConfig<BaseOptions>()),
}
const admin = new Admin(base)
let member: Consumer | undefined

serve({
  async produce({ topic, codec, records, acks, idempotence }) {
    const producer = new Producer(base)
    const messages = records.map(record => ({
      topic,
      partition: record.partition,
      timestamp: BigInt(record.timestamp),
      headers: new Map(record.headers.map(([name, value]) => [Buffer.from(name), bytes(value) ?? Buffer.alloc(0)])),
      ...(record.key === null ? {} : { key: Buffer.from(record.key, 'base64') }),
      ...(record.value === null ? {} : { value: Buffer.from(record.value, 'base64') }),
    }))
    const { offsets } = await producer.send({
      messages,
      compression: codec,
      ...(acks === undefined ? {} : { acks }),
      ...(idempotence === undefined ? {} : { idempotent: idempotence }),
    })
    await producer.close()
    return (offsets ?? []).map(({ partition, offset }) => ({ partition, offset: Number(offset) }))
  },

  async read({ topic, from, count }) {
    const consumer = new Consumer({ ...base, groupId: `read-${randomUUID()}` })
    const records: ReadRecordJson[] = []
    const offsets = from.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) }))
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.MANUAL, offsets })
    for await (const message of stream) {
      if (!offsets.some(({ partition }) => partition === message.partition)) continue
      if (records.push(toRecord(message)) === count) break
    }
    await consumer.close(true)
    return records
  },

  async watermarks({ topic, partitions }) {
    const low = await listOffsets(topic, partitions, ListOffsetTimestamps.EARLIEST)
    const high = await listOffsets(topic, partitions, ListOffsetTimestamps.LATEST)
    return partitions.map(partition => ({
      partition,
      low: Number(low.get(partition)),
      high: Number(high.get(partition)),
    }))
  },

  async offsetsForTime({ topic, partitions, timestamp }) {
    const found = await listOffsets(topic, partitions, BigInt(timestamp))
    return partitions.map(partition => {
      const offset = Number(found.get(partition))
      return { partition, offset: offset === -1 ? null : offset }
    })
  },

  async join({ group, topic, sessionTimeoutMs }) {
    const consumer = new Consumer({ ...base, groupId: group })
    const tell = () => {
      const partitions = consumer.assignments?.find(one => one.topic === topic)?.partitions ?? []
      emit({ event: 'assigned', partitions })
    }
    consumer.on('consumer:group:join', tell)
    member = consumer
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeout: sessionTimeoutMs, heartbeatInterval: 500 }),
    })
    stream.on('data', message => emitRecord(toRecord(message)))
    tell()
    return null
  },

  async leave() {
    await member?.close(true)
    emit({ event: 'assigned', partitions: [] })
    member = undefined
    return null
  },

  async commit({ group, topic, offsets }) {
    const partitionOffsets = offsets.map(({ partition, offset }) => ({ partition, offset: BigInt(offset) }))
    await admin.alterConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionOffsets }] })
    return null
  },

  async committed({ group, topic, partitions }) {
    const groups = [{ groupId: group, topics: [{ name: topic, partitionIndexes: partitions }] }]
    const [found] = await admin.listConsumerGroupOffsets({ groups })
    const offsets = found?.topics.find(one => one.name === topic)?.partitions ?? []
    return offsets.map(({ partitionIndex, committedOffset }) => ({
      partition: partitionIndex,
      offset: committedOffset === -1n ? null : Number(committedOffset),
    }))
  },

  async createTopic({ topic, partitions, configs }) {
    const list = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: list })
    return null
  },

  topics: () => admin.listTopics(),

  async describeTopic({ topic }) {
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
    const partitions = metadata.topics.get(topic)?.partitions ?? []
    return partitions.map(({ leader, replicas, isr }, partition) => ({ partition, leader, replicas, isr }))
  },

  async growTopic({ topic, partitions }) {
    await admin.createPartitions({ topics: [{ name: topic, count: partitions, assignments: null }] })
    return null
  },

  async deleteTopic({ topic }) {
    await admin.deleteTopics({ topics: [topic] })
    return null
  },

  async topicConfigs({ topic }) {
    const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }]
    const [described] = await admin.describeConfigs({ resources })
    return Object.fromEntries((described?.configs ?? []).map(({ name, value }) => [name, value ?? null]))
  },

  async setTopicConfigs({ topic, configs }) {
    const changes = Object.entries(configs).map(([name, value]) => ({
      name,
      value,
      configOperation: IncrementalAlterConfigOperationTypes.SET,
    }))
    const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs: changes }]
    await admin.incrementalAlterConfigs({ resources })
    return null
  },

  async deleteRecords({ topic, before }) {
    const partitions = before.map(({ partition, offset }) => ({ partition, offset: BigInt(offset) }))
    await admin.deleteRecords({ topics: [{ name: topic, partitions }] })
    return null
  },

  groups: async () => [...(await admin.listGroups()).keys()],

  async describeGroup({ group }) {
    const found = (await admin.describeGroups({ groups: [group] })).get(group)
    if (!found) throw new Error('no description')
    const members = [...found.members.values()].map(({ clientId, assignments }) => ({
      clientId,
      partitions: [...(assignments?.values() ?? [])].flatMap(({ partitions }) => partitions),
    }))
    return { state: found.state.toUpperCase().replaceAll('_', ''), members }
  },

  async deleteGroup({ group }) {
    await admin.deleteGroups({ groups: [group] })
    return null
  },
})

async function listOffsets(topic: string, partitions: number[], timestamp: bigint): Promise<Map<number, bigint>> {
  const options: AdminListOffsetsOptions = {
    topics: [{ name: topic, partitions: partitions.map(partitionIndex => ({ partitionIndex, timestamp })) }],
  }
  const [found] = await admin.listOffsets(options)
  return new Map((found?.partitions ?? []).map(({ partitionIndex, offset }) => [partitionIndex, offset]))
}

function toRecord(message: Message): ReadRecordJson {
  return {
    partition: message.partition,
    offset: Number(message.offset),
    key: base64(message.key),
    value: base64(message.value),
    headers: message.headerEntries.map(([name, value]) => [name.toString(), base64(value)]),
    timestamp: Number(message.timestamp),
  }
}
