// `status`: one line for each cluster, or all that is to be known of one.

import { CLUSTER_CONDITIONS, type ConditionTable } from '../types/conditions.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import type { Command } from './command.ts'
import { clusterNamed, clusters, topics } from './objects.ts'
import { ago, facts, table } from './text.ts'

export const status: Command = {
  words: 'status',
  usage: '[CLUSTER]',
  summary: 'Clusters at a glance, or one in detail.',
  details: 'Exit code 1 when a cluster that is shown is not Ready.',
  names: { least: 0, most: 1 },
  run: async (session, { names: [name] }) => {
    if (name === undefined) {
      const all = await clusters(session)
      if (all.length === 0) session.print('There are no KafScaleClusters here.')
      else session.print(overview(all))
      return all.every(isReady) ? 0 : 1
    }
    const cluster = await clusterNamed(session, name)
    const own = (await topics(session)).filter(({ spec }) => spec.clusterRef === name)
    const unready = own.filter(
      ({ status: state }) => state?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True',
    )
    session.print(detail(cluster, session.clock.now()))
    if (unready.length > 0) {
      const rows = unready.map(topic => [
        topic.metadata.name,
        topic.status?.phase ?? 'not looked at yet',
        topic.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '',
      ])
      session.print(`\nTopics that are not ready:\n${table(['NAME', 'REASON', 'MESSAGE'], rows)}`)
    }
    return isReady(cluster) ? 0 : 1
  },
}

const ready = ({ status: state }: KafScaleCluster) => state?.conditions?.find(({ type }) => type === 'Ready')
const isReady = (cluster: KafScaleCluster): boolean => ready(cluster)?.status === 'True'

function overview(all: readonly KafScaleCluster[]): string {
  const rows = all.map(cluster => [
    cluster.metadata.namespace ?? '',
    cluster.metadata.name,
    ready(cluster)?.status ?? 'Unknown',
    cluster.status?.brokers?.summary ?? '',
    cluster.status?.version ?? '',
    String(cluster.status?.lag?.records ?? ''),
    cluster.status?.scaling?.summary ?? '',
    ready(cluster)?.reason ?? 'not looked at yet',
  ])
  return table(['NAMESPACE', 'NAME', 'READY', 'BROKERS', 'VERSION', 'LAG', 'SCALING', 'REASON'], rows)
}

function detail({ metadata, spec, status: state = {} }: KafScaleCluster, now: number): string {
  const { brokers, scaling, lag, etcd, topics: counted, orphans = [], endpoints = [], conditions = [] } = state
  const isBehind = (state.observedGeneration ?? 0) < (metadata.generation ?? 0)
  const parts = [
    facts([
      ['Cluster', `${metadata.namespace}/${metadata.name}`],
      ['Version', state.version],
      ['Brokers', brokers?.summary === undefined ? undefined : `${brokers.summary} ready`],
      ['Image', brokers?.image],
      ['Replaced for', brokers?.rolloutReasons?.join('; ')],
      ['Scaling', scaling?.summary],
      ['Why', scaling?.explanation],
      ['Lag', lag?.records === undefined ? undefined : `${lag.records} records, ${lag.seconds ?? 0} s`],
      ['Console', consoleWords(state.console)],
      ['Bucket', spec.s3.bucket],
      [
        'etcd',
        etcd?.managed === true ? `${etcd.ready ?? 0}/${etcd.members ?? 0} members ready` : etcd?.endpoints?.join(', '),
      ],
      ['Topics', counted?.managed],
      ['Left behind', orphans.length === 0 ? undefined : `${orphans.length} topics: kubectl kafscale orphans`],
      ['Spec', isBehind ? 'a change has not been looked at yet' : undefined],
    ]),
    `\nEndpoints:\n${table(
      ['LISTENER', 'TYPE', 'BOOTSTRAP SERVERS'],
      endpoints.map(({ name, type, bootstrapServers }) => [name, type, bootstrapServers]),
    )}`,
  ]
  const told = conditions.filter(({ type, reason }) => type === 'Ready' || severity(type, reason) !== 'info')
  const rows = told.map(({ type, status: value, reason, message, lastTransitionTime }) => [
    type,
    value,
    reason,
    ago(now - Date.parse(lastTransitionTime)),
    message,
  ])
  parts.push(
    `\nConditions that somebody should know of:\n${table(['TYPE', 'STATUS', 'REASON', 'SINCE', 'MESSAGE'], rows)}`,
  )
  return parts.join('\n')
}

const consoleWords = (told: NonNullable<KafScaleCluster['status']>['console']): string | undefined =>
  told && `${told.url}${told.ready ? '' : ', not ready'}`

function severity(type: string, reason: string): string {
  const known: ConditionTable = CLUSTER_CONDITIONS
  return known[type]?.reasons[reason]?.severity ?? 'warning'
}
