// Runs a jest project and counts from its report. What failed is named once more at the end, where a reader of a long log looks,
// and each file with a test that failed is run a second time alone: a machine too slow for two servers at once is no defect, and what
// fails again is one. A test that needed its second try is named as unstable; that is a defect of the test, to be mended.

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { rememberDurations } from './durations.ts'

export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 }

export const sum = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
})

/** What the report of `jest --json` says of one file: https://jestjs.io/docs/cli#--json */
const fileReport = z.object({
  name: z.string(),
  status: z.string(),
  message: z.string(),
  startTime: z.number(),
  endTime: z.number(),
  assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
})

export type FileReport = z.infer<typeof fileReport>

const report = z.object({ testResults: z.array(fileReport) })

/** A file that fails outside its tests, as when it can't be loaded, counts as one failed test. */
export function tallyOf({ status, assertionResults }: FileReport): Tally {
  const count = (...wanted: string[]) => assertionResults.filter(test => wanted.includes(test.status)).length
  const failed = count('failed')
  return {
    passed: count('passed'),
    failed: status === 'failed' && failed === 0 ? 1 : failed,
    skipped: count('pending', 'todo', 'skipped'),
  }
}

const isFailed = ({ status }: FileReport): boolean => status === 'failed'

/** What is thrown when a file's tests are over is told of the file that runs then, so that one says nothing by passing alone. */
export const isForgivable = ({ assertionResults }: FileReport): boolean =>
  assertionResults.some(({ status }) => status === 'failed')

/** Brokers and operators are started hundreds of times: https://nodejs.org/api/module.html#module-compile-cache */
const COMPILED = 'node_modules/.cache/compile'
const JEST_OPTIONS = '--experimental-vm-modules --disable-warning=ExperimentalWarning'

/** What it says of the files that ran, in the order in which they ended; none when jest ended without a report. */
async function jest(root: string, project: string, args: readonly string[]): Promise<readonly FileReport[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-tests-'))
  const outputFile = join(folder, 'report.json')
  // Whole systems, and tests that fail, leave open what nobody waits for: jest ends when the tests have.
  const ending = ['--json', `--outputFile=${outputFile}`, '--silent', '--forceExit']
  const options = [`--selectProjects=${project}`, ...ending, ...args]
  try {
    await runQuiet(root, join(root, 'node_modules', '.bin', 'jest'), options)
    return report.parse(JSON.parse(await readFile(outputFile, 'utf8'))).testResults
  } catch (error) {
    console.error(`jest gave no report: ${error instanceof Error ? error.message : error}`)
    return []
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

let runsBegun = 0

/** jest writes its progress to standard error and, with --json, the whole report to standard output. */
function runQuiet(root: string, command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        NODE_OPTIONS: JEST_OPTIONS,
        NODE_COMPILE_CACHE: join(root, COMPILED),
        KAFSCALE_TEST_LANE: String(runsBegun++),
      },
    })
    child.on('error', reject)
    child.on('close', () => resolve())
  })
}

const secondsOf = (root: string, files: readonly FileReport[]): Record<string, number> =>
  Object.fromEntries(files.map(({ name, startTime, endTime }) => [relative(root, name), (endTime - startTime) / 1000]))

function printSlowest(seconds: Record<string, number>): void {
  const slowest = Object.entries(seconds).sort(([, a], [, b]) => b - a)
  const list = slowest.slice(0, 8).map(([path, took]) => `${path} ${took.toFixed(1)} s`)
  console.log(`slowest: ${list.join(', ')}`)
}

interface Failed {
  readonly project: string
  /** Without those that say which files, and how many at a time. */
  readonly args: readonly string[]
  readonly file: FileReport
}

export class JestRuns {
  readonly #root: string
  readonly #toRepeat: Failed[] = []
  readonly #unstable: FileReport[] = []
  readonly #failed: FileReport[] = []

  constructor(root: string) {
    this.#root = root
  }

  /** Files with a failure are not counted yet: `repeatFailed` does that. */
  async run(project: string, args: readonly string[]): Promise<Tally> {
    console.log(`\n== ${project} tests`)
    const files = await jest(this.#root, project, args)
    if (files.length === 0) return { ...NOTHING, failed: 1 }
    const seconds = secondsOf(this.#root, files)
    printSlowest(seconds)
    rememberDurations(seconds)
    const general = args.filter(arg => !/^--(maxWorkers|testPath)/.test(arg))
    for (const file of files.filter(isFailed)) this.#toRepeat.push({ project, args: general, file })
    return files
      .filter(file => !isFailed(file))
      .map(tallyOf)
      .reduce(sum, NOTHING)
  }

  /** When nothing else runs any more. */
  async repeatFailed(): Promise<Tally> {
    let total = NOTHING
    for (const { project, args, file } of this.#toRepeat) {
      const judged = isForgivable(file) ? await this.#again(project, args, file) : file
      if (isFailed(judged)) this.#failed.push(judged)
      else this.#unstable.push(file)
      total = sum(total, tallyOf(judged))
    }
    return total
  }

  async #again(project: string, args: readonly string[], file: FileReport): Promise<FileReport> {
    console.log(`\n== once more, alone: ${relative(this.#root, file.name)}`)
    const only = [...args, '--maxWorkers=1', '--runTestsByPath', file.name]
    // A file that gave no second report has failed for good.
    const [second = file] = await jest(this.#root, project, only)
    return second
  }

  /** Says which tests failed, with their messages, and which only passed at their second try. */
  printTrouble(): void {
    for (const { message } of [...this.#failed, ...this.#unstable]) console.log(`\n${message.slice(0, 4000)}`)
    for (const file of this.#failed) this.#name('failed', file)
    for (const file of this.#unstable) this.#name('unstable, passed alone', file)
  }

  #name(word: string, { name, assertionResults }: FileReport): void {
    const tests = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
    console.log(`${word}: ${name.slice(this.#root.length + 1)}: ${tests.join('; ') || 'outside its tests'}`)
  }
}
