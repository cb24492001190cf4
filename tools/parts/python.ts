// Python packages for client suites, at pinned versions, in a folder of their own (nothing goes into the system's).

import { existsSync } from 'node:fs'
import { installed, partFolder } from './cache.ts'
import { run } from './command.ts'
import { PartUnavailable } from './unavailable.ts'

const REQUIREMENTS = ['confluent-kafka==2.16.1', 'aiokafka==0.14.0', 'cramjam==2.14.0']

export interface Python {
  program: string
  /** To be set as PYTHONPATH. */
  packages: string
}

const PROGRAM = 'python3'

/** A Python 3 with confluent-kafka, aiokafka and aiokafka's codecs (cramjam) importable through `packages`. */
export async function python(): Promise<Python> {
  const said = await run(PROGRAM, [
    '-c',
    'import sys, platform; print(sys.version_info[:2], platform.machine())',
  ]).catch(() => undefined)
  if (said?.code !== 0) throw new PartUnavailable('no python3 found; install Python 3.10 or newer with pip')
  const packages = await installed(folderFor(said.stdout), 'pip', async empty => {
    const args = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--only-binary', ':all:']
    const outcome = await run(PROGRAM, [...args, '--target', empty, ...REQUIREMENTS])
    if (outcome.code === 0) return
    const line = outcome.stderr.split('\n').find(text => /error|no module/i.test(text)) ?? `exit ${outcome.code}`
    throw new PartUnavailable(`pip could not fetch ${REQUIREMENTS.join(', ')}: ${line.trim()}`)
  })
  return { program: PROGRAM, packages }
}

/** Whether the packages are there already, without installing them. */
export async function pythonPresent(): Promise<boolean> {
  const said = await run(PROGRAM, [
    '-c',
    'import sys, platform; print(sys.version_info[:2], platform.machine())',
  ]).catch(() => undefined)
  return said?.code === 0 && existsSync(folderFor(said.stdout))
}

function folderFor(interpreter: string): string {
  return partFolder('python', interpreter, ...REQUIREMENTS)
}
