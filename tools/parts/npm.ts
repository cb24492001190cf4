// Programs from npm that only tests need: each in a folder of its own in the cache, so that package.json stays free of them.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installed, partFolder } from './cache.ts'
import { run } from './command.ts'
import { PartUnavailable } from './unavailable.ts'

/** The folder `node_modules/NAME` of a package at exactly that version. Its install scripts are not run. */
export async function npmPackage(name: string, version: string): Promise<string> {
  const folder = await installed(folderFor(name, version), 'npm', async empty => {
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--no-package-lock', '--loglevel=error']
    // A manifest of its own keeps npm from climbing to another one above.
    const manifest = await run('npm', ['init', '-y'], { cwd: empty }).catch(() => undefined)
    if (manifest === undefined) throw new PartUnavailable('no npm found; it comes with Node')
    const outcome = await run('npm', ['install', ...flags, `${name}@${version}`], { cwd: empty })
    if (outcome.code === 0) return
    const line = outcome.stderr.split('\n').find(text => /npm (error|ERR!)/.test(text)) ?? `exit ${outcome.code}`
    throw new PartUnavailable(`npm could not fetch ${name}: ${line.trim()}`)
  })
  return join(folder, 'node_modules', name)
}

/** Whether the package is there already, without installing it. */
export function npmPackagePresent(name: string, version: string): boolean {
  return existsSync(folderFor(name, version))
}

function folderFor(name: string, version: string): string {
  return partFolder(name, version)
}
