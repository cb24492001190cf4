// E10, the plain Java client, as its README tells a newcomer to run it.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { freePorts } from '../../testing/ports.ts'
import { builtExample } from '../../tools/examples/build.ts'
import { run } from '../../tools/parts/command.ts'
import { maven } from '../../tools/parts/parts.ts'
import { suiteWith } from '../suite.ts'
import { startTarget, type Target, targetName } from '../target.ts'
import { environment, FIRST_MEMBER_AT_ONCE } from './program.ts'

jest.setTimeout(180_000)

const NAME = 'E10_java-kafka-client-demo'

await suiteWith('E10', Promise.all([maven(), builtExample(NAME)]), ([mvn, example]) => {
  let target: Target
  let build: string

  beforeAll(async () => {
    build = await mkdtemp(join(tmpdir(), 'kafscale-e10-'))
    target = await startTarget(targetName, FIRST_MEMBER_AT_ONCE)
  }, 120_000)

  afterAll(async () => {
    await rm(build, { recursive: true, force: true })
    await target?.stop()
  }, 60_000)

  const ran = async (program: string, args: readonly string[], settings: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await run(program, [...args], { env: environment(settings) })
    return { code, lines: programLines(stdout), stderr: programLines(stderr).join('\n') }
  }

  /** By Maven, as the tutorial says, its build folder outside of the repository. */
  const demoByMaven = (...args: string[]) => {
    const goals = ['-q', '-B', '-f', join(example.folder, 'pom.xml'), 'compile', 'exec:java']
    return ran(mvn, [...goals, `-DbuildDirectory=${build}`, `-Dexec.args=${args.join(' ')}`])
  }

  /** As the one file to take along. */
  const demo = (args: string[], settings?: Record<string, string>) =>
    ran(example.java, ['-Xmx128m', '-jar', example.jar, ...args], settings)

  test('prints what the tutorial shows', async () => {
    const { code, lines, stderr } = await demoByMaven(`--bootstrap=${target.bootstrap}`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const shown = target.bootstrap.split(',').map(address => expect.stringMatching(`^Node: ${address} \\(id \\d+\\)$`))
    const nodes = lines.filter(line => line.startsWith('Node: '))
    expect(lines[0]).toBe(`Connecting to ${target.bootstrap}`)
    expect(lines[1]).toMatch(/^Cluster id: [\w-]{22}$/)
    expect(nodes).toHaveLength(shown.length)
    expect(nodes).toEqual(expect.arrayContaining(shown))
    expect(nodes).toContain(lines[2]?.replace('Controller', 'Node'))
    expect(lines.slice(3 + nodes.length)).toEqual([
      'Topics: none yet',
      'Created topic demo-topic-1',
      ...numbers(25).map(i => `Sent message: key=key-${i} partition=0 offset=${i}`),
      'Successfully produced 25 messages.',
      ...numbers(5).map(i => `Received message: key=key-${i} value=message-${i} partition=0 offset=${i}`),
      'Successfully consumed 5 messages.',
    ])
  })

  test('runs again, without idempotence, and lets flags win over the environment', async () => {
    const args = ['--idempotence=false', '--acks=1', '--produce-count=3', '--consume-count=28']
    const settings = { KAFSCALE_BOOTSTRAP_SERVERS: target.bootstrap, KAFSCALE_PRODUCE_COUNT: '7' }
    const { code, lines, stderr } = await demo(args, settings)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines).toContain('Topics: demo-topic-1')
    expect(lines).toContain('Topic demo-topic-1 exists already')
    expect(lines.filter(line => line.startsWith('Sent'))).toEqual(
      numbers(3).map(i => `Sent message: key=key-${i} partition=0 offset=${25 + i}`),
    )
    expect(lines.at(-2)).toBe('Received message: key=key-2 value=message-2 partition=0 offset=27')
    expect(lines.at(-1)).toBe('Successfully consumed 28 messages.')
  })

  test('fails in one line when it reads less than it should', async () => {
    const { code, stderr } = await demo([
      `--bootstrap=${target.bootstrap}`,
      ...['--topic=short', '--produce-count=2', '--consume-count=3', '--timeout=4000'],
    ])
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'Only 2 of 3 messages could be read within 4000 ms.' })
  })

  test('fails in one line when there is no broker', async () => {
    const [port] = await freePorts(1)
    const { code, stderr } = await demo([`--bootstrap=localhost:${port}`, '--timeout=2000'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      new RegExp(`^Cannot reach a Kafka broker at localhost:${port} within 2000 ms \\(.*\\)\\. Is it running\\?$`),
    )
  })

  test('refuses wrong options', async () => {
    const { code, stderr } = await demo(['--colour=red'])
    expect(code).toBe(2)
    expect(stderr.split('\n')[0]).toBe('Wrong options: unknown flag --colour')
  })

  test('is described in its README as it is', async () => {
    const readme = await readFile(join(example.folder, 'README.md'), 'utf8')
    expect(readme).toContain('Received message: key=key-0 value=message-0 partition=0 offset=0')
    expect(readme).toContain('mvn -q compile exec:java')
  })
})

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** What the program wrote, without Maven's colours and the JVM's warnings. */
function programLines(text: string): string[] {
  return stripVTControlCharacters(text)
    .split('\n')
    .filter(line => line !== '' && !/^(WARNING|Picked up)/.test(line))
}
