import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { Metrics } from '../../broker/observe/metrics.ts'
import { EngineMetrics } from '../../operator/runtime/metrics.ts'
import { ALERTS } from './alerts.ts'
import { dashboardFiles } from './outputs.ts'
import { DASHBOARDS } from './panels.ts'

const root = join(import.meta.dirname, '../..')

const families = async (page: string): Promise<Set<string>> => {
  const names = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  )
  return new Set(names)
}

const used = (expr: string): string[] => [
  ...new Set(
    expr.match(/\b(?:kafscale|process|rest_client|leader_election|controller_runtime|workqueue)_[a-z0-9_]+/g) ?? [],
  ),
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

/** What Grafana asks of a dashboard of schema 39, as far as ours use it. */
const panelSchema = z.object({
  id: z.int().positive(),
  type: z.enum(['row', 'timeseries']),
  title: z.string().min(1),
  gridPos: z.object({ h: z.int().min(1), w: z.int().min(1), x: z.int().min(0), y: z.int().min(0) }),
  datasource: z.object({ type: z.literal('prometheus'), uid: z.string() }).optional(),
  targets: z
    .array(z.object({ refId: z.string().regex(/^[A-Z]$/), expr: z.string(), legendFormat: z.string().min(1) }))
    .default([]),
})
const dashboardSchema = z.object({
  uid: z.string().regex(/^[\w-]{1,40}$/),
  title: z.string().min(1),
  schemaVersion: z.literal(39),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.enum(['datasource', 'query']) })) }),
  panels: z.array(panelSchema),
})
type Place = z.output<typeof panelSchema>['gridPos']

const overlap = (a: Place, b: Place): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h

const jsons = [...dashboardFiles()].filter(([path]) => path.endsWith('.json'))

describe.each(jsons)('%s', (_, text) => {
  const { panels, templating } = dashboardSchema.parse(JSON.parse(text))

  test('has panels that lie beside each other, each with an id of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const [index, { gridPos, title }] of panels.entries()) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      const over = panels.slice(index + 1).filter(other => overlap(gridPos, other.gridPos))
      expect([title, over.map(other => other.title)]).toEqual([title, []])
    }
  })

  test('asks by variables that it has, counters by their rate, and names what it draws', () => {
    const known = new Set([...templating.list.map(({ name }) => name), '__rate_interval'])
    for (const { type, targets, datasource } of panels) {
      if (type === 'row') continue
      expect(datasource?.uid).toBe(['$', '{datasource}'].join(''))
      for (const { expr, legendFormat } of targets) {
        expect([...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name).filter(name => !known.has(name))).toEqual([])
        const counters = expr.match(/\w+_(?:total|bucket|sum|count)\b/g) ?? []
        expect([expr, expr.match(/\b(?:rate|increase)\(/g)?.length ?? 0]).toEqual([expr, counters.length])
        expect(legendFormat).not.toMatch(/[{]{3}|^\s*$/)
      }
    }
  })
})
