// Spring Boot, Flink and Spark over TLS with a password: what `kafscale client-config` prints for each is put, as it is, where
// it belongs, and nothing else is said of the broker.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { ClientKind } from '../../cli/client-config.ts'
import { freePorts } from '../../testing/ports.ts'
import { builtExample } from '../../tools/examples/build.ts'
import { compiled, flinkSql, jdk } from '../../tools/parts/parts.ts'
import { FIRST_MEMBER_AT_ONCE, Program } from '../examples/program.ts'
import { TopicClient } from '../examples/topic-client.ts'
import { suiteWith } from '../suite.ts'
import { environmentOf, type Login, printed } from './families.ts'
import { Secured } from './secured.ts'

jest.setTimeout(300_000)

const LOGIN = { mechanism: 'SCRAM-SHA-512', user: 'alice', secret: 'alice-password' } as const satisfies Login
const SMALL = ['-Xmx512m', '-XX:TieredStopAtLevel=1']
const QUIET = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
const sources = join(import.meta.dirname, '../java')

let folder: string
let secured: Secured
let topics: TopicClient
const running: Program[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafscale-frameworks-'))
  secured = await Secured.start(FIRST_MEMBER_AT_ONCE)
  await secured.setPassword(LOGIN.user, LOGIN.secret)
  topics = new TopicClient(secured.addresses.PLAINTEXT)
}, 120_000)

afterAll(async () => {
  for (const program of running) await program.child.kill()
  await secured?.stop()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

/** Path of a file with what is printed for `kind`. */
async function printedFile(kind: ClientKind, name: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, await printed(kind, secured, LOGIN))
  return path
}

async function start(name: string, java: string, args: readonly string[], more = {}): Promise<Program> {
  const env = { ...environmentOf(secured, LOGIN), ...more }
  const program = await Program.start(name, { java }, args, { logFile: join(folder, `${name}.log`), env })
  running.push(program)
  return program
}

await suiteWith('Spring Boot', builtExample('E20_spring-boot-kafscale-demo'), ({ java, jar }) => {
  test('takes the printed YAML as a further file of its configuration', async () => {
    const [port = 0] = await freePorts(1)
    const more = await printedFile('spring', 'secured.yaml')
    const args = ['-jar', jar, `--server.port=${port}`, `--spring.config.additional-location=file:${more}`]
    const program = await start('E20', java, [...SMALL, ...args])
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, init).catch(() => undefined)
    await program.does('to be healthy', async () => (await ask('/api/health'))?.status === 200)
    const headers = { 'Content-Type': 'application/json' }
    const order = JSON.stringify({ product: 'widget', quantity: 3 })
    expect((await ask('/api/orders', { method: 'POST', headers, body: order }))?.status).toBe(201)
    const listed = async () => (await ask('/api/orders'))?.text()
    await program.does('to list the order', async () => (await listed())?.includes('"widget"') === true)
    await program.child.stop(60_000)
  })
})

await suiteWith('Flink’s DataStream programs', builtExample('E30_flink-kafscale-demo'), ({ java, classPath }) => {
  test('take the properties that are printed for Java as a file', async () => {
    const file = await printedFile('java', 'flink.properties')
    const run = (main: string, ...args: string[]) => {
      const name = `io.kafscale.examples.flink.${main}`
      const own = ['-cp', classPath, name, `--client.properties=${file}`, '--topic=streamed', ...args]
      return start(main, java, [...SMALL, ...own])
    }
    expect(await (await run('SampleRecords')).child.ended).toBe(0)
    const program = await run('WordCountJob', '--sink.topic=counted', `--checkpoint.dir=${join(folder, 'flink')}`)
    await program.says('key | order => 12')
    await program.does('to write the counts', async () => {
      const counts = await topics.read('counted')
      return counts.some(({ value }) => value === 'key | order => 12')
    })
    await program.child.stop()
  })
})

const sql = async () => {
  const [{ java }, folder] = await Promise.all([jdk(), flinkSql()])
  return { java, classPath: await compiled('flink-sql-2.2.1', [join(sources, 'sql/SqlRunner.java')], folder) }
}

await suiteWith('Flink SQL', sql(), ({ java, classPath }) => {
  test('takes the printed lines in the WITH clause of a table', async () => {
    await topics.create('in-sql')
    const options = await printed('flink', secured, LOGIN)
    const statements = [
      `CREATE TABLE words (word STRING) WITH ('connector' = 'kafka',\n${options}'topic' = 'in-sql', 'format' = 'raw',
       'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset')`,
      "INSERT INTO words VALUES ('one'), ('two')",
      'SELECT * FROM words',
    ]
    const file = join(folder, 'words.sql')
    await writeFile(file, statements.join('\n\n'))
    const program = await start('SqlRunner', java, [...SMALL, QUIET, '-cp', classPath, 'SqlRunner', file])
    await program.says('+I[one]', '+I[two]')
    expect(await program.child.ended).toBe(0)
  })
})

await suiteWith('Spark', builtExample('E40_spark-kafscale-demo'), ({ java, classPath }) => {
  test('takes the printed options in a program', async () => {
    await topics.create('in-spark')
    const source = await readFile(join(sources, 'spark/PastedOptions.java'), 'utf8')
    await mkdir(join(folder, 'spark'))
    const file = join(folder, 'spark/PastedOptions.java')
    await writeFile(file, source.replaceAll('// OPTIONS\n', await printed('spark', secured, LOGIN)))
    const program = await start('PastedOptions', java, [...SMALL, '-cp', classPath, file, 'in-spark'])
    await program.says('one', 'two')
    expect(await program.child.ended).toBe(0)
  })

  test('in the example takes the properties that are printed for Java as a file', async () => {
    const file = await printedFile('java', 'spark.properties')
    const run = (main: string, ...args: string[]) => {
      const own = [`--client.properties=${file}`, '--topic=queried', ...args]
      return start(main, java, [...SMALL, '-cp', classPath, `io.kafscale.examples.spark.${main}`, ...own])
    }
    expect(await (await run('SampleRecords')).child.ended).toBe(0)
    const folders = [`--delta.path=${join(folder, 'table')}`, `--checkpoint.dir=${join(folder, 'checkpoint')}`]
    const program = await run('WordCountQuery', '--trigger=available-now', ...folders)
    expect(await program.child.ended).toBe(0)
    expect(program.lines()).toContain('key | order => 63')
  })
})
