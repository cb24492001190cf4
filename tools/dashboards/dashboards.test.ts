import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { Metrics } from '../../broker/observe/metrics.ts'
import { EngineMetrics } from '../../operator/runtime/metrics.ts'
import { ALERTS } from './alerts.ts'
import { DASHBOARDS } from './panels.ts'

const root = join(import.meta.dirname, '../..')

const families = async (page: string): Promise<Set<string>> => {
  const names = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  )
  return new Set(names)
}

const used = (expr: string): string[] => [
  ...new Set(expr.match(/\b(?:kafscale|process|rest_client|leader_election)_[a-z0-9_]+/g) ?? []),
]

describe('dashboards and alerts', () => {
  test('ask only for metrics that there are', async () => {
    const known = new Set(
      [
        'up',
        ...(await families(await new Metrics('').scrape())),
        ...(await families(await new EngineMetrics().registry.metrics())),
        // These come with what is scaled.
        ...readFileSync(join(root, 'operator/scaling/published.ts'), 'utf8').matchAll(
          /'(kafscale_operator_scaling_\w+)'/g,
        ),
      ].map(name => (typeof name === 'string' ? name : (name[1] ?? ''))),
    )
    const exprs = [
      ...ALERTS.map(({ expr }) => expr),
      ...DASHBOARDS.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries))).map(
        ({ expr }) => expr,
      ),
    ]
    expect(exprs.flatMap(used).filter(name => !known.has(name))).toEqual([])
    expect(exprs.flatMap(used).length).toBeGreaterThan(60)
  })

  test.each(ALERTS.map(({ name }) => name))('%s has a runbook', name => {
    const path = join(root, 'docs', 'runbooks', `${name}.md`)
    expect(existsSync(path)).toBe(true)
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^# ${name}\n`))
  })
})
