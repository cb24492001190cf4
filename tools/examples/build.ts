// The programs of examples/, built by Maven with their own tests. A build is kept outside of the repository under the content
// of its sources, the libraries under that of its pom: what was built before is there at once.

import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { installed, partFolder } from '../parts/cache.ts'
import { run } from '../parts/command.ts'
import { jdk, maven, PartUnavailable } from '../parts/parts.ts'

const root = join(import.meta.dirname, '../../examples')

export interface Example {
  readonly java: string
  /** The program, and for those that are not in one file its libraries. */
  readonly classPath: string
  readonly jar: string
  /** Of its sources. */
  readonly folder: string
}

/** Packages an example, unless this state of it was packaged before; its own tests have passed then. */
export async function builtExample(name: string): Promise<Example> {
  const { java } = await jdk()
  const folder = join(root, name)
  const pom = await readFile(join(folder, 'pom.xml'), 'utf8')
  const libraries = pom.includes('libDirectory') ? [await librariesOf(name, pom)] : []
  const build = await installed(partFolder(name, pom, ...(await textsOf(folder))), 'maven', async empty => {
    const work = await mkdtemp(join(tmpdir(), 'kafscale-example-'))
    try {
      await mvn(folder, ['package', `-DbuildDirectory=${work}`, ...libraries.map(path => `-DlibDirectory=${path}`)])
      const [made] = (await readdir(work)).filter(file => file.endsWith('.jar'))
      if (made === undefined) throw new Error(`Maven has packaged ${name} into no jar`)
      await copyFile(join(work, made), join(empty, 'program.jar'))
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  })
  const jar = join(build, 'program.jar')
  return { java, jar, folder, classPath: [jar, ...libraries.map(path => join(path, '*'))].join(delimiter) }
}

function librariesOf(name: string, pom: string): Promise<string> {
  return installed(partFolder(`${name}-libraries`, pom), 'maven', empty =>
    mvn(join(root, name), ['dependency:copy-dependencies@default', `-DlibDirectory=${empty}`]),
  )
}

async function mvn(folder: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(await maven(), ['-q', '-B', '-f', join(folder, 'pom.xml'), ...args])
  if (code === 0) return
  const said = stdout + stderr
  // What cannot be fetched is missing on this machine; what does not compile or pass its tests is wrong.
  const missing = /Could not (resolve|transfer|find artifact)[^\n]*/.exec(said)?.[0]
  if (missing !== undefined) throw new PartUnavailable(`Maven: ${missing.slice(0, 300)}`)
  throw new Error(`mvn ${args.join(' ')} failed in ${folder}:\n${said.slice(-6000)}`)
}

/** Of every file that goes into the jar or tests it, with its path. */
async function textsOf(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, 'src'), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const texts = files.sort().map(async file => `${relative(folder, file)}\n${await readFile(file, 'utf8')}`)
  return Promise.all(texts)
}
