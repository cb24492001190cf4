// The last lines of the logs of pods, for `report`: what every container says, and what it said before it was restarted. How
// much comes is bounded; pods that are not well come first. Rights are those of who asks: what may not be read is said.

import { z } from 'zod'
import { isKubeError } from '../runtime/errors.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import type { Manifest } from '../runtime/object.ts'
import { redacted } from './redaction.ts'

export interface ContainerLog {
  readonly pod: string
  readonly container: string
  /** Of the run before the last restart. */
  readonly previous?: true
  /** Without secrets. */
  readonly lines?: readonly string[]
  /** Why there are no lines. */
  readonly problem?: string
}

export interface PodLogs {
  readonly logs: readonly ContainerLog[]
  /** Names of pods whose logs were left out, because there are too many. */
  readonly leftOut: readonly string[]
}

const MOST_PODS = 20
const LINES = 300
/** The API server cuts off the end of what is longer, so it is asked for more than is kept. */
const BYTES_ASKED = 1024 * 1024
const CHARACTERS_KEPT = 64 * 1024
const AT_ONCE = 4

const containersSchema = z.array(z.object({ name: z.string() })).default([])
const statusesSchema = z
  .array(z.object({ name: z.string(), restartCount: z.number().default(0), ready: z.boolean().default(false) }))
  .default([])
const podSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  spec: z.object({ initContainers: containersSchema, containers: containersSchema }),
  status: z
    .object({ initContainerStatuses: statusesSchema, containerStatuses: statusesSchema })
    .default({ initContainerStatuses: [], containerStatuses: [] }),
})
type Pod = z.output<typeof podSchema>

interface Wanted {
  readonly pod: Pod
  readonly container: string
  readonly previous: boolean
}

export async function podLogs(client: KubeClient, manifests: readonly Manifest[]): Promise<PodLogs> {
  const pods = manifests.flatMap(manifest => podSchema.safeParse(manifest).data ?? [])
  const ordered = pods.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)))
  const wanted = ordered.slice(0, MOST_PODS).flatMap(wantedOf)
  const found = new Map<Wanted, ContainerLog>()
  const left = [...wanted]
  const work = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) found.set(one, await logOf(client, one))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return {
    logs: wanted.flatMap(one => found.get(one) ?? []),
    leftOut: ordered.slice(MOST_PODS).map(({ metadata }) => metadata.name),
  }
}

const statusesOf = ({ status }: Pod) => [...status.initContainerStatuses, ...status.containerStatuses]

const isWell = (pod: Pod): boolean =>
  pod.status.containerStatuses.length > 0 &&
  pod.status.containerStatuses.every(({ ready }) => ready) &&
  statusesOf(pod).every(({ restartCount }) => restartCount === 0)

function wantedOf(pod: Pod): Wanted[] {
  const restarted = new Set(statusesOf(pod).flatMap(({ name, restartCount }) => (restartCount > 0 ? [name] : [])))
  return [...pod.spec.initContainers, ...pod.spec.containers].flatMap(({ name: container }) => [
    { pod, container, previous: false },
    ...(restarted.has(container) ? [{ pod, container, previous: true }] : []),
  ])
}

async function logOf(client: KubeClient, { pod, container, previous }: Wanted): Promise<ContainerLog> {
  const { name, namespace } = pod.metadata
  const whose = { pod: name, container, ...(previous ? { previous: true as const } : {}) }
  const options = { container, previous: previous || undefined, tailLines: LINES, limitBytes: BYTES_ASKED }
  try {
    return { ...whose, lines: linesOf(await client.logs({ namespace, name }, options)) }
  } catch (cause) {
    if (!isKubeError(cause)) throw cause
    return { ...whose, problem: `${cause.kind}: ${cause.message}` }
  }
}

/** Secrets go before anything is cut, so that no half of one is left. */
function linesOf(text: string): string[] {
  const clean = String(redacted(text)).trimEnd()
  if (clean === '') return []
  const lines = clean.slice(-CHARACTERS_KEPT).split(/\r?\n/)
  return clean.length > CHARACTERS_KEPT && lines.length > 1 ? lines.slice(1) : lines
}
