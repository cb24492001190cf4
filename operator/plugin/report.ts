// `report`: everything that helps to find out what is wrong with a cluster, in one file without secrets.

import { stringify } from 'yaml'
import { isKubeError } from '../runtime/errors.ts'
import { type KubeClient, listAll } from '../runtime/kube-client.ts'
import type { Manifest } from '../runtime/object.ts'
import { RESOURCES, type Resource, resourceName } from '../runtime/resource.ts'
import { CLUSTER } from '../types/kaf-scale-cluster.ts'
import { TOPIC } from '../types/kaf-scale-topic.ts'
import { USER } from '../types/kaf-scale-user.ts'
import { type Command, textOf } from './command.ts'
import { explanation } from './explain.ts'
import { clusterNamed, theNamespace } from './objects.ts'
import { podLogs } from './pod-logs.ts'
import { redacted } from './redaction.ts'

/** Never Secrets: what is not read cannot leak. */
const OF_THE_CLUSTER: readonly Resource[] = [
  RESOURCES.deployments,
  RESOURCES.replicaSets,
  RESOURCES.statefulSets,
  RESOURCES.pods,
  RESOURCES.services,
  RESOURCES.configMaps,
  RESOURCES.serviceAccounts,
  RESOURCES.podDisruptionBudgets,
  RESOURCES.networkPolicies,
  RESOURCES.persistentVolumeClaims,
  RESOURCES.cronJobs,
  RESOURCES.jobs,
]
const OF_THE_NAMESPACE: readonly Resource[] = [
  TOPIC,
  USER,
  RESOURCES.events,
  RESOURCES.horizontalPodAutoscalers,
  RESOURCES.leases,
]

export const report: Command = {
  words: 'report',
  usage: 'CLUSTER [--output FILE]',
  summary: 'A file with everything that helps to find a fault, without secrets.',
  details:
    'Objects of the cluster, topics, users, events, the last lines of the logs of its pods. Secrets are not read; values that are secret by name or look are removed. What may not be read is said. Logs need the right to get pods/log.',
  options: { output: { type: 'string', about: 'File to write; by default the report is printed.' } },
  names: { least: 1, most: 1 },
  run: async (session, { names: [name = ''], values }) => {
    const { client, clock } = session
    const namespace = theNamespace(session.namespace)
    const cluster = await clusterNamed(session, name)
    const parts = [
      ...(await Promise.all(
        OF_THE_CLUSTER.map(resource =>
          read(client, resource, { namespace, labelSelector: `app.kubernetes.io/instance=${name}` }),
        ),
      )),
      ...(await Promise.all(OF_THE_NAMESPACE.map(resource => read(client, resource, { namespace })))),
    ]
    const objects = parts.flatMap(part => part.objects)
    const { logs, leftOut } = await podLogs(
      client,
      objects.filter(({ kind }) => kind === RESOURCES.pods.kind),
    )
    const content = {
      report: { cluster: `${namespace}/${name}`, time: new Date(clock.now()).toISOString() },
      scaling: explanation(cluster, clock.now()).split('\n'),
      objects: [await client.get(CLUSTER, { namespace, name }), ...objects],
      notRead: parts.flatMap(({ problem }) => problem ?? []),
      logs,
      ...(leftOut.length === 0 ? {} : { logsLeftOut: leftOut }),
    }
    const text = stringify(redacted(content), { lineWidth: 0, aliasDuplicateObjects: false })
    const file = textOf(values, 'output')
    if (file === undefined) session.print(text.trimEnd())
    else {
      await session.writeFile(file, text)
      session.print(
        `${file}: ${content.objects.length} objects, ${logs.filter(({ lines }) => lines !== undefined).length} logs, ${content.notRead.length} kinds that could not be read.`,
      )
    }
    return 0
  },
}

interface Part {
  readonly objects: readonly Manifest[]
  readonly problem?: string
}

async function read(
  client: KubeClient,
  resource: Resource,
  scope: { readonly namespace: string; readonly labelSelector?: string },
): Promise<Part> {
  try {
    return { objects: await listAll(client, resource, scope) }
  } catch (cause) {
    if (!isKubeError(cause)) throw cause
    return { objects: [], problem: `${resourceName(resource)}: ${cause.kind}: ${cause.message}` }
  }
}
