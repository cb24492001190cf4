/** Processes and ports of the demos. A demo ends only what it started; a port that is taken is said and left alone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** A folder of this checkout for what a demo keeps. */
export function demoFolder(name: string): string {
  return join(root, '.kafscale', name)
}

/** Ends the process with a message when one of the ports is taken. */
export async function refuseTakenPorts(command: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (await isFree(port)) continue
    console.error(
      `${command}: port ${port} is taken by another process. End that one (perhaps another demo) and try again.`,
    )
    process.exit(1)
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, () => probe.close(() => resolve(true)))
  })
}

/** A broker from the source, with these settings; warnings and errors go to this terminal. */
export function startBroker(settings: Readonly<Record<string, string>>): ChildProcess {
  return start(process.execPath, [join(root, 'broker', 'main.ts')], { KAFSCALE_LOG_LEVEL: 'warn', ...settings })
}

/** The console on a port of localhost, for brokers and their metrics on others. */
export function startConsole(
  port: number,
  { brokers, metrics }: { readonly brokers: readonly number[]; readonly metrics: readonly number[] },
): ChildProcess {
  const bootstrap = brokers.map(one => `localhost:${one}`).join(',')
  const words = ['console', '--listen', `localhost:${port}`, '--bootstrap', bootstrap]
  const looked = metrics.flatMap(one => ['--metrics', `localhost:${one}`])
  return start(process.execPath, [join(root, 'cli', 'main.ts'), ...words, ...looked], {})
}

export function start(program: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(program, [...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // Ctrl-C goes to the demo alone, which ends its processes in good order.
    detached: true,
    env: { ...process.env, ...env },
  })
}

/** Polls until `ready`; rejects when the process ends or is not ready in time. */
export async function untilReady(what: string, child: ChildProcess, limitMs: number, ready: () => Promise<boolean>) {
  const deadline = performance.now() + limitMs
  while (child.exitCode === null) {
    if (await ready()) return
    if (performance.now() > deadline) throw new Error(`${what} was not ready after ${limitMs / 1000} s`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`${what} ended before it was ready; what it said is above`)
}

export async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined)
  return answer?.ok === true
}

/** SIGTERM, and resolves when the process has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  await ended
}
