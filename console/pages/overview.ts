/** The first page: is everything there, and how much is going through. */
import type { ClusterFacts } from '../cluster/cluster.ts'
import type { GroupSummary } from '../cluster/groups.ts'
import type { Extent } from '../cluster/topics.ts'
import { type Content, type Html, html } from '../html.ts'
import type { BrokerLook, MetricsView, TrafficPoint } from '../metrics.ts'
import { byteRate, bytes, count, rate, seconds, UNKNOWN } from '../words.ts'
import { badge, facts, line, live, table } from './layout.ts'

export interface Overview {
  readonly cluster: ClusterFacts
  readonly extent: Extent
  readonly groups: readonly GroupSummary[]
  readonly metrics: MetricsView | undefined
}

export function overviewPage({ cluster, extent, groups, metrics }: Overview): Html {
  const problems = metrics?.brokers.filter(({ problem }) => problem !== undefined) ?? []
  return html`<h1>Overview</h1>
${live('cluster', [
  facts([
    ['Cluster', html`<code>${cluster.id}</code>`],
    ['Brokers', count(Math.max(cluster.brokers.length, metrics?.brokers.length ?? 0))],
    ['Topics', count(extent.topics)],
    ['Partitions', count(extent.partitions)],
    ['Groups', count(groups.length)],
    ['Stored', bytes(extent.storedBytes)],
    ['Health', health(metrics, problems, cluster.brokers.length)],
  ]),
  metrics === undefined ? NO_METRICS : traffic(metrics.history),
  html`<h2>Where clients connect</h2>`,
  brokerTable(cluster, metrics),
])}`
}

export const NO_METRICS = html`<p class="empty">Traffic, lag in seconds and cost come from the brokers' metrics, for users who may Describe the
cluster: begin the console with <code>--metrics HOST:PORT</code> to see them.</p>`

function health(metrics: MetricsView | undefined, problems: readonly BrokerLook[], brokers: number): Content {
  if (metrics === undefined) return badge('plain', 'no metrics')
  if (problems.length > 0) return badge('bad', `${problems.length} without an answer`)
  if (metrics.brokers.length < brokers)
    return badge('warn', `${metrics.brokers.length} of ${brokers} brokers looked at`)
  return badge('good', 'all brokers answer')
}

function traffic(history: readonly TrafficPoint[]): Html {
  const last = history.at(-1)
  const shown = (name: string, of: (point: TrafficPoint) => number, words: (value: number | undefined) => string) =>
    html`<figure><figcaption>${name} <strong>${words(last === undefined ? undefined : of(last))}</strong></figcaption>
${line(name, history.map(of))}</figure>`
  return html`<div class="figures">
${shown('Bytes in', point => point.bytesIn, byteRate)}
${shown('Bytes out', point => point.bytesOut, byteRate)}
${shown('Records in', point => point.recordsIn, rate)}
${shown('Requests', point => point.requests, rate)}
</div>`
}

/** What clients of a shared listener are told of: one broker that stands for all. */
const SHARED = 1_000_000_000

function brokerTable({ brokers, controllerId }: ClusterFacts, metrics: MetricsView | undefined): Content {
  const known = table(
    [{ name: 'Broker', isNumber: true }, { name: 'Address' }, { name: 'Zone' }, { name: '' }],
    brokers.map(({ id, host, port, rack }) => [
      id === SHARED ? 'all' : id,
      html`<code>${host}:${port}</code>`,
      rack ?? UNKNOWN,
      id === SHARED ? 'any broker, which serves all' : id === controllerId ? badge('plain', 'controller') : '',
    ]),
    'No broker tells of itself.',
  )
  if (metrics === undefined) return known
  const looks = table(
    [
      { name: 'Metrics at' },
      { name: 'Version' },
      { name: 'Up for', isNumber: true },
      { name: 'Connections', isNumber: true },
      { name: 'Memory', isNumber: true },
      { name: 'State' },
    ],
    metrics.brokers.map(({ address, version, uptime, connections, residentBytes, problem }) => [
      html`<code>${address}</code>`,
      version ?? UNKNOWN,
      seconds(uptime),
      count(connections),
      bytes(residentBytes),
      problem === undefined ? badge('good', 'answers') : badge('bad', problem),
    ]),
    'No broker was looked at yet.',
  )
  return [known, html`<h2>Brokers</h2>`, looks]
}
