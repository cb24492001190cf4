// What every client library must be able to do with the broker, told once and run for each library by its agent.
// Content is compared exactly: every record with key, value, headers and timestamp, in order per partition.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Agent, AgentError, type AgentProgram, untilAgents } from '../../testing/clients/agent.ts'
import type { CallName, Codec, PartitionOffset, ReadRecordJson, RecordJson } from '../../testing/clients/protocol.ts'
import {
  base64,
  comparable,
  EVERYTHING,
  fromStart,
  inOffsetOrder,
  largeRecord,
  places,
  type RecordLimits,
  sampleRecords,
} from '../../testing/clients/records.ts'
import { startTarget, type Target, type TargetName, targetName } from '../target.ts'

export interface ClientUnderTest {
  agent: AgentProgram
  codecs: Codec[]
  /** What the library cannot put into records. */
  records?: RecordLimits
  /** Calls that the library has no function for; their steps are left out. */
  lacks?: CallName[]
  /** The library may hand a record to two members when partitions move without anybody dying. */
  rereadsOnRebalance?: boolean
  /** Shortest session time-out of the killed member; the broker's default minimum is 6 s. */
  sessionTimeoutMs?: number
}

// librdkafka takes messages up to 1,000,000 bytes by default, the broker batches up to 1,048,588.
const LARGE = 990_000

/** `name`: the broker under test, by default the one that the environment chooses. */
export function clientStories(client: ClientUnderTest, name: TargetName = targetName): void {
  const limits = { ...EVERYTHING, ...client.records }
  const has = (call: CallName) => !client.lacks?.includes(call)
  let target: Target
  let agent: Agent
  let others: Agent[] = []

  const startAgent = () => {
    const started = new Agent(client.agent, target.bootstrap)
    others.push(started)
    return started
  }
  const newTopic = async (partitions: number, configs: Record<string, string> = {}) => {
    const topic = `story-${randomUUID()}`
    await agent.call('createTopic', { topic, partitions, configs })
    await untilServed(agent, topic, partitions)
    return topic
  }
  const produce = (topic: string, records: RecordJson[], codec: Codec = 'none') =>
    agent.call('produce', { topic, codec, records })

  beforeAll(async () => {
    target = await startTarget(name)
    agent = new Agent(client.agent, target.bootstrap)
  }, 120_000)

  afterAll(async () => {
    await Promise.all([agent, ...others].map(one => one?.stop()))
    others = []
    await target?.stop()
  }, 60_000)

  test.each(client.codecs)('writes and reads every shape of record, codec %s', async codec => {
    const topic = await newTopic(3)
    const records = sampleRecords(72, 3, limits)
    const acknowledged = await produce(topic, records, codec)
    for (const { offset } of acknowledged) expect(offset).toBeGreaterThanOrEqual(0)
    const read = await agent.call('read', { topic, from: fromStart(3), count: records.length })
    expect(comparable(inOffsetOrder(read))).toEqual(comparable(records))
    expect(places(inOffsetOrder(read))).toEqual(densePlaces(3, 24))
    const marks = await agent.call('watermarks', { topic, partitions: [0, 1, 2] })
    expect(marks.toSorted((a, b) => a.partition - b.partition)).toEqual(
      [0, 1, 2].map(partition => ({ partition, low: 0, high: 24 })),
    )
  })

  test('writes and reads records near the size limit', async () => {
    const topic = await newTopic(1)
    const records = [1, 2, 3].map(n => largeRecord(0, LARGE, `large ${n}`))
    for (const record of records) await produce(topic, [record])
    const read = await agent.call('read', { topic, from: fromStart(1), count: 3 })
    expect(comparable(read)).toEqual(comparable(records))
  })

  test('reads from the first record at or after a time', async () => {
    const topic = await newTopic(1)
    const records = sampleRecords(20, 1, limits)
    await produce(topic, records)
    const time = (i: number) => records[i]?.timestamp ?? 0
    const ask = (timestamp: number) => agent.call('offsetsForTime', { topic, partitions: [0], timestamp })
    expect(await ask(time(0) - 1000)).toEqual([{ partition: 0, offset: 0 }])
    expect(await ask(time(7))).toEqual([{ partition: 0, offset: 7 }])
    expect(await ask(time(11) - 1)).toEqual([{ partition: 0, offset: 11 }])
    expect(await ask(time(19) + 1)).toEqual([{ partition: 0, offset: null }])
    const read = await agent.call('read', { topic, from: [{ partition: 0, offset: 11 }], count: 9 })
    expect(comparable(read)).toEqual(comparable(records.slice(11)))
  })

  test('a group resumes where its last member stopped', async () => {
    const [topic, group] = [await newTopic(2), `resume-${randomUUID()}`]
    await produce(topic, sampleRecords(20, 2, limits, 'first'))
    const one = startAgent()
    await one.call('join', { group, topic })
    await one.until('the first member reads all', ({ received }) => received.length >= 20)
    await one.call('leave', {})
    expect(await agent.call('committed', { group, topic, partitions: [0, 1] })).toEqual(offsets([10, 10]))

    await produce(topic, sampleRecords(20, 2, limits, 'second'))
    one.received = []
    await one.call('join', { group, topic })
    await one.until('the second member reads the rest', ({ received }) => received.length >= 20)
    expect(places(inOffsetOrder(one.received))).toEqual([...densePlaces(1, 10, 10), ...densePlaces(1, 10, 10, 1)])
    await one.call('leave', {})

    await agent.call('commit', { group, topic, offsets: offsets([18, 20]) })
    await produce(topic, sampleRecords(4, 2, limits, 'third'))
    one.received = []
    await one.call('join', { group, topic })
    await one.until('the third member reads from the commit', ({ received }) => received.length >= 6)
    expect(places(inOffsetOrder(one.received))).toEqual(['0/18', '0/19', '0/20', '0/21', '1/20', '1/21'])
    await one.call('leave', {})
    expect(await agent.call('committed', { group, topic, partitions: [0, 1] })).toEqual(offsets([22, 22]))
  })

  test('members share a group, join it, leave it and are killed', async () => {
    const [topic, group] = [await newTopic(4), `members-${randomUUID()}`]
    const [a, b, c] = [startAgent(), startAgent(), startAgent()]
    const sent: RecordJson[] = []
    const sendMore = async () => {
      const records = sampleRecords(40, 4, limits, `round ${sent.length}`)
      await produce(topic, records)
      sent.push(...records)
    }
    const readAll = () =>
      untilAgents([a, b, c], 'the members have read all', () => seenOnce([a, b, c]).length >= sent.length)
    const shareOut = async (sizes: number[]) => {
      const shared = () =>
        [a, b, c]
          .map(({ assignment }) => assignment.length)
          .toSorted()
          .join() === sizes.join()
      await untilAgents([a, b, c], `shares are ${sizes}`, shared)
      expect([a, b, c].flatMap(({ assignment }) => assignment).toSorted()).toEqual([0, 1, 2, 3])
    }

    await a.call('join', { group, topic })
    await a.until('a alone has all partitions', ({ assignment }) => assignment.length === 4)
    await sendMore()
    await readAll()

    const sessionTimeoutMs = client.sessionTimeoutMs ?? 6000
    await Promise.all([b.call('join', { group, topic }), c.call('join', { group, topic, sessionTimeoutMs })])
    await shareOut([1, 1, 2])
    await sendMore()
    await readAll()
    await untilAgents([b, c], 'b and c read their share', () => b.received.length >= 10 && c.received.length >= 10)
    if (!client.rereadsOnRebalance) expect(a.received.length + b.received.length + c.received.length).toBe(sent.length)
    if (has('describeGroup')) {
      const described = await agent.call('describeGroup', { group })
      expect(described.state).toBe('STABLE')
      const shares = described.members.map(({ partitions }) => partitions.toSorted().join())
      expect(shares.toSorted()).toEqual([a, b, c].map(({ assignment }) => assignment.join()).toSorted())
    }

    await Promise.all([b.call('leave', {}), c.kill()])
    await a.until('a has all again', ({ assignment }) => assignment.length === 4)
    await sendMore()
    await readAll()
    expect(comparable(seenOnce([a, b, c]))).toEqual(comparable(sent))
    await a.call('leave', {})
  })

  describe('administers', () => {
    test('topics: creates, lists, describes, grows and deletes', async () => {
      const topic = await newTopic(2)
      await expect(agent.call('createTopic', { topic, partitions: 2, configs: {} })).rejects.toThrow(/exist/i)
      expect(await agent.call('topics', {})).toContain(topic)
      if (has('describeTopic')) {
        const [first, second, ...others] = await agent.call('describeTopic', { topic })
        expect([first?.partition, second?.partition, others]).toEqual([0, 1, []])
        expect(first?.replicas).toContain(first?.leader)
        expect(first?.isr).toEqual(first?.replicas)
      }
      if (has('growTopic')) {
        await agent.call('growTopic', { topic, partitions: 5 })
        if (has('describeTopic')) expect(await agent.call('describeTopic', { topic })).toHaveLength(5)
        await produce(topic, [{ partition: 4, key: null, value: base64('new'), headers: [], timestamp: 1 }])
        await expect(agent.call('growTopic', { topic, partitions: 3 })).rejects.toThrow(/partitions/i)
      }
      await agent.call('deleteTopic', { topic })
      expect(await agent.call('topics', {})).not.toContain(topic)
    })

    const withConfigs = has('setTopicConfigs') ? test : test.skip
    withConfigs('configurations of topics', async () => {
      const topic = await newTopic(1, { 'retention.ms': '3600000' })
      const before = await agent.call('topicConfigs', { topic })
      expect(before).toMatchObject({
        'retention.ms': '3600000',
        'cleanup.policy': 'delete',
        'compression.type': 'producer',
      })
      await agent.call('setTopicConfigs', {
        topic,
        configs: { 'retention.ms': '7200000', 'max.message.bytes': '2000000' },
      })
      const after = await agent.call('topicConfigs', { topic })
      expect(after).toMatchObject({ 'retention.ms': '7200000', 'max.message.bytes': '2000000' })
      const nonsense = agent.call('setTopicConfigs', { topic, configs: { 'no.such.setting': '1' } })
      await expect(nonsense).rejects.toThrow(/config/i)
    })

    const withDeleteRecords = has('deleteRecords') ? test : test.skip
    withDeleteRecords('records: deletes those before an offset', async () => {
      const topic = await newTopic(1)
      const records = sampleRecords(20, 1, limits)
      await produce(topic, records)
      await agent.call('deleteRecords', { topic, before: [{ partition: 0, offset: 12 }] })
      expect(await agent.call('watermarks', { topic, partitions: [0] })).toEqual([{ partition: 0, low: 12, high: 20 }])
      const read = await agent.call('read', { topic, from: [{ partition: 0, offset: 12 }], count: 8 })
      expect(comparable(read)).toEqual(comparable(records.slice(12)))
    })

    test('groups: lists, describes and deletes', async () => {
      const [topic, group] = [await newTopic(1), `admin-${randomUUID()}`]
      await produce(topic, sampleRecords(3, 1, limits))
      const member = startAgent()
      await member.call('join', { group, topic })
      await member.until('the member reads', ({ received }) => received.length >= 3)
      expect(await agent.call('groups', {})).toContain(group)
      if (has('deleteGroup')) await expect(agent.call('deleteGroup', { group })).rejects.toThrow(/empty/i)
      await member.call('leave', {})
      if (has('describeGroup')) {
        expect(await agent.call('describeGroup', { group })).toEqual({ state: 'EMPTY', members: [] })
      }
      if (has('deleteGroup')) {
        await agent.call('deleteGroup', { group })
        expect(await agent.call('groups', {})).not.toContain(group)
      }
    })
  })
}

/** Apache Kafka answers before every partition has its leader; a producer that retries then writes others twice. */
async function untilServed(agent: Agent, topic: string, count: number): Promise<void> {
  const partitions = Array.from({ length: count }, (_, partition) => partition)
  for (let patience = 50; ; patience--) {
    try {
      await agent.call('watermarks', { topic, partitions })
      return
    } catch (error) {
      if (!(error instanceof AgentError) || patience === 0) throw error
      await sleep(100)
    }
  }
}

function offsets(list: number[]): PartitionOffset[] {
  return list.map((offset, partition) => ({ partition, offset }))
}

function densePlaces(partitions: number, count: number, from = 0, firstPartition = 0): string[] {
  return Array.from({ length: partitions }, (_, p) =>
    Array.from({ length: count }, (_, i) => `${firstPartition + p}/${from + i}`),
  ).flat()
}

/** What the members have received, each offset once, in offset order. */
function seenOnce(members: Agent[]): ReadRecordJson[] {
  const byPlace = new Map<string, ReadRecordJson>()
  for (const { received } of members) {
    for (const record of received) byPlace.set(`${record.partition}/${record.offset}`, record)
  }
  return inOffsetOrder([...byPlace.values()])
}
