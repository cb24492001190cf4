// Python packages for suites, at pinned versions, each set in a folder of its own (nothing goes into the system's).

import { existsSync } from 'node:fs'
import { installed, partFolder } from './cache.ts'
import { run } from './command.ts'
import { PartUnavailable } from './unavailable.ts'

const CLIENTS = ['confluent-kafka==2.16.1', 'aiokafka==0.14.0', 'cramjam==2.14.0']

export interface Python {
  program: string
  /** To be set as PYTHONPATH. */
  packages: string
}

const PROGRAM = 'python3'

/** A Python 3 with confluent-kafka, aiokafka and aiokafka's codecs (cramjam) importable through `packages`. */
export function python(): Promise<Python> {
  return pythonWith('python', CLIENTS)
}

/** Whether the packages of `python` are there already, without installing them. */
export function pythonPresent(): Promise<boolean> {
  return pythonWithPresent('python', CLIENTS)
}

/** A Python 3 with the pinned `requirements` importable through `packages`; `name` is that of the folder. */
export async function pythonWith(name: string, requirements: readonly string[]): Promise<Python> {
  const interpreter = await describeInterpreter()
  if (interpreter === undefined) throw new PartUnavailable('no python3 found; install Python 3.10 or newer with pip')
  const packages = await installed(partFolder(name, interpreter, ...requirements), 'pip', async empty => {
    const args = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--only-binary', ':all:']
    const outcome = await run(PROGRAM, [...args, '--target', empty, ...requirements])
    if (outcome.code === 0) return
    const line = outcome.stderr.split('\n').find(text => /error|no module/i.test(text)) ?? `exit ${outcome.code}`
    throw new PartUnavailable(`pip could not fetch ${requirements.join(', ')}: ${line.trim()}`)
  })
  return { program: PROGRAM, packages }
}

/** Whether that set is there already, without installing it. */
export async function pythonWithPresent(name: string, requirements: readonly string[]): Promise<boolean> {
  const interpreter = await describeInterpreter()
  return interpreter !== undefined && existsSync(partFolder(name, interpreter, ...requirements))
}

/** Version and machine: compiled packages fit only these. */
async function describeInterpreter(): Promise<string | undefined> {
  const said = await run(PROGRAM, [
    '-c',
    'import sys, platform; print(sys.version_info[:2], platform.machine())',
  ]).catch(() => undefined)
  return said?.code === 0 ? said.stdout : undefined
}
