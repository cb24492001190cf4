// `explain scaling`: why there are so many brokers, in sentences and numbers.

import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import type { Command } from './command.ts'
import { clusterNamed } from './objects.ts'
import { ago, facts, table } from './text.ts'

const TYPES = ['ScalingActive', 'AbleToScale', 'ScalingLimited', 'LagScalingIneffective', 'ScalingConflict', 'Paused']

export const explainScaling: Command = {
  words: 'explain scaling',
  usage: 'CLUSTER',
  summary: 'Why a cluster has so many brokers.',
  names: { least: 1, most: 1 },
  run: async (session, { names: [name = ''] }) => {
    session.print(explanation(await clusterNamed(session, name), session.clock.now()))
    return 0
  },
}

export function explanation({ metadata, spec, status = {} }: KafScaleCluster, now: number): string {
  const { scaling = {}, brokers, conditions = [], lag } = status
  const { min, max, mode } = spec.scaling
  const { signals = [], history = {} } = scaling
  const events = history.events ?? []
  const frozen = history.frozenUntil === undefined ? undefined : Date.parse(history.frozenUntil)
  const parts = [
    facts([
      ['Cluster', `${metadata.namespace}/${metadata.name}`],
      ['Mode', mode],
      ['Brokers', `${brokers?.summary ?? 'not looked at yet'} ready, ${min} to ${max ?? 'any number'} allowed`],
      ['Wanted', scaling.desired],
      ['Why', scaling.explanation ?? WITHOUT_SIGNALS[mode]],
      ['Lag frozen', frozen !== undefined && frozen > now ? `for another ${ago(frozen - now)}` : undefined],
    ]),
  ]
  if (signals.length > 0) {
    const rows = signals.map(({ name, value, target, proposal }) => [
      name,
      value === undefined ? 'not seen' : String(value),
      String(target),
      proposal === undefined ? '-' : String(proposal),
    ])
    parts.push(`\nSignals; the largest number counts:\n${table(['SIGNAL', 'VALUE', 'TARGET', 'BROKERS'], rows)}`)
  }
  const groups = lag?.groups ?? []
  if (groups.length > 0) {
    const rows = groups.map(({ group, topic = '', records, cause }) => [group, topic, String(records), cause])
    parts.push(
      `\nLag; only what is BrokerBound asks for brokers:\n${table(['GROUP', 'TOPIC', 'RECORDS', 'CAUSE'], rows)}`,
    )
  }
  const rows = conditions
    .filter(({ type }) => TYPES.includes(type))
    .map(({ type, status: value, reason, message }) => [type, value, reason, message])
  if (rows.length > 0) parts.push(`\nConditions:\n${table(['TYPE', 'STATUS', 'REASON', 'MESSAGE'], rows)}`)
  if (events.length > 0) {
    const last = events.slice(-10).toReversed()
    const changes = last.map(({ time, from, to, reason }) => [
      `${ago(now - Date.parse(time))} ago`,
      `${from} -> ${to}`,
      reason,
    ])
    parts.push(`\nChanges:\n${table(['WHEN', 'BROKERS', 'FOR'], changes)}`)
  }
  return parts.join('\n')
}

const WITHOUT_SIGNALS: Readonly<Record<string, string>> = {
  Manual: 'spec.brokers.replicas says so, or nobody does and it is 3.',
  External:
    'spec.brokers.replicas says so, which an autoscaler of yours sets. The signals have not been looked at yet.',
  Auto: 'The signals have not been looked at yet.',
  Recommend: 'The signals have not been looked at yet.',
}
