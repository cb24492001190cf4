// Apache Kafka's command line tools, as an operator uses them. What each prints is checked where it says something
// about the broker; e2e/differences.test.ts compares whole outputs with those against a real Apache Kafka.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Agent } from '../../testing/clients/agent.ts'
import { base64, EVERYTHING, sampleRecords } from '../../testing/clients/records.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target } from '../target.ts'
import { KafkaTools, kafkaToolsProgram, type ToolName, type ToolsProgram } from './kafka-tools.ts'
import { nodeAgent } from './node-agent.ts'

jest.setTimeout(90_000)

await suiteWith("Apache Kafka's command line tools", kafkaToolsProgram(), toolStories)

const HOUR = 3_600_000
// kafkajs, which writes these records, cannot send them.
const NO_NULL_HEADERS = { ...EVERYTHING, nullHeaders: false }

function toolStories(program: ToolsProgram): void {
  let target: Target
  let tools: KafkaTools
  let folder: string
  /** Produces with chosen timestamps and is the active member; the tools can do neither. */
  let agent: Agent

  beforeAll(async () => {
    target = await startTarget()
    tools = new KafkaTools(program, target.bootstrap)
    folder = await mkdtemp(join(tmpdir(), 'kafscale-tools-'))

    agent = new Agent(nodeAgent('kafkajs-agent.ts'), target.bootstrap)
  }, 120_000)

  afterAll(async () => {
    await agent?.stop()
    await tools?.stop()
    await rm(folder, { recursive: true, force: true })
    await target?.stop()
  }, 60_000)

  /** Runs a tool that must succeed; answers its output. */
  const run = async (tool: ToolName, args: string[], stdin = '') => {
    const outcome = await tools.run(tool, args, stdin)
    expect({ tool, args, ...outcome }).toMatchObject({ code: 0 })
    return outcome.stdout
  }
  const refused = async (tool: ToolName, args: string[]) => {
    const { code, stdout, stderr } = await tools.run(tool, args)
    expect({ tool, args, code }).toEqual({ tool, args, code: 1 })
    return stdout + stderr
  }
  const newTopic = async (partitions = 1, ...configs: string[]) => {
    const topic = `tools-${randomUUID()}`
    const settings = configs.flatMap(config => ['--config', config])
    await run('kafka-topics', ['--create', '--topic', topic, '--partitions', `${partitions}`, ...settings])
    // Apache Kafka answers before every partition has its leader, and a record sent too early may be overtaken.
    while (lines(await run('kafka-get-offsets', ['--topic', topic])).length < partitions) await sleep(50)
    return topic
  }
  const fileOf = async (text: string) => {
    const path = join(folder, randomUUID())
    await writeFile(path, text)
    return path
  }

  describe('kafka-topics', () => {
    test('creates once, lists, describes', async () => {
      const topic = await newTopic(3, 'retention.ms=3600000')
      expect(await refused('kafka-topics', ['--create', '--topic', topic])).toContain(
        `Topic '${topic}' already exists.`,
      )
      await run('kafka-topics', ['--create', '--topic', topic, '--if-not-exists'])
      expect(lines(await run('kafka-topics', ['--list']))).toContain(topic)
      const described = lines(await run('kafka-topics', ['--describe', '--topic', topic]))
      expect(described[0]).toMatch(
        /TopicId: [\w-]{22}\tPartitionCount: 3\tReplicationFactor: 1\t.*retention\.ms=3600000/,
      )
      expect(described.slice(1).map(line => /Partition: \d+/.exec(line)?.[0])).toEqual(
        [0, 1, 2].map(p => `Partition: ${p}`),
      )
      for (const line of described.slice(1)) {
        const [, leader, replicas, isr] = /Leader: (\d+)\tReplicas: (\S+)\tIsr: (\S+)/.exec(line) ?? []
        expect(replicas?.split(',')).toContain(leader)
        expect(isr).toBe(replicas)
      }
    })

    test('finds nothing wrong with healthy partitions', async () => {
      const topic = await newTopic(2)
      for (const question of [
        '--under-replicated-partitions',
        '--unavailable-partitions',
        '--under-min-isr-partitions',
      ]) {
        expect(await run('kafka-topics', ['--describe', '--topic', topic, question])).toBe('')
      }
    })

    test('grows and never shrinks, deletes', async () => {
      const topic = await newTopic(2)
      await run('kafka-topics', ['--alter', '--topic', topic, '--partitions', '4'])
      expect(lines(await run('kafka-topics', ['--describe', '--topic', topic]))).toHaveLength(5)
      expect(await refused('kafka-topics', ['--alter', '--topic', topic, '--partitions', '3'])).toContain(
        `The topic ${topic} currently has 4 partition(s); 3 would not be an increase.`,
      )
      await run('kafka-topics', ['--delete', '--topic', topic])
      expect(lines(await run('kafka-topics', ['--list']))).not.toContain(topic)
      expect(await refused('kafka-topics', ['--describe', '--topic', topic])).toContain('does not exist as expected')
    })

    test('refuses names and numbers that Kafka refuses', async () => {
      expect(await refused('kafka-topics', ['--create', '--topic', 'no/slash'])).toMatch(/illegal|invalid/i)
      expect(await refused('kafka-topics', ['--create', '--topic', 'x'.repeat(250)])).toMatch(/249/)
      expect(await refused('kafka-topics', ['--create', '--topic', 'none', '--partitions', '0'])).toMatch(/partitions/)
    })
  })

  test('kafka-configs describes, sets and removes', async () => {
    const topic = await newTopic(1)
    const entity = ['--entity-type', 'topics', '--entity-name', topic]
    await run('kafka-configs', [
      ...['--alter', ...entity],
      ...['--add-config', 'retention.ms=5000000,cleanup.policy=[compact,delete]'],
    ])
    const dynamic = await run('kafka-configs', ['--describe', ...entity])
    expect(dynamic).toContain(
      'retention.ms=5000000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=5000000',
    )
    expect(dynamic).toContain('cleanup.policy=compact,delete')
    await run('kafka-configs', ['--alter', ...entity, '--delete-config', 'retention.ms'])
    expect(await run('kafka-configs', ['--describe', ...entity])).not.toContain('retention.ms')
    const all = await run('kafka-configs', ['--describe', ...entity, '--all'])
    for (const setting of ['retention.ms=604800000', 'max.message.bytes=1048588', 'compression.type=producer']) {
      expect(all).toContain(`  ${setting} `)
    }
    const set = (config: string) => refused('kafka-configs', ['--alter', ...entity, '--add-config', config])
    expect(await set('nonsense=1')).toContain('Unknown topic config name: nonsense')
    expect(await set('retention.ms=many')).toMatch(/InvalidConfigurationException/)
    expect(await set('cleanup.policy=shred')).toMatch(/InvalidConfigurationException/)
    const brokerId = /id: (\d+)/.exec(await run('kafka-broker-api-versions', []))?.[1] ?? ''
    const broker = ['--entity-type', 'brokers', '--entity-name', brokerId, '--all']
    expect(await run('kafka-configs', ['--describe', ...broker])).toContain('log.retention.')
  })

  describe('the console', () => {
    test('writes and reads keys, headers, null values', async () => {
      const topic = await newTopic(1)
      const reader = ['parse.key=true', 'parse.headers=true', 'null.marker=NULL'].flatMap(p => ['--reader-property', p])
      const typed = ['h1:v1,h2:v2\tk1\thello', 'x:y\tk2\tNULL', 'x:y\tNULL\tno key']
      await run('kafka-console-producer', ['--topic', topic, ...reader], typed.map(line => `${line}\n`).join(''))
      const shown = ['print.key=true', 'print.headers=true', 'print.partition=true', 'print.offset=true']
      const formatter = shown.flatMap(property => ['--formatter-property', property])
      const read = ['--topic', topic, '--from-beginning', '--max-messages', '3', ...formatter]
      expect(lines(await run('kafka-console-consumer', read))).toEqual([
        'Partition:0\tOffset:0\th1:v1,h2:v2\tk1\thello',
        'Partition:0\tOffset:1\tx:y\tk2\tnull',
        'Partition:0\tOffset:2\tx:y\tnull\tno key',
      ])
    })

    test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('writes and reads 2000 lines, codec %s', async codec => {
      const topic = await newTopic(1)
      const typed = Array.from({ length: 2000 }, (_, i) => `line ${i} of a long text that repeats itself`)
      await run('kafka-console-producer', ['--topic', topic, '--compression-codec', codec], `${typed.join('\n')}\n`)
      const read = ['--topic', topic, '--partition', '0', '--offset', '500', '--max-messages', '1500']
      expect(firstDifference(lines(await run('kafka-console-consumer', read)), typed.slice(500))).toBeUndefined()
    })

    test('makes the topic that it writes to', async () => {
      const topic = `tools-auto-${randomUUID()}`
      await run('kafka-console-producer', ['--topic', topic], 'first\n')
      expect(lines(await run('kafka-get-offsets', ['--topic', topic]))).toEqual([`${topic}:0:1`])
    })
  })

  test('kafka-get-offsets and kafka-delete-records', async () => {
    const topic = await newTopic(2)
    const records = sampleRecords(20, 2, NO_NULL_HEADERS)
    await agent.call('produce', { topic, codec: 'none', records })
    const at = async (...args: string[]) => lines(await run('kafka-get-offsets', ['--topic', topic, ...args]))
    const both = (first: number, second: number) => [`${topic}:0:${first}`, `${topic}:1:${second}`]
    expect(await at()).toEqual(both(10, 10))
    expect(await at('--time', 'earliest')).toEqual(both(0, 0))
    expect(await at('--time', 'max-timestamp')).toEqual(both(9, 9))
    expect(await at('--time', String(records[6]?.timestamp))).toEqual(both(3, 3))
    expect(await at('--time', String((records[19]?.timestamp ?? 0) + 1))).toEqual([])
    expect(await at('--partitions', '1')).toEqual([`${topic}:1:10`])

    const before = {
      partitions: [
        { topic, partition: 0, offset: 4 },
        { topic, partition: 1, offset: -1 },
      ],
      version: 1,
    }
    const deleted = await run('kafka-delete-records', ['--offset-json-file', await fileOf(JSON.stringify(before))])
    expect(deleted).toContain(`partition: ${topic}-0\tlow_watermark: 4`)
    expect(deleted).toContain(`partition: ${topic}-1\tlow_watermark: 10`)
    expect(await at('--time', 'earliest')).toEqual(both(4, 10))
    const beyond = { partitions: [{ topic, partition: 0, offset: 11 }], version: 1 }
    const refusal = await run('kafka-delete-records', ['--offset-json-file', await fileOf(JSON.stringify(beyond))])
    expect(refusal).toContain('OffsetOutOfRangeException')
  })

  test('kafka-log-dirs tells the bytes of each partition', async () => {
    const topic = await newTopic(2)
    const record = { partition: 1, key: null, value: base64('x'.repeat(5000)), headers: [], timestamp: Date.now() }
    await agent.call('produce', { topic, codec: 'none', records: [record] })
    const said = lines(await run('kafka-log-dirs', ['--describe', '--topic-list', topic]))
    const dirs = JSON.parse(said.find(line => line.startsWith('{')) ?? '{}')
    const partitions: { partition: string; size: number }[] = dirs.brokers[0].logDirs[0].partitions
    const size = (p: number) => partitions.find(({ partition }) => partition === `${topic}-${p}`)?.size
    expect(size(0)).toBe(0)
    expect(size(1)).toBeGreaterThanOrEqual(5000)
    expect(size(1)).toBeLessThan(6000)
  })

  describe('kafka-consumer-groups', () => {
    const groups = (...args: string[]) => run('kafka-consumer-groups', args)

    test('describes an active group and refuses to change it', async () => {
      const [topic, group] = [await newTopic(2), `active-${randomUUID()}`]
      await agent.call('produce', { topic, codec: 'none', records: sampleRecords(10, 2, NO_NULL_HEADERS) })
      await agent.call('join', { group, topic })
      await agent.until('the member reads', ({ received }) => received.length >= 10)
      expect(lines(await groups('--list'))).toContain(group)
      expect(tableOf(await groups('--list', '--state'))).toContainEqual({ GROUP: group, STATE: 'Stable' })
      expect(lines(await groups('--list', '--state', 'stable')).join()).toContain(group)
      expect(lines(await groups('--list', '--state', 'empty')).join()).not.toContain(group)
      const [member] = tableOf(await groups('--describe', '--group', group, '--members'))
      expect(member).toMatchObject({ GROUP: group, 'CLIENT-ID': 'kafkajs-agent', '#PARTITIONS': '2' })
      const [state] = tableOf(await groups('--describe', '--group', group, '--state'))
      expect(state).toMatchObject({ STATE: 'Stable', '#MEMBERS': '1', 'ASSIGNMENT-STRATEGY': 'RoundRobinAssigner' })
      expect(
        await groups('--reset-offsets', '--group', group, '--topic', topic, '--to-earliest', '--execute'),
      ).toContain('Assignments can only be reset if the group')
      expect(await groups('--delete', '--group', group)).toContain('GroupNotEmptyException')
      expect(await groups('--delete-offsets', '--group', group, '--topic', topic)).toContain(
        'GroupSubscribedToTopicException',
      )
      await agent.call('leave', {})
      agent.received = []
      expect(tableOf(await groups('--describe', '--group', group, '--offsets')).map(offsetRow)).toEqual([
        [topic, '0', '5', '5', '0'],
        [topic, '1', '5', '5', '0'],
      ])
    })

    test('resets offsets by every strategy, exports and imports them', async () => {
      const [topic, group, now] = [await newTopic(1), `reset-${randomUUID()}`, Date.now()]
      const records = Array.from({ length: 10 }, (_, i) => ({
        partition: 0,
        key: null,
        value: base64(`value ${i}`),
        headers: [],
        timestamp: now - (10 - i) * HOUR,
      }))
      await agent.call('produce', { topic, codec: 'none', records })
      const reset = async (...how: string[]) => {
        const table = await groups('--reset-offsets', '--group', group, '--topic', topic, ...how)
        return Number(tableOf(table)[0]?.['NEW-OFFSET'])
      }
      const current = async () => {
        const rows = tableOf(await groups('--describe', '--group', group))
        return Number(rows[0]?.['CURRENT-OFFSET'])
      }
      expect(await reset('--to-offset', '6', '--execute')).toBe(6)
      expect(await current()).toBe(6)
      expect(await reset('--to-earliest', '--dry-run')).toBe(0)
      expect(await current()).toBe(6)
      expect(await reset('--shift-by', '-2', '--execute')).toBe(4)
      expect(await reset('--shift-by', '3', '--execute')).toBe(7)
      expect(await reset('--shift-by', '100', '--execute')).toBe(10)
      expect(await reset('--to-earliest', '--execute')).toBe(0)
      expect(await reset('--to-latest', '--execute')).toBe(10)
      expect(await reset('--to-current', '--execute')).toBe(10)
      expect(await reset('--by-duration', 'PT3H30M', '--execute')).toBe(7)
      expect(await reset('--to-datetime', new Date(now - 5.5 * HOUR).toISOString().slice(0, -1), '--execute')).toBe(5)
      expect(await current()).toBe(5)
      const exported = await groups(
        '--reset-offsets',
        '--group',
        group,
        '--topic',
        topic,
        '--to-offset',
        '2',
        '--dry-run',
        '--export',
      )
      expect(lines(exported)).toEqual([`"${topic}",0,2`])
      const imported = ['--from-file', await fileOf(`${topic},0,3\n`), '--execute']
      await groups('--reset-offsets', '--group', group, ...imported)
      expect(await current()).toBe(3)
      expect(await reset('--to-offset', '99', '--execute')).toBe(10)
    })

    test('deletes offsets of one topic, then the group', async () => {
      const [topic, other, group] = [await newTopic(1), await newTopic(1), `delete-${randomUUID()}`]
      for (const one of [topic, other]) {
        await agent.call('produce', { topic: one, codec: 'none', records: sampleRecords(4, 1) })
        await groups('--reset-offsets', '--group', group, '--topic', one, '--to-latest', '--execute')
      }
      expect(await groups('--delete-offsets', '--group', group, '--topic', topic)).toMatch(/0 +Successful/)
      expect(tableOf(await groups('--describe', '--group', group)).map(offsetRow)).toEqual([
        [other, '0', '4', '4', '0'],
      ])
      expect(await groups('--delete', '--group', group)).toContain(`('${group}') was successful`)
      expect(lines(await groups('--list'))).not.toContain(group)
      expect(await groups('--delete', '--group', group)).toContain('GroupIdNotFoundException')
      expect(await groups('--describe', '--group', group)).toContain('GroupIdNotFoundException')
    })
  })

  test('kafka-broker-api-versions knows every API that the broker advertises', async () => {
    const said = await run('kafka-broker-api-versions', [])
    expect(said).toMatch(/\(id: \d+ rack: .*\) -> \(/)
    for (const api of ['Produce(0)', 'Fetch(1)', 'JoinGroup(11)', 'ApiVersions(18)', 'DescribeTopicPartitions(75)']) {
      expect(said).toMatch(new RegExp(`${api.replace(/[()]/g, '\\$&')}: .*\\[usable: \\d+\\]`))
    }
    expect(said).not.toContain('UNKNOWN')
  })

  test('kafka-cluster and kafka-groups', async () => {
    expect(await run('kafka-cluster', ['cluster-id'])).toMatch(/^Cluster ID: [\w-]{22}\n$/)
    const [host, port] = target.bootstrap.split(':')
    expect(tableOf(await run('kafka-cluster', ['list-endpoints']))).toMatchObject([{ HOST: host, PORT: port }])
    const [topic, group] = [await newTopic(1), `listed-${randomUUID()}`]
    await run('kafka-consumer-groups', [
      ...['--reset-offsets', '--group', group, '--topic', topic, '--to-earliest', '--execute'],
    ])
    expect(lines(await run('kafka-groups', ['--list'])).join('\n')).toContain(group)
  })
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line.trim() !== '')
}

/** The rows of a printed table by the words of its head line; messages before the head are left out. */
function tableOf(text: string): Record<string, string>[] {
  const all = lines(text)
  const head = all.findIndex(line => /^(GROUP|ID) /.test(line))
  const names = (all[head] ?? '')
    .split(/\s{2,}|\s(?=[A-Z#])/)
    .map(name => name.trim())
    .filter(name => name !== '')
  return all.slice(head + 1).map(line => {
    // A coordinator is printed as two words, `host:port  (id)`.
    const cells = line.trim().replace(/\s+\(/, '(').split(/\s+/)
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
  })
}

/** Where two long lists part; a whole comparison would print thousands of lines. */
function firstDifference(got: string[], wanted: string[]): string | undefined {
  const at = Array.from({ length: Math.max(got.length, wanted.length) }).findIndex((_, i) => got[i] !== wanted[i])
  return at === -1 ? undefined : `at ${at}: got ${got[at]}, wanted ${wanted[at]} (${got.length} of ${wanted.length})`
}

function offsetRow(row: Record<string, string>): (string | undefined)[] {
  return [row.TOPIC, row.PARTITION, row['CURRENT-OFFSET'], row['LOG-END-OFFSET'], row.LAG]
}
