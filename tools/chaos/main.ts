/**
 * `make chaos MINUTES=30 SEED=1`: a cluster of real parts under every kind of fault, with real clients, and a report. The
 * seed decides the order of the faults, what they hit and how long they last; the rest is the machine's.
 */
import { writeFile } from 'node:fs/promises'
import { javaProgram } from '../../e2e/chaos/java-load.ts'
import { faultTable, problemsOf, seconds, verdicts } from '../../e2e/chaos/report.ts'
import { ChaosRun, type FaultReport } from '../../e2e/chaos/run.ts'
import { available } from '../parts/parts.ts'

const [minutes = 30, seed = 1] = process.argv.slice(2).map(Number)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('MINUTES must be a number above 0, SEED a whole number')
  process.exit(2)
}

const java = await available(javaProgram())
if (!java.have) console.log(`Without the Java client: ${java.why}`)
const run = await ChaosRun.start(seed, java.have ? java.part : undefined)
let failed = true
try {
  const end = performance.now() + minutes * 60_000
  const reports: FaultReport[] = []
  const only = process.env.ONLY
  const kinds = run.faults.filter(({ kind }) => only === undefined || kind.includes(only))
  while (performance.now() < end) {
    for (const fault of run.shuffled(kinds)) {
      if (performance.now() >= end) break
      const report = await run.inject(fault, run.holdMs(fault))
      reports.push(report)
      const { kind, target, heldMs, recoveryMs, gapOnHitMs, gapOnOthersMs } = report
      const gaps = `gaps ${seconds(gapOnHitMs)} / ${seconds(gapOnOthersMs)}`
      console.log(`${kind} (${target}): held ${seconds(heldMs)}, recovered ${seconds(recoveryMs)}, ${gaps}`)
      for (const problem of problemsOf([report])) console.error(`  PROBLEM ${problem}`)
    }
  }
  const rolling = await run.rollingRestart()
  const final = await run.finish()
  failed = print(reports, rolling, final)
  if (failed) await keepLog()
} finally {
  await run.stop()
}
process.exit(failed ? 1 : 0)

function print(
  reports: readonly FaultReport[],
  rolling: Awaited<ReturnType<ChaosRun['rollingRestart']>>,
  final: Awaited<ReturnType<ChaosRun['finish']>>,
): boolean {
  console.log(`\nSeed ${seed}, ${reports.length} faults\n`)
  console.log(faultTable(reports))
  console.log(
    `\nOperations: ${Object.entries(final.counts)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
  )
  console.log(`Rolling restart, longest gaps: ${gapsText(rolling.gaps)}\n`)
  const all = [['every client gets on after healing', problemsOf(reports)] as const, ...verdicts(final, rolling)]
  for (const [what, wrong] of all) {
    console.log(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${what}`)
    for (const line of wrong.slice(0, 20)) console.log(`         ${line}`)
  }
  return all.some(([, wrong]) => wrong.length > 0)
}

function gapsText(gaps: Readonly<Record<string, number>>): string {
  return Object.entries(gaps)
    .map(([name, ms]) => `${name} ${seconds(ms)}`)
    .join(', ')
}

/** The operations and the brokers' logs, for whoever looks into it. */
async function keepLog(): Promise<void> {
  const path = `chaos-${seed}.log`
  const logs = run.cluster.brokers.map(({ index, process: broker }) => `== broker ${index}\n${broker.output()}`)
  const operations = run.operations.map(operation => JSON.stringify(operation))
  await writeFile(path, [...logs, '== operations', ...operations].join('\n'))
  console.log(`\nLogs and operations: ${path}`)
}
