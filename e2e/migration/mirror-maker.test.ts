// From Apache Kafka to KafScale by MirrorMaker 2, with the configuration that the documentation gives: records, headers,
// timestamps and partitions arrive as they were, and a group goes on at the record where it stopped.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { BrokerConnection } from '../../broker/client/connection.ts'
import { systemClock } from '../../broker/clock.ts'
import { newDeleteRecordsRequest } from '../../broker/wire/messages.gen.ts'
import { type Child, startChild } from '../../testing/child.ts'
import { jdk, mirrorMaker } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target } from '../target.ts'

jest.setTimeout(500_000)

const TOPIC = 'orders'
const GROUP = 'billing'
const PARTITIONS = 3
const RECORDS = 600
/** These are gone from the old cluster before anything is copied, so that offsets differ. */
const DELETED = 20
/** Written to the old cluster after the group has left it. */
const LATE = 30
const COPY_LIMIT_MS = 150_000
const GUIDE = join(import.meta.dirname, '../../docs/production/migrate.md')

interface Seen {
  readonly partition: number
  readonly offset: number
  readonly key: string | undefined
  readonly value: string | undefined
  readonly timestamp: string
  readonly headers: Readonly<Record<string, string>>
}

await suiteWith('MirrorMaker 2', Promise.all([mirrorMaker('4.3.1'), jdk()]), ([lib, { java }]) => {
  let folder: string
  let old: Target
  let current: Target
  let mirror: Child | undefined

  const kafka = ({ bootstrap }: Target) =>
    new Kafka({ clientId: 'migration', brokers: [bootstrap], logLevel: logLevel.NOTHING })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-migration-'))
    ;[old, current] = await Promise.all([startTarget('apache'), startTarget('kafscale')])
    await fill()
    mirror = await startMirror()
  })

  afterAll(async () => {
    await mirror?.stop()
    await Promise.all([old?.stop(), current?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  async function fill(): Promise<void> {
    const admin = kafka(old).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] })
    const producer = kafka(old).producer()
    await producer.connect()
    // Young enough to be kept.
    const began = Date.now() - 3_600_000
    for (const [index, compression] of [CompressionTypes.None, CompressionTypes.GZIP].entries()) {
      const messages = Array.from({ length: RECORDS / 2 }, (_, n) => ({
        partition: n % PARTITIONS,
        key: n % 7 === 0 ? null : `key-${index}-${n}`,
        value: n % 11 === 0 ? null : `value-${index}-${n} ä`,
        timestamp: String(began + index * 100_000 + n),
        headers: { source: 'old', [`n-${n % 3}`]: String(n) },
      }))
      await producer.send({ topic: TOPIC, messages, compression })
    }
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    await deleteRecords(old, partitions)
    // A group that has begun already when the copying begins.
    await admin.setOffsets({
      groupId: GROUP,
      topic: TOPIC,
      partitions: partitions.map(partition => ({ partition, offset: String(DELETED + 1) })),
    })
    await Promise.all([producer.disconnect(), admin.disconnect()])
  }

  async function deleteRecords({ bootstrap }: Target, partitions: readonly number[]): Promise<void> {
    const [host = '', port] = bootstrap.split(':')
    const address = { host, port: Number(port), clientId: 'migration', clock: systemClock, timeoutMs: 10_000 }
    const connection = await BrokerConnection.open(address)
    const wanted = partitions.map(partitionIndex => ({ partitionIndex, offset: DELETED }))
    const request = newDeleteRecordsRequest({ topics: [{ name: TOPIC, partitions: wanted }], timeoutMs: 10_000 })
    const { topics } = await connection.call('DeleteRecords', request)
    connection.close()
    expect(topics.flatMap(topic => topic.partitions.map(({ errorCode }) => errorCode))).toEqual(partitions.map(() => 0))
  }

  async function startMirror(): Promise<Child> {
    const [, config = ''] = /```properties\n([\s\S]*?)```/.exec(await readFile(GUIDE, 'utf8')) ?? []
    const file = join(folder, 'mirror.properties')
    await writeFile(file, config.replace('OLD', old.bootstrap).replace('NEW', current.bootstrap))
    const logging = join(folder, 'log4j2.properties')
    await writeFile(
      logging,
      'appender.out.type=Console\nappender.out.name=out\nrootLogger.level=WARN\nrootLogger.appenderRef.out.ref=out\n',
    )
    const classPath = [join(lib, '*')].join(delimiter)
    const jvm = ['-Xmx512m', `-Dlog4j2.configurationFile=${logging}`, '-cp', classPath]
    return startChild(java, [...jvm, 'org.apache.kafka.connect.mirror.MirrorMaker', file], {
      logFile: join(folder, 'mirror.log'),
    })
  }

  async function endOffsets(target: Target): Promise<number> {
    const admin = kafka(target).admin()
    await admin.connect()
    try {
      const offsets = await admin.fetchTopicOffsets(TOPIC)
      return offsets.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
    } catch {
      return 0
    } finally {
      await admin.disconnect()
    }
  }

  /** Everything from where the group is, or from the beginning for a group that is new. */
  async function read(target: Target, groupId: string, count: number): Promise<readonly Seen[]> {
    const consumer = kafka(target).consumer({ groupId })
    await consumer.connect()
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
    const seen: Seen[] = []
    const done = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        seen.push({
          partition,
          offset: Number(message.offset),
          key: message.key?.toString(),
          value: message.value?.toString(),
          timestamp: message.timestamp,
          headers: Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([key, value]) => [key, String(value)]),
          ),
        })
        if (seen.length >= count) done.resolve()
      },
    })
    await Promise.race([done.promise, sleep(120_000)])
    // What comes beyond the count would be a record that is there twice.
    await sleep(500)
    await consumer.disconnect()
    return seen
  }

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + COPY_LIMIT_MS
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`MirrorMaker: ${mirror?.output().slice(-3000)}`)
      await sleep(500)
    }
  }

  const withoutOffsets = (records: readonly Seen[]) =>
    Map.groupBy(
      records.toSorted((a, b) => a.offset - b.offset).map(({ offset: _, ...record }) => record),
      ({ partition }) => partition,
    )

  const left = RECORDS - DELETED * PARTITIONS

  test('copies every record as it is', async () => {
    await until(async () => (await endOffsets(current)) >= left)
    const [before, after] = [await read(old, 'compare', left), await read(current, 'compare', left)]
    expect(before.length).toBe(left)
    expect(withoutOffsets(after)).toEqual(withoutOffsets(before))
    expect(Math.min(...before.map(({ offset }) => offset))).toBe(DELETED)
    expect(Math.min(...after.map(({ offset }) => offset))).toBe(0)
  })

  test('puts a group at the record where it stopped', async () => {
    // It has read everything and leaves the old cluster.
    await read(old, GROUP, left - PARTITIONS)
    const admin = kafka(current).admin()
    await admin.connect()
    const expected = Array.from({ length: PARTITIONS }, () => RECORDS / PARTITIONS - DELETED)
    await until(async () => {
      const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] })
      const found = (topic?.partitions ?? []).toSorted((a, b) => a.partition - b.partition)
      return JSON.stringify(found.map(({ offset }) => Number(offset))) === JSON.stringify(expected)
    })
    await admin.disconnect()
    const producer = kafka(old).producer()
    await producer.connect()
    const messages = Array.from({ length: LATE }, (_, n) => ({ partition: n % PARTITIONS, value: `late-${n}` }))
    await producer.send({ topic: TOPIC, messages })
    await producer.disconnect()
    await until(async () => (await endOffsets(current)) === left + LATE)
    await mirror?.stop()
    const seen = await read(current, GROUP, LATE)
    expect(seen.map(({ value }) => value).toSorted()).toEqual(messages.map(({ value }) => value).toSorted())
  })
})
