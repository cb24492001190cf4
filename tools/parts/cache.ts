// The folder outside the repository where installed parts live, and the one way to put something there.
//
// Promise: a part's folder either does not exist or is complete. It is built under a private name and renamed into
// place, so a killed install leaves nothing that looks finished and two processes may install the same part at once;
// the lock only spares the second one the work.

import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The cache's root: `KAFSCALE_CACHE`, else `kafscale` in the user's cache folder. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return env.KAFSCALE_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kafscale')
}

/** Where a part with these defining texts (pom, pinned versions, sources) is kept; other texts, other folder. */
export function partFolder(name: string, ...recipe: string[]): string {
  const hash = createHash('sha256')
  for (const text of recipe) hash.update(text).update('\0')
  return join(cacheRoot(), `${name}-${hash.digest('hex').slice(0, 10)}`)
}

/**
 * The folder, built first if it is missing. `build` fills the empty folder that it is given.
 * Builds that share a `lock` name run one after another, in all processes (Maven's local repository wants that).
 */
export async function installed(
  folder: string,
  lock: string,
  build: (emptyFolder: string) => Promise<void>,
): Promise<string> {
  if (existsSync(folder)) return folder
  await mkdir(cacheRoot(), { recursive: true })
  return holdingLock(lock, async () => {
    if (existsSync(folder)) return folder
    const unfinished = `${folder}.${randomUUID()}`
    try {
      await mkdir(unfinished)
      await build(unfinished)
      await rename(unfinished, folder)
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      if (!existsSync(folder)) throw error
    }
    return folder
  })
}

/** Runs `work` while no other process does so under the same name. The lock of a dead process is taken over. */
export async function holdingLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const folder = join(cacheRoot(), `${name}.lock`)
  await mkdir(cacheRoot(), { recursive: true })
  while (!(await takeLock(folder))) await sleep(200)
  try {
    return await work()
  } finally {
    await discard(folder)
  }
}

async function takeLock(folder: string): Promise<boolean> {
  const claim = `${folder}.${randomUUID()}`
  await mkdir(claim)
  await writeFile(join(claim, 'pid'), String(process.pid))
  try {
    // A folder that is not empty cannot be renamed over: exactly one claim wins.
    await rename(claim, folder)
    return true
  } catch {
    await rm(claim, { recursive: true, force: true })
  }
  const holder = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => '0'))
  if (holder > 0 && !isAlive(holder)) await discard(folder)
  return false
}

/**
 * Renaming away first means that of several processes which find the same dead holder only one removes its lock, and that
 * nobody renames a claim over a folder that is emptied just now.
 */
async function discard(folder: string): Promise<void> {
  const stale = `${folder}.${randomUUID()}`
  try {
    await rename(folder, stale)
  } catch {
    return
  }
  await rm(stale, { recursive: true, force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
