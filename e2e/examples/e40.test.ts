// E40, the Spark word count with its Delta table: read back, restarted from its checkpoint, and what it does when the topic
// under it is deleted and made anew, or trimmed, with and without fail.on.data.loss.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { Message } from 'kafkajs'
import { builtExample } from '../../tools/examples/build.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target, targetName } from '../target.ts'
import { Program } from './program.ts'
import { TopicClient } from './topic-client.ts'
import { countsIn, linesOf, sampleMessages, tallyOf } from './word-tally.ts'

jest.setTimeout(400_000)

const TOPIC = 'demo-topic-1'
const RECORDS = 78
const RESET = `Partition ${TOPIC}-0's offset was changed from ${RECORDS} to 0`

await suiteWith('E40', builtExample('E40_spark-kafscale-demo'), example => {
  let target: Target
  let topics: TopicClient
  let folder: string
  const running: Program[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafscale-e40-'))
    // Spark's executors ask for topics that are gone, and would bring them back.
    target = await startTarget(targetName, { KAFSCALE_AUTO_CREATE_TOPICS: 'false' })
    topics = new TopicClient(target.bootstrap)
    await topics.create(TOPIC)
  }, 120_000)

  afterAll(async () => {
    for (const program of running) await program.child.kill()
    await rm(folder, { recursive: true, force: true })
    await target?.stop()
  }, 60_000)

  const java = async (main: string, ...args: string[]): Promise<Program> => {
    const name = `io.kafscale.examples.spark.${main}`
    const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=1', '-cp', example.classPath, name]
    const options = {
      logFile: join(folder, `${running.length}.log`),
      env: {
        KAFSCALE_BOOTSTRAP_SERVERS: target.bootstrap,
        KAFSCALE_DELTA_PATH: join(folder, 'table'),
        KAFSCALE_CHECKPOINT_DIR: join(folder, 'checkpoint'),
        KAFSCALE_SHOW_LINES: '500',
      },
    }
    const program = await Program.start(main, example, [...jvm, ...args], options)
    running.push(program)
    return program
  }

  /** What the program has last read back from the table. */
  const table = ({ child }: Program): string[] => {
    const printed =
      child
        .output()
        .split(/^Batch .*$/m)
        .at(-1) ?? ''
    return linesOf(new Map(countsIn(printed.split('\n')))).sort()
  }

  /** Until the table says exactly this. */
  const counts = (program: Program, expected: readonly Message[]): Promise<void> => {
    const lines = JSON.stringify(linesOf(tallyOf(expected)).sort())
    return program.does(`to count ${expected.length} records`, async () => JSON.stringify(table(program)) === lines)
  }

  const first = sampleMessages(RECORDS)
  const second = sampleMessages(7, 1000)
  const third = sampleMessages(30, 2000)
  const TRIMMED = 12

  test('keeps the counts of the topic in a Delta table, and reads them back', async () => {
    await topics.write(TOPIC, first)
    const program = await java('WordCountQuery', '--trigger=available-now')
    expect([await program.child.ended, program.child.output()]).toEqual([
      0,
      expect.stringContaining('Table after batch 0'),
    ])
    expect(table(program)).toEqual(linesOf(tallyOf(first)).sort())
    expect(program.lines()).toContain(`Batch 0: ${RECORDS} records, up to {"${TOPIC}":{"0":${RECORDS}}}`)
  })

  test('stops when the topic was deleted and made anew', async () => {
    await topics.delete(TOPIC)
    await topics.create(TOPIC)
    const program = await java('WordCountQuery')
    expect([await program.child.ended, program.child.output()]).toEqual([3, expect.stringContaining(RESET)])
    expect(program.lines()).toContain(RESET)
    expect(program.child.output()).not.toContain('Batch 1')
  })

  test('goes on from the earliest offset when it shall not fail, and the table keeps what it had', async () => {
    const program = await java('WordCountQuery', '--fail.on.data.loss=false')
    await program.does('to warn of the reset', async () => program.child.output().includes(RESET))
    await topics.write(TOPIC, second)
    await counts(program, [...first, ...second])
    expect(program.child.running()).toBe(true)
    await program.child.kill()
  })

  test('goes on from its checkpoint after a kill, at the earliest offset of a topic that was trimmed meanwhile', async () => {
    await topics.write(TOPIC, third)
    await topics.trim(TOPIC, second.length + TRIMMED)
    const program = await java('WordCountQuery', '--fail.on.data.loss=false', '--trigger=available-now')
    expect(await program.child.ended).toBe(0)
    expect(table(program)).toEqual(linesOf(tallyOf([...first, ...second, ...third.slice(TRIMMED)])).sort())
  })
})
