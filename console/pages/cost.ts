/** What the cluster costs in S3: requests that were counted, at the prices of the brokers' settings, and bytes stored. */
import { type Html, html } from '../html.ts'
import type { MetricsView } from '../metrics.ts'
import { bytes, count, dollars } from '../words.ts'
import { facts, live, table } from './layout.ts'
import { NO_METRICS } from './overview.ts'

const HOURS_PER_MONTH = 730

export function costPage(metrics: MetricsView | undefined): Html {
  if (metrics === undefined) return html`<h1>Cost</h1>${NO_METRICS}`
  const { requests, dollars: spent, dollarsPerHour, storedBytes } = metrics.spending
  const total = [...spent.values()].reduce((sum, value) => sum + value, 0)
  return html`<h1>Cost</h1>
<p>Requests to S3 as the brokers counted them since they began, at the prices of <code>KAFSCALE_S3_PUT_PRICE</code> and
<code>KAFSCALE_S3_GET_PRICE</code>. Storage and traffic between zones are not in it.</p>
${live('cost', [
  facts([
    ['Requests so far', dollars(total)],
    ['At this pace, in a month', dollars(dollarsPerHour === undefined ? undefined : dollarsPerHour * HOURS_PER_MONTH)],
    ['Stored', bytes(storedBytes)],
  ]),
  html`<h2>Requests</h2>`,
  table(
    [{ name: 'Operation' }, { name: 'Requests', isNumber: true }],
    [...requests].sort(([a], [b]) => a.localeCompare(b)).map(([operation, value]) => [operation, count(value)]),
    'No request was sent to an S3 service: the data is in a folder.',
    'narrow',
  ),
  html`<h2>Dollars</h2>`,
  table(
    [{ name: 'Class' }, { name: 'Dollars', isNumber: true }],
    [...spent].sort(([a], [b]) => a.localeCompare(b)).map(([kind, value]) => [kind, dollars(value)]),
    'Nothing was spent on requests.',
    'narrow',
  ),
])}`
}
