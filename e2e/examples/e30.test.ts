// E30, the Flink word count: what it prints and writes, and that a kill costs no record and counts none twice.

import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { builtExample } from '../../tools/examples/build.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target, targetName } from '../target.ts'
import { FIRST_MEMBER_AT_ONCE, Program } from './program.ts'
import { TopicClient } from './topic-client.ts'
import { countsIn, linesOf, sampleMessages, tallyOf } from './word-tally.ts'

jest.setTimeout(300_000)

const GROUP = 'flink-wordcount-demo'
const CHECKPOINT_MS = 1000

await suiteWith('E30', builtExample('E30_flink-kafscale-demo'), example => {
  let target: Target
  let topics: TopicClient
  let folder: string
  const running: Program[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-e30-'))
    target = await startTarget(targetName, FIRST_MEMBER_AT_ONCE)
    topics = new TopicClient(target.bootstrap)
  }, 120_000)

  afterAll(async () => {
    for (const program of running) await program.child.kill()
    await rm(folder, { recursive: true, force: true })
    await target?.stop()
  }, 60_000)

  const java = async (main: string, args: readonly string[], env: Record<string, string> = {}): Promise<Program> => {
    const name = `io.kafscale.examples.flink.${main}`
    const jvm = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', example.classPath, name]
    const logFile = join(folder, `${running.length}.log`)
    const program = await Program.start(main, example, [...jvm, ...args], { logFile, env })
    running.push(program)
    return program
  }

  const job = (topic: string, ...args: string[]): Promise<Program> =>
    java('WordCountJob', [`--topic=${topic}`, `--sink.topic=${topic}-counts`, ...args], {
      KAFSCALE_BOOTSTRAP_SERVERS: target.bootstrap,
      KAFSCALE_CHECKPOINT_DIR: join(folder, topic),
      KAFSCALE_CHECKPOINT_INTERVAL_MS: String(CHECKPOINT_MS),
    })

  /** The number of the newest complete checkpoint of any job; 0 when there is none. Older ones vanish meanwhile. */
  const newestCheckpoint = async (topic: string): Promise<number> => {
    const jobs = await readdir(join(folder, topic)).catch(() => [])
    const inside = jobs.map(async job => {
      const names = await readdir(join(folder, topic, job))
      return names.filter(name => existsSync(join(folder, topic, job, name, '_metadata')))
    })
    const numbers = (await Promise.all(inside)).flat().map(name => Number(/^chk-(\d+)$/.exec(name)?.[1] ?? 0))
    return Math.max(0, ...numbers)
  }

  /** Until a checkpoint that began after now is complete: the first to end may have begun before. */
  const checkpoint = async (program: Program, topic: string): Promise<void> => {
    const before = await newestCheckpoint(topic)
    await program.does('to take checkpoints', async () => (await newestCheckpoint(topic)) >= before + 2)
  }

  /** What the sink topic says at last of every word. */
  const lastCounts = async (topic: string): Promise<string[]> => {
    const written = await topics.read(`${topic}-counts`)
    expect(written.filter(({ key, value }) => !value.startsWith(`${key} => `))).toEqual([])
    return linesOf(new Map(countsIn(written.map(({ value }) => value))))
  }

  test('counts the sample records as the tutorial shows', async () => {
    const seed = await java('SampleRecords', ['--topic=tutorial', `--bootstrap.servers=${target.bootstrap}`])
    expect(await seed.child.ended).toBe(0)
    const program = await job('tutorial')
    await program.says(
      'header | authorization => 5',
      'key | order => 12',
      'value | widget => 9',
      'stats | no-key => 3',
      'stats | no-headers => 15',
      'stats | no-value => 1',
    )
    expect(program.lines()[0]).toBe(`No checkpoint in ${join(folder, 'tutorial')}: counting from the earliest offset.`)
    // The reader commits what a checkpoint has covered, once its poll for more records has ended.
    await checkpoint(program, 'tutorial')
    await topics.write('tutorial', [{ key: 'late', value: null }])
    await program.does('to commit offsets', async () => (await topics.committed(GROUP, 'tutorial')) >= 20)
    await program.child.stop()
    expect(await lastCounts('tutorial')).toEqual(expect.arrayContaining(['key | order => 12', 'stats | no-key => 3']))
  })

  describe.each([
    { what: 'in memory', topic: 'in-memory', flags: [] },
    {
      what: 'in RocksDB, without idempotence',
      topic: 'rocksdb',
      flags: ['--state.backend=rocksdb', '--sink.idempotence=false'],
    },
  ])('with its state $what', ({ topic, flags }) => {
    test('goes on from its checkpoint after a kill, and every count is exact', async () => {
      const [first, second, third] = [sampleMessages(40), sampleMessages(30, 40), sampleMessages(30, 70)]
      await topics.create(topic)
      await topics.write(topic, first)
      const before = await job(topic, ...flags)
      await before.says(...linesOf(tallyOf(first)))
      await checkpoint(before, topic)
      // Counted, and perhaps not in a checkpoint yet: these are counted again, from the offset of the checkpoint.
      await topics.write(topic, second)
      await before.says(...linesOf(tallyOf([...first, ...second])))
      await before.child.kill()
      await topics.write(topic, third)

      const after = await job(topic, ...flags)
      const all = tallyOf([...first, ...second, ...third])
      await after.says(...linesOf(all))
      await checkpoint(after, topic)
      expect(after.lines()[0]).toMatch(/^Resuming from file:.*\/chk-\d+\/?$/)
      // It has begun with the counts of the checkpoint, and none is too high.
      const printed = countsIn(after.lines())
      expect(printed.filter(([word, count]) => count > (all.get(word) ?? 0))).toEqual([])
      expect(printed.filter(([word, count]) => count <= (tallyOf(first).get(word) ?? 0))).toEqual([])
      await after.child.stop()
      expect((await lastCounts(topic)).sort()).toEqual(linesOf(all).sort())
    })
  })

  test('says in one line what is wrong with a setting', async () => {
    const program = await job('tutorial', '--state.backend=paper')
    expect(await program.child.ended).toBe(2)
    expect(program.lines()).toContain('Wrong settings: state.backend must be one of hashmap, rocksdb, not paper')
  })

  if (targetName === 'kafscale') {
    test('says in one line that exactly-once delivery needs transactions', async () => {
      const program = await job('tutorial', '--sink.delivery=exactly-once')
      expect(await program.child.ended).toBe(1)
      expect(program.lines()).toContain('This broker has no transactions: use --sink.delivery=at-least-once.')
    })
  }
})
