// Programs written in Go, built from pinned modules that the Go module proxy gives, into the cache.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { installed, partFolder } from './cache.ts'
import { type Outcome, run } from './command.ts'
import { PartUnavailable } from './unavailable.ts'

/** `MODULE@VERSION` of a module, or `PACKAGE@VERSION` of a main package inside one. */
type Pinned = `${string}@${string}`

interface GoModule {
  /** The modules that the build needs, pinned. */
  readonly requires: readonly Pinned[]
  /** Passed to the linker, beside the flags that strip the binary. */
  readonly ldflags?: string
}

export interface GoModuleRecipe extends GoModule {
  /** Import path of the main package. */
  readonly build: string
}

/** Several programs of one module, built together: what they share is compiled once. */
export interface GoProgramsRecipe extends GoModule {
  /** Import paths of main packages; a program is called like the last part of its path. */
  readonly builds: readonly string[]
  /**
   * A module that keeps the sources of other modules in its own repository and so requires them as `v0.0.0`, replaced by
   * folders that are not in its archive; and the version under which those modules are published.
   */
  readonly staging?: { readonly module: Pinned; readonly version: string }
}

/** A main package of ours, in one file. */
export interface GoSourceRecipe extends GoModule {
  readonly source: string
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
    const module = await goModule(name, empty, recipe)
    await module.get()
    await module.build(name, recipe.build)
  })
  return join(folder, name)
}

/** The folder with the programs of the recipe. */
export function goModulePrograms(name: string, recipe: GoProgramsRecipe): Promise<string> {
  return installed(programsFolder(name, recipe), 'go', async empty => {
    const module = await goModule(name, empty, recipe)
    if (recipe.staging !== undefined) await module.replaceStaging(recipe.staging)
    await module.get()
    // One after another: linking two programs of this size at once wants more memory than a small machine has.
    for (const path of recipe.builds) await module.build(basename(path), path)
  })
}

/** Whether `goModulePrograms` has built them already. */
export function goModuleProgramsPresent(name: string, recipe: GoProgramsRecipe): boolean {
  return existsSync(programsFolder(name, recipe))
}

/** The path of `name`, built from a source of ours. */
export async function goSourceProgram(name: string, recipe: GoSourceRecipe): Promise<string> {
  const folder = await installed(sourceFolder(name, recipe), 'go', async empty => {
    const module = await goModule(name, empty, recipe)
    await writeFile(join(empty, 'main.go'), recipe.source)
    await module.get()
    await module.build(name, '.')
  })
  return join(folder, name)
}

/** Whether `goSourceProgram` has built it already. */
export function goSourceProgramPresent(name: string, recipe: GoSourceRecipe): boolean {
  return existsSync(sourceFolder(name, recipe))
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

function programsFolder(name: string, { requires, builds, staging, ldflags }: GoProgramsRecipe): string {
  return partFolder(name, ...requires, ...builds, staging?.module ?? '', staging?.version ?? '', STRIP, ldflags ?? '')
}

function sourceFolder(name: string, { requires, source, ldflags }: GoSourceRecipe): string {
  return partFolder(name, ...requires, source, STRIP, ldflags ?? '')
}

interface BuildModule {
  get(): Promise<void>
  replaceStaging(staging: NonNullable<GoProgramsRecipe['staging']>): Promise<void>
  build(program: string, path: string): Promise<void>
}

/** An empty module in `folder`. */
async function goModule(name: string, folder: string, { requires, ldflags }: GoModule): Promise<BuildModule> {
  const env = await goEnvironment()
  const flags = [STRIP, ldflags ?? ''].join(' ').trim()
  await go(name, ['mod', 'init', `${name}.test/build`], folder, env)
  return {
    get: async () => {
      if (requires.length > 0) await go(name, ['get', ...requires], folder, env)
    },
    replaceStaging: async ({ module, version }) => {
      const said = await go(name, ['mod', 'download', '-json', module], folder, env)
      const { GoMod } = z.object({ GoMod: z.string() }).parse(JSON.parse(said))
      const replaced = stagingModules(await readFile(GoMod, 'utf8'))
      await go(name, ['mod', 'edit', ...replaced.map(path => `-replace=${path}=${path}@${version}`)], folder, env)
    },
    build: async (program, path) => {
      await go(name, ['build', '-trimpath', '-ldflags', flags, '-o', program, path], folder, env)
      demandBinary(folder, program)
    },
  }
}

/** Modules required as exactly `v0.0.0`; `v0.0.0-DATE` is a published version of a module without releases. */
function stagingModules(goMod: string): string[] {
  return [...goMod.matchAll(/^\s*(?:require\s+)?(\S+) v0\.0\.0$/gm)].flatMap(([, path]) => path ?? [])
}

async function goEnvironment(): Promise<NodeJS.ProcessEnv> {
  const said = await run('go', ['version']).catch(() => undefined)
  if (said?.code !== 0) throw new PartUnavailable('no Go found (go version); install Go 1.25 or newer')
  // No cgo: a static binary needs no compiler here and no libraries where it runs.
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOWORK: 'off' }
}

async function go(name: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const outcome = await run('go', args, { cwd, env })
  if (outcome.code !== 0) throw new PartUnavailable(`go ${args[0]} could not make ${name}: ${lastLine(outcome)}`)
  return outcome.stdout
}

function demandBinary(folder: string, name: string): void {
  if (!existsSync(join(folder, name))) throw new Error(`go built no program called ${name}`)
}

/** The compiler's last word says what was wrong; lines before it tell of downloads. */
function lastLine({ stderr, code }: Outcome): string {
  return stderr.trim().split('\n').at(-1) || `exit ${code}`
}
