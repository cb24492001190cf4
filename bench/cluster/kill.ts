/** One of three brokers is killed: the longest time without an acknowledgement for default Java producers on each. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { clients, compiled, jdk } from '../../tools/parts/parts.ts'
import { rounded } from '../table.ts'
import { clientOf, createTopic, pause } from './records.ts'
import type { Figure } from './report.ts'
import { withCluster } from './scene.ts'

const TOPIC = 'bench-kill'
const PRODUCERS = 8
const ROUNDS = 3
const SETTLE_MS = 10_000
const WATCH_MS = 15_000

export function killed(latencyMs: number): Promise<Figure[]> {
  return withCluster({ latencyMs, brokers: 3 }, async cluster => {
    const [first] = cluster.brokers
    if (first === undefined) throw new Error('there is no broker')
    const client = await clientOf(first)
    await createTopic(client, TOPIC)
    client.close()
    const gaps = await Gaps.start(cluster.bootstrap)
    const [quiet, others, own]: number[][] = [[], [], []]
    let errors = 0
    try {
      await pause(SETTLE_MS)
      for (let round = 0; round < ROUNDS; round++) {
        quiet?.push(...(await gaps.measure(() => pause(WATCH_MS))).map(({ ms }) => ms))
        const leaders = await gaps.leaders()
        const victim = cluster.brokers.find(({ port }) => leaders.includes(port))
        if (victim === undefined) throw new Error('the producers write to none of the brokers')
        const after = await gaps.measure(async () => {
          await victim.kill()
          await pause(WATCH_MS)
        })
        for (const [index, { ms, failed }] of after.entries()) {
          ;(leaders[index] === victim.port ? own : others)?.push(ms)
          errors += failed
        }
        await victim.start()
        await pause(SETTLE_MS)
      }
    } finally {
      await gaps.stop()
    }
    const most = (samples: readonly number[] = []): string => `${rounded(Math.max(...samples))} ms`
    return [
      { name: 'one of three brokers killed: longest gap of a producer on another', value: most(others) },
      { name: '  on the killed one', value: `${most(own)}, ${errors} errors` },
      { name: '  of all in as much time before', value: most(quiet) },
    ]
  })
}

class Gaps {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  static async start(bootstrap: string): Promise<Gaps> {
    const jars = await clients('4.4.0')
    const classPath = await compiled('bench-gaps', [join(import.meta.dirname, 'java/Gaps.java')], jars)
    const { java } = await jdk()
    const args = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath, 'Gaps']
    const child = spawn(java, [...args, bootstrap, TOPIC, String(PRODUCERS)], { stdio: ['pipe', 'pipe', 'inherit'] })
    const gaps = new Gaps(child)
    await gaps.#until('ready')
    return gaps
  }

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  }

  /** The port of the broker that each producer writes to. */
  async leaders(): Promise<number[]> {
    return (await this.#ask('leaders')).map(Number)
  }

  async measure(work: () => Promise<void>): Promise<{ ms: number; failed: number }[]> {
    await this.#ask('start')
    await work()
    return (await this.#ask('report')).map(line => {
      const [ms = Number.NaN, failed = 0] = line.split(' ').map(Number)
      return { ms, failed }
    })
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  async #ask(question: string): Promise<string[]> {
    this.#child.stdin.write(`${question}\n`)
    return this.#until('done')
  }

  async #until(end: string): Promise<string[]> {
    const said: string[] = []
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error('the producers have ended')
      if (value === end) return said
      said.push(value)
    }
  }
}
