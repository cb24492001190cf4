// Runs the probe (e2e/java/probe): the same questions to any broker through Apache's Java client.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../tools/parts/command.ts'
import { clients, compiled, jdk } from '../../tools/parts/parts.ts'

/** A step of the probe: what it asked, and the client's result or error in JSON. */
export interface ProbeStep {
  step: string
  result?: unknown
  error?: { class: string; message: string | null }
}

export interface ProbeProgram {
  program: string
  args: string[]
}

export async function probeProgram(): Promise<ProbeProgram> {
  const folder = join(import.meta.dirname, '..', 'java', 'probe')
  const [{ java }, jars, names] = await Promise.all([jdk(), clients('4.4.0'), readdir(folder)])
  const sources = names.toSorted().map(name => join(folder, name))
  const classPath = await compiled('probe-4.4.0', sources, jars)
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
  return { program: java, args: ['-Xmx256m', '-XX:TieredStopAtLevel=1', quiet, '-cp', classPath, 'Probe'] }
}

/** Asks a fresh broker everything; takes about half a minute, most of it waiting for time-outs. */
export async function probed({ program, args }: ProbeProgram, bootstrap: string): Promise<ProbeStep[]> {
  const { NODE_OPTIONS: _forJestOnly, ...env } = process.env
  const outcome = await run(program, [...args, bootstrap], { env })
  if (outcome.code !== 0) throw new Error(`the probe failed (exit ${outcome.code}): ${outcome.stderr}`)
  return outcome.stdout
    .split('\n')
    .filter(line => line.startsWith('{"step"'))
    .map(line => JSON.parse(line))
}
