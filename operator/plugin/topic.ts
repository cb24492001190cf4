// `topic diff`: where a topic is not as its KafScaleTopic says. `topic adopt`: a KafScaleTopic that says what a topic is, so
// that its first reconcile finds nothing to do.

import { stringify } from 'yaml'
import { BrokerConnection } from '../../broker/client/connection.ts'
import type { Manifest } from '../runtime/object.ts'
import { apiVersionOf } from '../runtime/resource.ts'
import { type LiveTopic, planTopic, topicNameOf } from '../topic/plan.ts'
import { TopicAdmin } from '../topic/topic-admin.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type KafScaleTopic, TOPIC } from '../types/kaf-scale-topic.ts'
import { askOneOf, BROKER_OPTIONS, BROKER_USAGE, type Reaches, reachesOf } from './brokers.ts'
import { type Command, CommandFailed, type Session, textOf } from './command.ts'
import { clusterNamed, create, theNamespace, topicNamed } from './objects.ts'
import { table } from './text.ts'

const TIMEOUT_MS = 15_000

export const topicDiff: Command = {
  words: 'topic diff',
  usage: `KAFSCALETOPIC ${BROKER_USAGE}`,
  summary: 'Where a topic is not as its KafScaleTopic says.',
  details:
    'Compares with what the operator saw last; with --bootstrap with what the brokers say now. Exit code 1 when there is a difference.',
  options: BROKER_OPTIONS,
  names: { least: 1, most: 1 },
  run: async (session, { names: [name = ''], values }) => {
    const topic = await topicNamed(session, name)
    const cluster = await clusterNamed(session, topic.spec.clusterRef)
    const reaches = await reachesOf(session, values)
    const live = reaches === undefined ? lastSeen(topic) : await describe(session, reaches, topicNameOf(topic))
    const rows = differences(topic, cluster, live)
    if (rows.length === 0) session.print(`Topic ${topicNameOf(topic)} is as KafScaleTopic ${name} says.`)
    else session.print(table(['WHAT', 'IS', 'SHOULD BE'], rows))
    return rows.length === 0 ? 0 : 1
  },
}

function lastSeen({ status }: KafScaleTopic): LiveTopic | undefined {
  if (status?.partitionCount === undefined) return undefined
  return {
    name: status.topicName ?? '',
    id: status.topicId ?? '',
    partitions: status.partitionCount,
    config: status.config ?? {},
  }
}

function differences(topic: KafScaleTopic, { spec }: KafScaleCluster, live: LiveTopic | undefined): string[][] {
  const { steps, foreign } = planTopic(topic, spec, live)
  const rows: string[][] = []
  for (const step of steps) {
    if (step.kind === 'create') rows.push(['topic', 'does not exist', `${step.partitions} partitions`])
    if (step.kind === 'grow') rows.push(['partitions', String(live?.partitions), String(step.partitions)])
    if (step.kind === 'alter') {
      for (const [key, value] of Object.entries(step.set)) rows.push([key, live?.config[key] ?? 'not set', value])
      for (const key of step.remove) rows.push([key, live?.config[key] ?? '', 'not set'])
    }
  }
  if (live !== undefined && live.partitions > topic.spec.partitions) {
    rows.push(['partitions', String(live.partitions), `${topic.spec.partitions}, but partitions cannot become fewer`])
  }
  for (const key of foreign) rows.push([key, live?.config[key] ?? '', 'not in the spec; kept by configPolicy Additive'])
  return rows
}

export const topicAdopt: Command = {
  words: 'topic adopt',
  usage: `TOPIC --cluster CLUSTER [--name NAME] ${BROKER_USAGE} [--create]`,
  summary: 'A KafScaleTopic for a topic that has none.',
  details:
    'Prints the manifest, or makes the object with --create. What it says is what the topic is, so that nothing changes.',
  options: {
    cluster: { type: 'string', about: 'KafScaleCluster that the topic is in.' },
    name: { type: 'string', about: 'Name of the object; by default made from that of the topic.' },
    ...BROKER_OPTIONS,
    create: { type: 'boolean', about: 'Make the object instead of printing it.' },
  },
  names: { least: 1, most: 1 },
  run: async (session, { names: [topicName = ''], values }) => {
    const clusterName = textOf(values, 'cluster')
    if (clusterName === undefined) throw new CommandFailed('--cluster is missing: name the KafScaleCluster')
    const cluster = await clusterNamed(session, clusterName)
    const reaches = await reachesOf(session, values, cluster.status?.endpoint)
    if (reaches === undefined) throw new CommandFailed('the cluster has no endpoint yet: give --bootstrap HOST:PORT')
    const live = await describe(session, reaches, topicName)
    if (live === undefined) {
      throw new CommandFailed(`the brokers at ${reaches.bootstrap} have no topic ${topicName} that you may see`)
    }
    const place = {
      namespace: theNamespace(session.namespace),
      name: textOf(values, 'name') ?? objectNameOf(topicName),
    }
    const manifest = adopted(live, place, clusterName)
    if (values.create !== true) {
      session.print(stringify(manifest).trimEnd())
      return 0
    }
    await create(session.client, TOPIC, manifest)
    session.print(`kafscaletopic.kafscale.io/${place.name} created`)
    return 0
  },
}

export function adopted(
  { name, partitions, config }: LiveTopic,
  place: { readonly namespace: string; readonly name: string },
  clusterRef: string,
): Manifest {
  return {
    apiVersion: apiVersionOf(TOPIC),
    kind: TOPIC.kind,
    metadata: { ...place },
    spec: {
      clusterRef,
      ...(name === place.name ? {} : { topicName: name }),
      partitions,
      ...(Object.keys(config).length === 0 ? {} : { config: { ...config } }),
    },
  }
}

/** Kubernetes allows fewer names than Kafka. */
export function objectNameOf(topic: string): string {
  const name = topic
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 253)
  if (name === '') throw new CommandFailed(`no name of an object can be made from topic ${topic}: give --name`)
  return name
}

function describe({ clock }: Session, reaches: Reaches, name: string): Promise<LiveTopic | undefined> {
  return askOneOf(reaches, async reach => {
    const options = { ...reach, clock, clientId: 'kubectl-kafscale', timeoutMs: TIMEOUT_MS }
    const connection = await BrokerConnection.open(options)
    try {
      return (await new TopicAdmin(connection).describe([name])).get(name)
    } finally {
      connection.close()
    }
  })
}
