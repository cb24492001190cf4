// A child process whose output goes to a file, and how to wait for it and end it. Only its own pid is ever signalled.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Child {
  readonly pid: number
  /** Everything that it has written to stdout and stderr so far. */
  output(): string
  running(): boolean
  /** Resolves with the exit code, null after a signal, when it has ended by itself or otherwise. */
  readonly ended: Promise<number | null>
  /** SIGTERM, and SIGKILL when it is still there after `patienceMs`. Answers the exit code, null after a signal. */
  stop(patienceMs?: number): Promise<number | null>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

export interface ChildOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** The file that takes stdout and stderr. */
  logFile: string
}

export async function startChild(program: string, args: string[], options: ChildOptions): Promise<Child> {
  const log = openSync(options.logFile, 'a')
  const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', log, log] })
  closeSync(log)
  const ended = new Promise<number | null>(resolve => child.on('exit', code => resolve(code)))
  const pid = await started(child)
  const running = () => child.exitCode === null && child.signalCode === null
  return {
    pid,
    output: () => readFileSync(options.logFile, 'utf8'),
    running,
    ended,
    async stop(patienceMs = 15_000) {
      if (running()) child.kill('SIGTERM')
      const patience = new AbortController()
      const late = sleep(patienceMs, 'late' as const, { signal: patience.signal }).catch(() => 'ended' as const)
      if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL')
      patience.abort()
      return ended
    },
    async kill() {
      if (running()) child.kill('SIGKILL')
      await ended
    },
  }
}

/** Waits until `ready` answers true; an early end of the child or `limitMs` is an error that shows its output's end. */
export async function untilReady(child: Child, limitMs: number, ready: () => Promise<boolean>): Promise<void> {
  const started = performance.now()
  while (!(await ready())) {
    const late = performance.now() - started > limitMs
    if (child.running() && !late) {
      await sleep(50)
      continue
    }
    await child.kill()
    const why = late ? `was not ready after ${limitMs} ms` : 'ended before it was ready'
    throw new Error(`process ${child.pid} ${why}; its output ends with:\n${child.output().slice(-4000)}`)
  }
}

function started(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => {
      if (child.pid === undefined) reject(new Error('the child has no pid'))
      else resolve(child.pid)
    })
  })
}
