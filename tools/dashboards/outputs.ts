/** The generated files of `dashboards/`: dashboards for Grafana, rules for Prometheus. */
import { stringify } from 'yaml'
import { ofPods } from '../../operator/cluster/desired/alert-rules.ts'
import { ALERTS } from './alerts.ts'
import { DASHBOARDS, type Dashboard, type Panel } from './panels.ts'

const COLUMNS = 24
const HEIGHT = 8
/** A few panels share one line. More of them come three to a line, and the last line is filled by what is left. */
const ONE_LINE = 4
const PER_LINE = 3

export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...DASHBOARDS.map((dashboard): [string, string] => [
      `dashboards/${dashboard.name}.json`,
      `${JSON.stringify(grafana(dashboard), null, 2)}\n`,
    ]),
    ['dashboards/alerts.yaml', `${HEAD}${stringify(rules(), { lineWidth: 0 })}`],
  ])
}

const HEAD = '# Generated from tools/dashboards/alerts.ts by `npm run generate`. Do not edit.\n'

function rules() {
  return {
    groups: [
      {
        name: 'kafscale',
        rules: ALERTS.map(({ name, expr, for: wait, severity, summary }) => ({
          alert: name,
          expr,
          for: wait,
          labels: { severity },
          annotations: { summary, runbook: `docs/runbooks/${name}.md` },
        })),
      },
    ],
  }
}

const DATASOURCE = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }
const CHOSEN = 'namespace=~"$namespace",instance=~"$instance"'

/** Which brokers are shown: those of some namespaces, some of them. Where there are no namespaces `.*` fits that too. */
function chosen(datasource: object): object[] {
  const variable = (name: string, label: string, values: string) => ({
    ...{ name, label, type: 'query', datasource, multi: true, includeAll: true, allValue: '.*', refresh: 2, sort: 1 },
    ...{ current: { selected: true, text: ['All'], value: ['$__all'] }, query: { query: values, refId: name } },
  })
  return [
    variable('namespace', 'Namespace', 'label_values(kafscale_build_info, namespace)'),
    variable('instance', 'Broker', 'label_values(kafscale_build_info{namespace=~"$namespace"}, instance)'),
  ]
}

/** The parts of Grafana's model that differ from its defaults (schema 39 is Grafana 10 and later). */
function grafana({ name, title, rows, isOfBrokers }: Dashboard) {
  const datasource = { type: 'prometheus', uid: ['$', '{datasource}'].join('') }
  const panels: object[] = []
  let y = 0
  let id = 0
  for (const row of rows) {
    panels.push({ id: ++id, type: 'row', title: row.title, collapsed: false, gridPos: { h: 1, w: COLUMNS, x: 0, y } })
    y++
    for (const line of linesOf(row.panels)) {
      const w = COLUMNS / line.length
      for (const [index, panel] of line.entries()) {
        const gridPos = { h: HEIGHT, w, x: index * w, y }
        panels.push({ id: ++id, ...timeseries(panel, isOfBrokers), datasource, gridPos })
      }
      y += HEIGHT
    }
  }
  return {
    ...{ uid: `kafscale-${name}`, title, tags: ['kafscale'], schemaVersion: 39, editable: true, refresh: '30s' },
    time: { from: 'now-1h', to: 'now' },
    templating: { list: isOfBrokers ? [DATASOURCE, ...chosen(datasource)] : [DATASOURCE] },
    panels,
  }
}

function timeseries({ title, unit, description, queries }: Panel, isOfBrokers: boolean) {
  return {
    ...{ type: 'timeseries', title, description },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ refId: String.fromCharCode(65 + index), expr: isOfBrokers ? ofPods(expr, CHOSEN) : expr },
      ...{ legendFormat: legend, range: true },
    })),
  }
}

function linesOf(panels: readonly Panel[]): Panel[][] {
  const perLine = panels.length <= ONE_LINE ? ONE_LINE : PER_LINE
  return Array.from({ length: Math.ceil(panels.length / perLine) }, (_, line) =>
    panels.slice(line * perLine, (line + 1) * perLine),
  )
}
