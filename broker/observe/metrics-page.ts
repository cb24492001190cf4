// Writes docs/metrics.md from the metrics themselves. Run: npx node broker/observe/metrics-page.ts > docs/metrics.md

import type { Registry } from 'prom-client'
import { Metrics } from './metrics.ts'

const head = `# Metrics

Generated from \`broker/observe/metrics.ts\`; write again with \`npx node broker/observe/metrics-page.ts > docs/metrics.md\`.

The broker serves these in Prometheus' text format at \`/metrics\` on its metrics address. A histogram \`x\` shows as
\`x_bucket\`, \`x_sum\` and \`x_count\`. Topics and groups beyond a limit share the label value \`(other)\`. The process's own
metrics (\`process_*\`: CPU, memory, start time, open files; \`nodejs_*\`: event loop lag, heap, garbage collection) come with them.

| name | type | labels | meaning |
| --- | --- | --- | --- |
`

/** The page as Markdown, with one row for each of the broker's own metrics. */
export const metricsPage = (registry: Registry): string => {
  const rows = registry
    .getMetricsAsArray()
    .filter(metric => metric.name.startsWith('kafscale_'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(metric => `| \`${metric.name}\` | ${metric.type} | ${labelsOf(metric)} | ${metric.help} |\n`)
  return head + rows.join('')
}

/** prom-client keeps the label names on the metric, though its types do not say so. */
const labelsOf = (metric: object): string =>
  'labelNames' in metric && Array.isArray(metric.labelNames)
    ? metric.labelNames.map(label => `\`${label}\``).join(', ')
    : ''

if (import.meta.main) process.stdout.write(metricsPage(new Metrics('').registry))
