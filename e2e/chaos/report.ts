// A chaos run as text: one line per kind of fault, then what was judged at the end.

import type { FaultReport, FinalReport, RollingReport } from './run.ts'

export function faultTable(reports: readonly FaultReport[]): string {
  const kinds = [...new Set(reports.map(({ kind }) => kind))]
  const rows = kinds.map(kind => {
    const of = reports.filter(report => report.kind === kind)
    return [
      kind,
      String(of.length),
      seconds(largest(of.map(({ heldMs }) => heldMs))),
      seconds(largest(of.map(({ gapOnHitMs }) => gapOnHitMs))),
      seconds(largest(of.map(({ gapOnOthersMs }) => gapOnOthersMs))),
      seconds(largest(of.flatMap(({ gaps }) => Object.values(gaps)))),
      of.some(({ recoveryMs }) => recoveryMs === undefined)
        ? 'too long'
        : seconds(largest(of.map(({ recoveryMs }) => recoveryMs))),
    ]
  })
  const head = ['fault', 'times', 'held', 'gap, hit', 'gap, others', 'gap, libraries', 'recovered']
  return table([head, ...rows])
}

export function problemsOf(reports: readonly FaultReport[]): string[] {
  return reports.flatMap(({ kind, target, stuck, problem }) => [
    ...(problem === undefined ? [] : [`${kind} (broker ${target}): ${problem}`]),
    ...(stuck.length === 0 ? [] : [`${kind} (broker ${target}): still stuck after the limit: ${stuck.join(', ')}`]),
  ])
}

export function verdicts(
  final: FinalReport,
  rolling: RollingReport,
): readonly (readonly [string, readonly string[]])[] {
  const codes = rolling.exitCodes.filter(code => code !== 0).map(code => `a broker ended with exit code ${code}`)
  return [
    ['history (nothing lost, doubled, reordered, changed, skipped, taken back)', final.violations],
    [`state hashes (${final.hashesCompared} compared)`, final.hashDifferences],
    ['logs of the brokers (no defect, no disagreement)', final.defects],
    ['orphans in the bucket', final.orphans],
    ['objects named but missing', final.missing],
    ['rolling restart: errors that clients saw', [...rolling.errors, ...codes]],
  ]
}

export function seconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** As Markdown, so that it can go into the documentation as it is. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...body.map(line)].join('\n')
}
