/** Why there are so many brokers: what the operator says in the status of the KafScaleCluster. */
import { type Html, html } from '../html.ts'
import type { ScaledCluster } from '../scaled-cluster.ts'
import { count, UNKNOWN } from '../words.ts'
import { badge, facts, live, table } from './layout.ts'

export const NOT_ON_KUBERNETES = html`<h1>Scaling</h1><p class="empty">Scaling decisions are the operator's: begin the console with
<code>--cluster NAMESPACE/NAME</code> where a KafScaleCluster runs.</p>`

export function scalingPage({ metadata, spec, status = {} }: ScaledCluster): Html {
  const { scaling = {}, brokers, conditions = [], lag } = status
  const { signals = [], history = {}, desired, explanation } = scaling
  const { min, max, mode } = spec.scaling
  return html`<h1>Scaling of ${metadata.namespace}/${metadata.name}</h1>
${live('scaling', [
  facts([
    ['Mode', mode],
    ['Brokers', brokers?.summary ?? UNKNOWN],
    ['Wanted', count(desired)],
    ['Allowed', `${min} to ${max ?? 'any number'}`],
  ]),
  html`<p>${explanation ?? 'The operator has not decided anything yet.'}</p>`,
  html`<h2>Signals</h2>`,
  table(
    [
      { name: 'Signal' },
      { name: 'Value', isNumber: true },
      { name: 'Target', isNumber: true },
      { name: 'Brokers', isNumber: true },
    ],
    signals.map(({ name, value, target, proposal }) => [name, value ?? 'not seen', target, proposal ?? UNKNOWN]),
    'No signals were looked at.',
  ),
  html`<h2>Lag</h2>`,
  table(
    [{ name: 'Group' }, { name: 'Topic' }, { name: 'Records', isNumber: true }, { name: 'Cause' }],
    (lag?.groups ?? []).map(({ group, topic, records, cause }) => [group, topic, count(records), cause]),
    'No group lags behind.',
  ),
  html`<h2>Changes</h2>`,
  table(
    [{ name: 'Time, UTC' }, { name: 'Brokers' }, { name: 'For' }],
    (history.events ?? []).toReversed().map(({ time, from, to, reason }) => [time, `${from} → ${to}`, reason]),
    'The number of brokers has not changed.',
  ),
  html`<h2>Conditions</h2>`,
  table(
    [{ name: 'Type' }, { name: 'Status' }, { name: 'Reason' }, { name: 'Message' }],
    conditions.map(({ type, status: value, reason, message }) => [
      type,
      badge(isWell(type, value) ? 'good' : 'warn', value),
      reason,
      message,
    ]),
    'The operator has not looked at the cluster yet.',
  ),
])}`
}

/** Conditions whose True is the trouble. */
const TROUBLE = /Limited|Ineffective|Conflict|Paused|Degraded|Lost|Progressing/

const isWell = (type: string, status: string): boolean => (status === 'True') !== TROUBLE.test(type)
