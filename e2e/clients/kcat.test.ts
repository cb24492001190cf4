// kcat: librdkafka on the command line, as Debian ships it (an older release than confluent-kafka's).
// It writes one line per record, in a format of its own; the lines are compared exactly.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Child, startChild } from '../../testing/child.ts'
import { type Outcome, run } from '../../tools/parts/command.ts'
import { kcat } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target } from '../target.ts'

jest.setTimeout(90_000)

await suiteWith('kcat', kcat(), kcatStories)

const SHOWN = '%p/%o key=%K:%k value=%S:%s headers=%h\n'

function kcatStories(program: string): void {
  let target: Target
  let folder: string
  let members: Child[] = []

  beforeAll(async () => {
    target = await startTarget()
    folder = await mkdtemp(join(tmpdir(), 'kafscale-kcat-'))
  }, 120_000)

  afterAll(async () => {
    await Promise.all(members.map(member => member.kill()))
    members = []
    await rm(folder, { recursive: true, force: true })
    await target?.stop()
  }, 60_000)

  const kcatRuns = async (args: string[], input = ''): Promise<Outcome> => {
    const outcome = await run(program, ['-b', target.bootstrap, ...args], { input })
    expect({ args, code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code: 0 })
    return outcome
  }
  const produce = (topic: string, input: string, ...args: string[]) => kcatRuns(['-P', '-t', topic, ...args], input)
  const consume = async (topic: string, ...args: string[]) =>
    lines((await kcatRuns(['-C', '-q', '-e', '-t', topic, '-f', SHOWN, ...args])).stdout)
  /** kcat cannot create topics; writing does. */
  const newTopic = async () => {
    const topic = `kcat-${randomUUID()}`
    await produce(topic, 'first\n', '-p', '0')
    return topic
  }

  test('lists brokers and topics', async () => {
    const topic = await newTopic()
    const { brokers, topics } = JSON.parse((await kcatRuns(['-L', '-J'])).stdout)
    const names: string[] = brokers.map(({ name }: { name: string }) => name)
    expect(names.sort()).toEqual(target.bootstrap.split(',').sort())
    const ids: number[] = brokers.map(({ id }: { id: number }) => id)
    expect(
      ids.map(id => ({ topic, partitions: [{ partition: 0, leader: id, replicas: [{ id }], isrs: [{ id }] }] })),
    ).toContainEqual(topics.find((found: { topic: string }) => found.topic === topic))
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('writes and reads 1000 records, codec %s', async codec => {
    const topic = await newTopic()
    const input = Array.from({ length: 1000 }, (_, i) => `key-${i}|value ${i} ${'again '.repeat(i % 9)}`)
    await produce(topic, `${input.join('\n')}\n`, '-K', '|', '-z', codec, '-p', '0')
    const wanted = input.map((line, i) => {
      const [key = '', value = ''] = line.split('|')
      return `0/${i + 1} key=${key.length}:${key} value=${value.length}:${value} headers=`
    })
    const read = await consume(topic, '-o', '1')
    expect(read.length).toBe(1000)
    expect(read.find((line, i) => line !== wanted[i])).toBeUndefined()
  })

  test('tells null from empty, keeps headers', async () => {
    const topic = await newTopic()
    await produce(topic, 'k1|\n|v2\n|\n', '-K', '|', '-Z', '-p', '0')
    await produce(topic, 'with headers\n', '-p', '0', '-H', 'a=1', '-H', 'b=', '-H', 'a=2', '-H', 'none')
    expect(await consume(topic, '-o', '1')).toEqual([
      '0/1 key=2:k1 value=-1: headers=',
      '0/2 key=-1: value=2:v2 headers=',
      '0/3 key=-1: value=-1: headers=',
      '0/4 key=-1: value=12:with headers headers=a=1,b=,a=2,none=NULL',
    ])
  })

  test('writes and reads a record near the size limit', async () => {
    const topic = await newTopic()
    const file = join(folder, randomUUID())
    const content = Array.from({ length: 62_000 }, (_, i) => (i * 2654435761).toString(16).padStart(16, '0')).join('')
    const value = content.slice(0, 990_000)
    await writeFile(file, value)
    await kcatRuns(['-P', '-t', topic, '-p', '0', file])
    expect(await consume(topic, '-o', '1')).toEqual([`0/1 key=-1: value=${value.length}:${value} headers=`])
  })

  test('starts at the first record of a time', async () => {
    const topic = await newTopic()
    const times: number[] = []
    for (const text of ['one', 'two', 'three']) {
      times.push(Date.now())
      await produce(topic, `${text}\n`, '-p', '0')
      await sleep(20)
    }
    const values = async (from: number) =>
      (await kcatRuns(['-C', '-q', '-e', '-t', topic, '-o', `s@${from}`, '-f', '%s\n'])).stdout
    expect(await values(times[0] ?? 0)).toBe('one\ntwo\nthree\n')
    expect(await values(times[1] ?? 0)).toBe('two\nthree\n')
    expect((await kcatRuns(['-Q', '-t', `${topic}:0:${times[2]}`])).stdout).toContain('offset 3')
  })

  describe('a group', () => {
    const becomeMember = async (group: string, topic: string, ...args: string[]) => {
      const logFile = join(folder, randomUUID())
      const settings = ['-X', 'auto.offset.reset=earliest', ...args]
      const format = ['-u', '-f', 'record %p/%o %s\n']
      const member = await startChild(program, ['-b', target.bootstrap, '-G', group, ...settings, ...format, topic], {
        logFile,
      })
      members.push(member)
      return member
    }
    const records = (member: Child) => lines(member.output()).filter(line => line.startsWith('record '))
    const until = async (what: string, holds: () => boolean) => {
      for (let patience = 600; !holds(); patience--) {
        if (patience === 0) throw new Error(`${what}: never; outputs:\n${members.map(m => m.output()).join('\n---\n')}`)
        await sleep(50)
      }
    }

    test('resumes after a member that left, and takes over from one that was killed', async () => {
      const [topic, group] = [await newTopic(), `kcat-${randomUUID()}`]
      const first = await becomeMember(group, topic)
      await until('the first member reads', () => records(first).length === 1)
      await first.stop()

      await produce(topic, 'second\nthird\n', '-p', '0')
      const second = await becomeMember(
        group,
        topic,
        '-X',
        'session.timeout.ms=6000',
        '-X',
        'auto.commit.interval.ms=100',
      )
      await until('the second member resumes', () => records(second).length === 2)
      expect(records(second)).toEqual(['record 0/1 second', 'record 0/2 third'])
      await second.kill()

      const third = await becomeMember(group, topic)
      await produce(topic, 'fourth\n', '-p', '0')
      await until('the third member takes over', () => records(third).at(-1) === 'record 0/3 fourth')
      // What the killed member had not committed is read again, from there on without a gap.
      const tail = ['record 0/1 second', 'record 0/2 third', 'record 0/3 fourth'].slice(-records(third).length)
      expect(records(third)).toEqual(tail)
      await third.stop()
    })
  })
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line !== '')
}
