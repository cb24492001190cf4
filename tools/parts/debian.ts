// Programs from Debian packages: taken from the path, else installed when this process may do so.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { holdingLock } from './cache.ts'
import { type Outcome, run } from './command.ts'
import { PartUnavailable } from './unavailable.ts'

const ENV = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
// Another apt on the machine holds dpkg's lock for a while; waiting is better than failing.
const WAIT_FOR_LOCK = ['-o', 'DPkg::Lock::Timeout=120']

/** The path of `program`, from the Debian package of that name, or of its own. */
export async function debianProgram(program: string, name = program): Promise<string> {
  return packaged(name, program, () => onPath(program))
}

/** The path of a file that a Debian package brings. */
export async function debianFile(name: string, path: string): Promise<string> {
  return packaged(name, path, () => (isExecutable(path) ? path : undefined))
}

async function packaged(name: string, what: string, find: () => string | undefined): Promise<string> {
  const there = find()
  if (there) return there
  if (process.getuid?.() !== 0) throw new PartUnavailable(`there is no ${what}, and only root may install it`)
  return holdingLock('apt', async () => {
    if (!find()) await install(name)
    const path = find()
    if (!path) throw new PartUnavailable(`the package ${name} brought no ${what}`)
    return path
  })
}

/** Where programs for root are, which not every path names. */
const FOR_ROOT = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** The path of `program` if it is installed. */
export function onPath(program: string): string | undefined {
  return [...(process.env.PATH ?? '').split(delimiter), ...FOR_ROOT]
    .map(folder => join(folder, program))
    .find(isExecutable)
}

async function install(name: string): Promise<void> {
  await apt(name, ['update', '-qq'])
  await apt(name, ['install', '-y', '-qq', '--no-install-recommends', name])
}

async function apt(name: string, args: string[]): Promise<void> {
  const outcome: Outcome = await run('apt-get', [...WAIT_FOR_LOCK, ...args], { env: ENV }).catch(() => {
    throw new PartUnavailable(`no ${name} on the path, and no apt-get to install it`)
  })
  if (outcome.code === 0) return
  const line = outcome.stderr.split('\n').find(text => text.startsWith('E:')) ?? `exit ${outcome.code}`
  throw new PartUnavailable(`apt-get ${args[0]} failed: ${line}`)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
