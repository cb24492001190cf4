/** Why there are so many brokers: what the operator says in the status of the KafScaleCluster. */
import { CLUSTER_CONDITIONS, type ConditionType } from '../../operator/types/conditions.ts'
import { type Html, html } from '../html.ts'
import type { ScaledCluster } from '../scaled-cluster.ts'
import { count, time, UNKNOWN } from '../words.ts'
import { badge, facts, groupLink, live, table, topicLink } from './layout.ts'

type Signal = NonNullable<NonNullable<NonNullable<ScaledCluster['status']>['scaling']>['signals']>[number]

export const NOT_ON_KUBERNETES = html`<h1>Scaling</h1><p class="empty">Scaling decisions are the operator's: begin the console with
<code>--cluster NAMESPACE/NAME</code> where a KafScaleCluster runs.</p>`

type Lagging = NonNullable<NonNullable<NonNullable<ScaledCluster['status']>['lag']>['groups']>[number]

/** `lag`: of the groups that are behind, those whose names may be shown. */
export function scalingPage({ metadata, spec, status = {} }: ScaledCluster, lag: readonly Lagging[]): Html {
  const { scaling = {}, brokers, conditions = [] } = status
  const { signals = [], history = {}, desired, explanation } = scaling
  const { min, max, mode } = spec.scaling
  const followsLoad = mode === 'Auto' || mode === 'Recommend'
  return html`<h1>Scaling of ${metadata.namespace}/${metadata.name}</h1>
${live('scaling', [
  facts([
    ['Mode', mode],
    ['Brokers ready', brokers?.summary ?? UNKNOWN],
    ['Wanted', count(desired ?? brokers?.desired)],
    ['Allowed', followsLoad ? `${min} to ${max ?? 'any number'}` : 'any number'],
  ]),
  html`<p>${explanation ?? WITHOUT_EXPLANATION[mode]}</p>`,
  followsLoad ? [html`<h2>Signals</h2>`, signalTable(signals)] : '',
  html`<h2>Lag</h2>`,
  table(
    [{ name: 'Group' }, { name: 'Topic' }, { name: 'Records', isNumber: true }, { name: 'Cause' }],
    lag.map(({ group, topic, records, cause }) => [
      groupLink(group),
      topic === undefined ? '' : topicLink(topic),
      count(records),
      cause,
    ]),
    'No group that you may see lags behind.',
  ),
  html`<h2>Changes</h2>`,
  table(
    [{ name: 'Time, UTC' }, { name: 'Brokers' }, { name: 'For' }],
    (history.events ?? [])
      .toReversed()
      .map(({ time: at, from, to, reason }) => [
        html`<time>${time(Date.parse(at)).replace('.000', '')}</time>`,
        `${from} → ${to}`,
        reason,
      ]),
    'The number of brokers has not changed.',
  ),
  html`<h2>Conditions</h2>`,
  table(
    [{ name: 'Condition' }, { name: 'Is' }, { name: 'Reason' }, { name: 'Message' }],
    conditions.map(({ type, status: value, reason, message }) => [
      type,
      value,
      badge(kindOf(type, reason), reason),
      message,
    ]),
    'The operator has not looked at the cluster yet.',
  ),
])}`
}

const NOT_YET = 'The operator has not decided anything yet.'

const WITHOUT_EXPLANATION = {
  Manual: 'As many as brokers.replicas says: the mode is Manual.',
  External: 'As many as an autoscaler of yours says: the mode is External.',
  Auto: NOT_YET,
  Recommend: NOT_YET,
} as const

const signalTable = (signals: readonly Signal[]): Html =>
  table(
    [
      { name: 'Signal' },
      { name: 'Value', isNumber: true },
      { name: 'Target', isNumber: true },
      { name: 'Brokers', isNumber: true },
    ],
    signals.map(({ name, value, target, proposal }) => [
      name,
      figure(value) ?? 'not seen',
      figure(target),
      proposal ?? UNKNOWN,
    ]),
    'No signals were looked at.',
  )

const figure = (value: number | undefined): string | undefined =>
  value?.toLocaleString('en-US', { maximumFractionDigits: 2 })

/** Whether somebody should act, as the table of conditions has it; of a newer operator there may be reasons that it has not. */
function kindOf(type: string, reason: string) {
  const types: Readonly<Record<string, ConditionType>> = CLUSTER_CONDITIONS
  switch (types[type]?.reasons[reason]?.severity) {
    case 'info':
      return 'good'
    case 'error':
      return 'bad'
    case 'warning':
      return 'warn'
    default:
      return 'plain'
  }
}
