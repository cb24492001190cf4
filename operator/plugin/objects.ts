// Clusters and topics as the plug-in reads and edits them.

import { KubeError } from '../runtime/errors.ts'
import { type KubeClient, listAll } from '../runtime/kube-client.ts'
import type { Manifest } from '../runtime/object.ts'
import { CLUSTER, clusterSchema, type KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type KafScaleTopic, TOPIC, topicSchema } from '../types/kaf-scale-topic.ts'
import type { Kind } from '../types/kind.ts'
import { CommandFailed, type Session } from './command.ts'

const MANAGER = 'kubectl-kafscale'
const TRIES = 5

export async function clusters({ client, namespace }: Session): Promise<readonly KafScaleCluster[]> {
  const found = await listAll(client, CLUSTER, { namespace })
  return found.map(manifest => clusterSchema.parse(manifest))
}

export async function topics({ client, namespace }: Session): Promise<readonly KafScaleTopic[]> {
  const found = await listAll(client, TOPIC, { namespace })
  return found.map(manifest => topicSchema.parse(manifest))
}

export const clusterNamed = async (session: Session, name: string): Promise<KafScaleCluster> =>
  clusterSchema.parse(await named(session, CLUSTER, name))

export const topicNamed = async (session: Session, name: string): Promise<KafScaleTopic> =>
  topicSchema.parse(await named(session, TOPIC, name))

async function named({ client, namespace }: Session, kind: Kind, name: string): Promise<Manifest> {
  const place = theNamespace(namespace)
  try {
    return await client.get(kind, { namespace: place, name })
  } catch (cause) {
    if (!(cause instanceof KubeError) || cause.kind !== 'NotFound') throw cause
    const others = await listAll(client, kind, { namespace: place }).catch(() => [])
    const there = others.map(({ metadata }) => metadata.name).sort()
    const hint = there.length === 0 ? `there is none there: try -n NAMESPACE` : `there are ${there.join(', ')}`
    throw new CommandFailed(`there is no ${kind.kind} ${name} in namespace ${place}; ${hint}`)
  }
}

/** The one that a command about one object means. */
export function theNamespace(namespace: string | undefined): string {
  if (namespace === undefined) throw new CommandFailed('--all-namespaces does not go with a name: use -n NAMESPACE')
  return namespace
}

/** Changes the object as `change` says, again when somebody else was quicker. */
export async function edit(
  client: KubeClient,
  kind: Kind,
  place: { readonly namespace: string; readonly name: string },
  change: (live: Manifest) => Manifest,
): Promise<Manifest> {
  for (let tries = 1; ; tries++) {
    try {
      return await client.update(kind, change(await client.get(kind, place)), { manager: MANAGER })
    } catch (cause) {
      if (!(cause instanceof KubeError) || cause.kind !== 'Conflict' || tries === TRIES) throw cause
    }
  }
}

export const create = (client: KubeClient, kind: Kind, manifest: Manifest): Promise<Manifest> =>
  client.create(kind, manifest, { manager: MANAGER })
