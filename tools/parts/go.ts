// Programs written in Go, built from pinned modules that the Go module proxy gives, into the cache.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installed, partFolder } from './cache.ts'
import { type Outcome, run } from './command.ts'
import { PartUnavailable } from './unavailable.ts'

/** `MODULE@VERSION` of a module, or `PACKAGE@VERSION` of a main package inside one. */
type Pinned = `${string}@${string}`

export interface GoModuleRecipe {
  /** The modules that the build needs, pinned. */
  readonly requires: readonly Pinned[]
  /** Import path of the main package. */
  readonly build: string
  /** Passed to the linker, beside the flags that strip the binary. */
  readonly ldflags?: string
}

/** Leaves out symbol tables and debug information: binaries shrink by a third. */
const STRIP = '-s -w'

/** The path of `name`, built by `go install`. For modules whose go.mod has replace lines use `goModuleProgram`. */
export async function goProgram(name: string, source: Pinned): Promise<string> {
  const folder = await installed(installFolder(name, source), 'go', async empty => {
    const env = { ...(await goEnvironment()), GOBIN: empty }
    await go(name, ['install', '-trimpath', '-ldflags', STRIP, source], empty, env)
    demandBinary(empty, name)
  })
  return join(folder, name)
}

/** Whether `goProgram` has built it already. */
export function goProgramPresent(name: string, source: Pinned): boolean {
  return existsSync(installFolder(name, source))
}

/** The path of `name`, built in a module of its own that requires what the recipe says. */
export async function goModuleProgram(name: string, recipe: GoModuleRecipe): Promise<string> {
  const folder = await installed(moduleFolder(name, recipe), 'go', async empty => {
    const env = await goEnvironment()
    const ldflags = [STRIP, recipe.ldflags ?? ''].join(' ').trim()
    await go(name, ['mod', 'init', `${name}.test/build`], empty, env)
    await go(name, ['get', ...recipe.requires], empty, env)
    await go(name, ['build', '-trimpath', '-ldflags', ldflags, '-o', name, recipe.build], empty, env)
    demandBinary(empty, name)
  })
  return join(folder, name)
}

/** Whether `goModuleProgram` has built it already. */
export function goModuleProgramPresent(name: string, recipe: GoModuleRecipe): boolean {
  return existsSync(moduleFolder(name, recipe))
}

function installFolder(name: string, source: Pinned): string {
  return partFolder(name, source, STRIP)
}

function moduleFolder(name: string, { requires, build, ldflags }: GoModuleRecipe): string {
  return partFolder(name, ...requires, build, STRIP, ldflags ?? '')
}

async function goEnvironment(): Promise<NodeJS.ProcessEnv> {
  const said = await run('go', ['version']).catch(() => undefined)
  if (said?.code !== 0) throw new PartUnavailable('no Go found (go version); install Go 1.25 or newer')
  // No cgo: a static binary needs no compiler here and no libraries where it runs.
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOWORK: 'off' }
}

async function go(name: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  const outcome = await run('go', args, { cwd, env })
  if (outcome.code !== 0) throw new PartUnavailable(`go ${args[0]} could not make ${name}: ${lastLine(outcome)}`)
}

function demandBinary(folder: string, name: string): void {
  if (!existsSync(join(folder, name))) throw new Error(`go built no program called ${name}`)
}

/** The compiler's last word says what was wrong; lines before it tell of downloads. */
function lastLine({ stderr, code }: Outcome): string {
  return stderr.trim().split('\n').at(-1) || `exit ${code}`
}
