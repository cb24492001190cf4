// E40, the Spark word count with its Delta table: read back, restarted from its checkpoint, and what it does when the topic
// under it is deleted and made anew, or trimmed, with and without fail.on.data.loss.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { builtExample } from '../../tools/examples/build.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target } from '../target.ts'
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
    target = await startTarget('kafscale', { KAFSCALE_AUTO_CREATE_TOPICS: 'false' })
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

  const first = sampleMessages(RECORDS - 10)
  const second = sampleMessages(10, RECORDS - 10)
  const third = sampleMessages(7, 1000)

  test('keeps the counts of the topic in a Delta table, and reads them back', async () => {
    await topics.write(TOPIC, first)
    const program = await java('WordCountQuery', '--trigger=available-now')
    expect([await program.child.ended, program.child.output()]).toEqual([
      0,
      expect.stringContaining('Table after batch 0'),
    ])
    expect(table(program)).toEqual(linesOf(tallyOf(first)).sort())
    expect(program.lines()).toContain(`Batch 0: ${first.length} records, up to {"${TOPIC}":{"0":${first.length}}}`)
  })

  test('goes on from its checkpoint, and stops when the topic was deleted and made anew', async () => {
    await topics.write(TOPIC, second)
    const program = await java('WordCountQuery')
    const all = linesOf(tallyOf([...first, ...second])).sort()
    await program.says(`Batch 1: ${second.length} records, up to {"${TOPIC}":{"0":${RECORDS}}}`)
    await program.does('to read the table', async () => table(program).length === all.length)
    expect(table(program)).toEqual(all)

    await topics.delete(TOPIC)
    await topics.create(TOPIC)
    expect(await program.child.ended).toBe(3)
    expect(program.lines()).toContain(RESET)
  })

  test('goes on from the earliest offset when it shall not fail, and the table keeps what it had', async () => {
    const program = await java('WordCountQuery', '--fail.on.data.loss=false')
    await program.does('to warn of the reset', async () => program.child.output().includes(RESET))
    await topics.write(TOPIC, third)
    const all = linesOf(tallyOf([...first, ...second, ...third])).sort()
    await program.does('to count the new records', async () => JSON.stringify(table(program)) === JSON.stringify(all))
    expect(program.child.running()).toBe(true)

    await program.child.kill()
  })
})
