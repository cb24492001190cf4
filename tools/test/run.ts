/**
 * Runs every suite and says at the end how many tests passed and failed: `N passed, N failed`.
 *
 *   npm test              everything: types, lint, generated files, unit tests, whole-system tests
 *   npm test -- unit      types, lint, generated files and unit tests: the fast inner loop
 *   npm test -- e2e       whole-system tests only
 *   npm test -- PATH...   the tests of files whose paths begin so, such as e2e/managed/tls or operator/runtime
 *
 * A check that is no test (types, lint, generated files) counts as one. The exit code is 0 when nothing failed.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { JestRuns, NOTHING, sum, type Tally } from './jest.ts'

const root = join(import.meta.dirname, '../..')
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)
const runs = new JestRuns(root)
const failedChecks: string[] = []

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
}

async function check(name: string, command: string, args: readonly string[]): Promise<Tally> {
  console.log(`\n== ${name}`)
  if ((await run(command, args)) === 0) return { ...NOTHING, passed: 1 }
  failedChecks.push(name)
  return { ...NOTHING, failed: 1 }
}

/** Whole systems leave connections behind that nobody waits for: jest ends when the tests have. */
const END = '--forceExit'
const SLOW = '--testTimeout=180000'
/**
 * These load the machine until something gives way, count what happens on it, or take a port that a user would. The others wait
 * for their servers and clients most of the time.
 */
const ALONE = 'e2e/(chaos/chaos|differential|faults/|kubernetes/platform|packaging|security-operator/node|tutorial)'
/** Needs minutes for what other suites show piece by piece: `make test-examples-kubernetes`. */
const APART = 'e2e/examples-kubernetes/'

const suites: Readonly<Record<string, readonly (() => Promise<Tally>)[]>> = {
  unit: [
    () => check('types', bin('tsc'), ['--noEmit']),
    () => check('lint', bin('biome'), ['check', '--error-on-warnings', '.']),
    () => check('audit of dependencies', process.execPath, ['tools/supply/audit.ts']),
    () => check('generated files', process.execPath, ['tools/generate.ts', '--check']),
    () => runs.run('unit', ['--maxWorkers=2']),
  ],
  e2e: [
    () => runs.run('e2e', ['--maxWorkers=4', END, SLOW, `--testPathIgnorePatterns=${ALONE}|${APART}`]),
    () => runs.run('e2e', ['--maxWorkers=1', END, SLOW, `--testPathPatterns=${ALONE}`]),
  ],
}

function beginning(these: readonly string[]): string {
  const literal = these.map(path => join(root, path).replace(/[.+()[\]]/g, '\\$&'))
  return `--testPathPatterns=^(${literal.join('|')})`
}

const wanted = process.argv.slice(2)
const paths = wanted.filter(name => suites[name] === undefined)
const files = paths.length === 0 ? [] : globSync('**/*.test.ts', { cwd: root, exclude: ['node_modules'] })
const unknown = paths.find(path => !files.some(file => file.startsWith(path)))
if (unknown !== undefined) {
  console.error(`there is no suite ${unknown}, and no test begins so; suites are ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}
let total = NOTHING
for (const name of wanted.length === 0 ? Object.keys(suites) : wanted) {
  for (const suite of suites[name] ?? []) total = sum(total, await suite())
}
const isWhole = (path: string): boolean => path === 'e2e' || path.startsWith('e2e/')
const slow = paths.filter(isWhole)
const fast = paths.filter(path => !isWhole(path))
if (fast.length > 0) total = sum(total, await runs.run('unit', ['--maxWorkers=2', beginning(fast)]))
if (slow.length > 0) total = sum(total, await runs.run('e2e', ['--maxWorkers=1', END, SLOW, beginning(slow)]))
runs.printTrouble()
for (const name of failedChecks) console.log(`failed: ${name}`)
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`)
process.exitCode = total.failed > 0 ? 1 : 0
