/**
 * Runs every suite and says at the end how many tests passed and failed: `N passed, N failed`.
 *
 *   npm test              everything: types, lint, generated files, unit tests, whole-system tests
 *   npm test -- unit      types, lint, generated files and unit tests: the fast inner loop
 *   npm test -- e2e       whole-system tests only
 *
 * A check that is no test (types, lint, generated files) counts as one. The exit code is 0 when nothing failed.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

interface Tally {
  passed: number
  failed: number
  skipped: number
}

const root = join(import.meta.dirname, '../..')
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)
const jestOptions = '--experimental-vm-modules --disable-warning=ExperimentalWarning'

const jestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  /** Files that could not even be loaded. */
  numRuntimeErrorTestSuites: z.number(),
  testResults: z.array(z.object({ name: z.string(), status: z.string(), startTime: z.number(), endTime: z.number() })),
})

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    })
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
}

async function check(name: string, command: string, args: readonly string[]): Promise<Tally> {
  console.log(`\n== ${name}`)
  const failed = (await run(command, args)) === 0 ? 0 : 1
  return { passed: 1 - failed, failed, skipped: 0 }
}

async function jest(project: string, args: readonly string[]): Promise<Tally> {
  console.log(`\n== ${project} tests`)
  const folder = await mkdtemp(join(tmpdir(), 'kafscale-tests-'))
  const outputFile = join(folder, 'report.json')
  const options = [`--selectProjects=${project}`, '--json', `--outputFile=${outputFile}`, '--silent', ...args]
  try {
    // Node's own streams hold the JSON too; only the file is wanted.
    const code = await runQuiet(bin('jest'), options, { NODE_OPTIONS: jestOptions })
    const report = jestReport.parse(JSON.parse(await readFile(outputFile, 'utf8')))
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites
    printSlowest(report.testResults)
    return {
      passed: report.numPassedTests,
      failed: failed === 0 && code !== 0 ? 1 : failed,
      skipped: report.numPendingTests,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** jest writes its progress to standard error and, with --json, the whole report to standard output. */
function runQuiet(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...env },
    })
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
}

function printSlowest(files: z.infer<typeof jestReport>['testResults']): void {
  const slowest = [...files].sort((a, b) => b.endTime - b.startTime - (a.endTime - a.startTime)).slice(0, 5)
  const list = slowest.map(
    ({ name, startTime, endTime }) => `${name.slice(root.length + 1)} ${((endTime - startTime) / 1000).toFixed(1)} s`,
  )
  console.log(`slowest: ${list.join(', ')}`)
}

/** Whole systems leave connections behind that nobody waits for: jest ends when the tests have. */
const END = '--forceExit'
const SLOW = '--testTimeout=180000'
/** These wait for their clients most of the time. The others load the machine, or count what happens on it. */
const SIDE_BY_SIDE = 'e2e/(clients|cluster|examples|stores|chart)/'

const suites: Readonly<Record<string, readonly (() => Promise<Tally>)[]>> = {
  unit: [
    () => check('types', bin('tsc'), ['--noEmit']),
    () => check('lint', bin('biome'), ['check', '--error-on-warnings', '.']),
    () => check('generated files', process.execPath, ['tools/generate.ts', '--check']),
    () => jest('unit', []),
  ],
  e2e: [
    () => jest('e2e', ['--maxWorkers=2', END, SLOW, `--testPathPatterns=${SIDE_BY_SIDE}`]),
    () => jest('e2e', ['--maxWorkers=1', END, SLOW, `--testPathIgnorePatterns=${SIDE_BY_SIDE}`]),
  ],
}

const wanted = process.argv.slice(2)
const unknown = wanted.find(name => suites[name] === undefined)
if (unknown !== undefined) {
  console.error(`there is no suite ${unknown}; there are ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}
const total: Tally = { passed: 0, failed: 0, skipped: 0 }
for (const name of wanted.length === 0 ? Object.keys(suites) : wanted) {
  for (const suite of suites[name] ?? []) {
    const tally = await suite()
    total.passed += tally.passed
    total.failed += tally.failed
    total.skipped += tally.skipped
  }
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`)
process.exitCode = total.failed > 0 ? 1 : 0
