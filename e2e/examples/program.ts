// A program of examples/ at work, as a process whose lines a test waits for.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../../testing/child.ts'
import type { Example } from '../../tools/examples/build.ts'

/** A machine under load is slow; a limit only says that something hangs. */
const PATIENCE_MS = 180_000

/** For brokers: a new group waits three seconds for more members, and here it never gets any. */
export const FIRST_MEMBER_AT_ONCE = { KAFSCALE_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' }

/** The environment for an example: nothing of jest's, and no setting of KafScale that this machine happens to have. */
export function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(KAFSCALE_|NODE_OPTIONS$)/.test(name))
  return { ...Object.fromEntries(inherited), ...more }
}

/** A program of an example at work. */
export class Program {
  readonly child: Child
  readonly name: string

  static async start(
    name: string,
    example: Pick<Example, 'java'>,
    args: readonly string[],
    options: { readonly logFile: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<Program> {
    const child = await startChild(example.java, [...args], { env: environment(options.env), logFile: options.logFile })
    return new Program(name, child)
  }

  private constructor(name: string, child: Child) {
    this.name = name
    this.child = child
  }

  /** What it wrote, without what the JVM says of its own environment. */
  lines(): string[] {
    return this.child
      .output()
      .split('\n')
      .filter(line => !line.startsWith('Picked up '))
  }

  /** Resolves as soon as it has written all of these lines; rejects, with what it wrote, when it ends before. */
  async says(...wanted: readonly string[]): Promise<void> {
    const missing = (): string[] => {
      const lines = new Set(this.lines())
      return wanted.filter(line => !lines.has(line))
    }
    await this.does(`to say ${wanted.join(', ')}`, async () => missing().length === 0)
  }

  /** Resolves as soon as `done` is true; rejects when the program ends before or it takes too long. */
  async does(what: string, done: () => Promise<boolean>): Promise<void> {
    const began = performance.now()
    while (!(await done())) {
      const late = performance.now() - began > PATIENCE_MS
      // Once more after its end: it may have done so with its last breath.
      if (late || (!this.child.running() && !(await done()))) {
        throw new Error(`waited in vain for ${this.name} ${what}; it wrote:\n${this.child.output().slice(-6000)}`)
      }
      await sleep(100)
    }
  }
}
