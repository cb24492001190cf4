/**
 * Do the tests notice when an invariant is broken? Copies the tree into a temporary folder, puts one small defect at a time
 * into the copy, and runs the tests that are to notice.
 *
 *   npm run invariants              prints a table; fails unless every defect was noticed
 *   npm run invariants -- --write   writes the table into docs/invariants.md as well
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import config from '../../jest.config.ts'
import { INVARIANTS, MUTATIONS, type Mutation } from './mutations.ts'

const root = join(import.meta.dirname, '../..')
/** jest refuses to start where one of its rooms is missing. */
const rooms = (config.projects ?? []).flatMap(project => (typeof project === 'string' ? [] : (project.roots ?? [])))
const COPIED = [...rooms.map(room => String(room).replace('<rootDir>/', '')), 'package.json', 'jest.config.ts']
/** A defect may make a test wait for ever. */
const LIMIT_MS = 300_000

const jestReport = z.object({
  numTotalTests: z.number(),
  success: z.boolean(),
  testResults: z.array(z.object({ assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })) })),
})

interface Verdict {
  readonly passed: boolean
  readonly tests: number
  readonly failed: readonly string[]
}

async function runTests(tree: string, pattern: string): Promise<Verdict> {
  const outputFile = join(tree, 'report.json')
  await rm(outputFile, { force: true })
  const options = ['--selectProjects=unit', '--json', `--outputFile=${outputFile}`, `--testPathPatterns=${pattern}`]
  await run(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...options], tree)
  const report = jestReport.parse(JSON.parse(await readFile(outputFile, 'utf8')))
  const assertions = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = assertions.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
  return { passed: report.success, tests: report.numTotalTests, failed }
}

function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const env = { ...process.env, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' }
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: 'ignore', timeout: LIMIT_MS, killSignal: 'SIGKILL' })
    child.on('error', reject)
    child.on('close', () => resolve())
  })
}

/** The verdict on the tree with the defect in it; the tree is whole again afterwards. */
async function withDefect(tree: string, { file, from, to, tests }: Mutation): Promise<Verdict> {
  const path = join(tree, file)
  const source = await readFile(path, 'utf8')
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`)
  await writeFile(
    path,
    source.replace(from, () => to),
  )
  try {
    return await runTests(tree, tests)
  } finally {
    await writeFile(path, source)
  }
}

async function copyTree(): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), 'kafscale-invariants-'))
  for (const name of COPIED) await cp(join(root, name), join(tree, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

async function judgeAll(tree: string): Promise<{ rows: string[]; problems: string[] }> {
  const rows: string[] = []
  const problems: string[] = []
  for (const pattern of new Set(MUTATIONS.map(({ tests }) => tests))) {
    const { passed, tests, failed } = await runTests(tree, pattern)
    if (!passed || tests === 0)
      problems.push(`without any defect ${pattern} does not pass (${failed[0] ?? 'no tests'})`)
  }
  for (const mutation of MUTATIONS) {
    const { failed } = await withDefect(tree, mutation)
    const [first] = failed
    if (first === undefined) problems.push(`nobody notices: ${mutation.defect} (${mutation.file})`)
    const more = failed.length > 1 ? ` and ${failed.length - 1} more` : ''
    rows.push(`| ${mutation.invariant} | ${mutation.defect} | \`${mutation.file}\` | ${first ?? 'NONE'}${more} |`)
    console.log(rows.at(-1))
  }
  return { rows, problems }
}

function page(rows: readonly string[]): string {
  const invariants = Object.entries(INVARIANTS).map(([number, text]) => `${number}. ${text}`)
  return `<!-- Written by \`npm run invariants -- --write\`. -->
# Invariants

${invariants.join('\n')}

Each of them has tests that fail when it is broken. \`npm run invariants\` shows it: it copies the tree, puts one small defect
at a time into the copy, and runs the tests that are to notice; without a defect the same tests pass.

| invariant | defect | put into | noticed by |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

const tree = await copyTree()
try {
  const { rows, problems } = await judgeAll(tree)
  for (const problem of problems) console.error(problem)
  console.log(`${rows.length} defects, ${problems.length} problems`)
  if (problems.length > 0) process.exitCode = 1
  else if (process.argv.includes('--write')) await writeFile(join(root, 'docs/invariants.md'), page(rows))
} finally {
  await rm(tree, { recursive: true, force: true })
}
