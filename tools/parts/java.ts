// The JDK, Maven, and sets of jars that Maven resolves from the small pom files beside this file.

import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { installed, partFolder } from './cache.ts'
import { run } from './command.ts'
import { PartUnavailable } from './unavailable.ts'

const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const OLDEST_JDK = 17

export interface Jdk {
  java: string
  javac: string
}

let checkedJdk: Promise<Jdk> | undefined

/** The programs of a JDK of version 17 or newer: `JAVA_HOME`'s, else those on the path. */
export function jdk(): Promise<Jdk> {
  checkedJdk ??= findJdk(process.env.JAVA_HOME)
  return checkedJdk
}

async function findJdk(home: string | undefined): Promise<Jdk> {
  const program = (name: string) => (home ? join(home, 'bin', name) : name)
  const said = await run(program('javac'), ['-version']).catch(() => undefined)
  const version = said && /javac (\d+)/.exec(said.stdout + said.stderr)?.[1]
  if (!version) throw new PartUnavailable(`no JDK found (javac -version); install JDK ${OLDEST_JDK} or newer`)
  if (Number(version) < OLDEST_JDK) throw new PartUnavailable(`JDK ${version} found; ${OLDEST_JDK} or newer is needed`)
  return { java: program('java'), javac: program('javac') }
}

/** Maven's program, with a JDK behind it. */
export async function maven(): Promise<string> {
  await jdk()
  const said = await run('mvn', ['-version']).catch(() => undefined)
  if (said?.code !== 0) throw new PartUnavailable('no Maven found (mvn); install Maven 3.8 or newer')
  return 'mvn'
}

/** The folder of jars that the pom `pom/NAME.xml` resolves to. */
export async function jars(name: string): Promise<string> {
  const pom = join(import.meta.dirname, 'pom', `${name}.xml`)
  const folder = partFolder(name, await readFile(pom, 'utf8'))
  return installed(folder, 'maven', async empty => {
    const mvn = await maven()
    const args = ['-q', '-B', '-f', pom, COPY_DEPENDENCIES, `-DoutputDirectory=${empty}`]
    const outcome = await run(mvn, args)
    if (outcome.code !== 0 || !readdirSync(empty).some(file => file.endsWith('.jar'))) {
      throw new PartUnavailable(`Maven could not fetch ${name}: ${firstError(outcome.stdout + outcome.stderr)}`)
    }
  })
}

/**
 * Compiles Java sources against a set of jars; answers a class path that runs them.
 * The classes are cached under the sources' content, so a change of either compiles again.
 */
export async function compiled(name: string, sources: string[], jarFolder: string): Promise<string> {
  const { javac } = await jdk()
  const texts = await Promise.all(sources.map(source => readFile(source, 'utf8')))
  const folder = partFolder(`classes-${name}`, jarFolder, ...texts)
  await installed(folder, 'javac', async empty => {
    const args = ['-nowarn', '-proc:none', '-encoding', 'UTF-8', '-cp', join(jarFolder, '*'), '-d', empty, ...sources]
    const outcome = await run(javac, args)
    if (outcome.code !== 0) throw new Error(`javac refused ${name}:\n${outcome.stderr}`)
  })
  return [folder, join(jarFolder, '*')].join(delimiter)
}

/** Whether the jar set is there already, without installing it. */
export async function jarsPresent(name: string): Promise<boolean> {
  const pom = join(import.meta.dirname, 'pom', `${name}.xml`)
  return existsSync(partFolder(name, await readFile(pom, 'utf8')))
}

function firstError(log: string): string {
  return log.split('\n').find(line => line.includes('[ERROR]')) ?? 'no error line in its log'
}
