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

interface Ended {
  readonly isRight: boolean
  readonly output: string
}

function run(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
    child.on('error', error => resolve({ isRight: false, output: `${command}: ${error.message}` }))
    child.on('close', code => resolve({ isRight: code === 0, output }))
  })
}

async function check(name: string, command: string, args: readonly string[]): Promise<Tally> {
  const { isRight, output } = await run(command, args)
  console.log(`\n== ${name}\n${output.trimEnd()}`)
  if (isRight) return { ...NOTHING, passed: 1 }
  failedChecks.push(name)
  return { ...NOTHING, failed: 1 }
}

/** Each is a process with one thread at work: two at a time. */
async function checks(): Promise<Tally> {
  const others = async (): Promise<Tally[]> => [
    await check('lint', bin('biome'), ['check', '--error-on-warnings', '.']),
    await check('audit of dependencies', process.execPath, ['tools/supply/audit.ts']),
    await check('generated files', process.execPath, ['tools/generate.ts', '--check']),
  ]
  const [types, rest] = await Promise.all([check('types', bin('tsc'), ['--noEmit']), others()])
  return [types, ...rest].reduce(sum)
}

const SLOW = '--testTimeout=180000'
const oneByOne = (paths: string): Promise<Tally> =>
  runs.run('e2e', ['--maxWorkers=1', SLOW, `--testPathPatterns=e2e/(${paths})`])

/** These have a whole node of Kubernetes, of which there can be one. */
const ON_A_NODE = 'kubernetes/platform|security-operator/node|tutorial/platform'
/** These take a port that a user would, or the whole machine for a moment. */
const AS_A_USER = 'tutorial/tutorial|packaging|faults/(?!restart-cost)'
/** These load the machine until something gives way, or compare what happens on it. */
const ALONE = 'chaos/chaos|differential|faults/restart-cost'
/** Needs minutes for what other suites show piece by piece: `make test-examples-kubernetes`. */
const APART = 'examples-kubernetes/'

const OTHERS = [ON_A_NODE, AS_A_USER, ALONE, APART].join('|')

const suites: Readonly<Record<string, readonly (() => Promise<Tally>)[]>> = {
  unit: [checks, () => runs.run('unit', ['--maxWorkers=3'])],
  e2e: [
    () => runs.run('e2e', ['--maxWorkers=4', SLOW, `--testPathIgnorePatterns=e2e/(${OTHERS})`]),
    () => Promise.all([oneByOne(ON_A_NODE), oneByOne(AS_A_USER)]).then(tallies => tallies.reduce(sum)),
    () => oneByOne(ALONE),
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
if (slow.length > 0) total = sum(total, await runs.run('e2e', ['--maxWorkers=1', SLOW, beginning(slow)]))
total = sum(total, await runs.repeatFailed())
runs.printTrouble()
for (const name of failedChecks) console.log(`failed: ${name}`)
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`)
process.exitCode = total.failed > 0 ? 1 : 0
