// `helm test`: whether one of the operators leads and goes on doing so, and whether what it looks after can be read.

import type { Clock } from '../broker/clock.ts'
import { pause } from './runtime/deadline.ts'
import { isKubeError } from './runtime/errors.ts'
import type { KubeClient } from './runtime/kube-client.ts'
import { RESOURCES } from './runtime/resource.ts'
import { CLUSTER } from './types/kaf-scale-cluster.ts'
import { TOPIC } from './types/kaf-scale-topic.ts'
import { USER } from './types/kaf-scale-user.ts'

export interface CheckOptions {
  readonly client: KubeClient
  readonly clock: Clock
  /** Where the operators are. */
  readonly namespace: string
  readonly leaseName: string
  /** Namespaces that are looked after; undefined for all. */
  readonly watched: readonly string[] | undefined
  /** How long a leader may take to show itself. */
  readonly limitMs?: number
}

const LIMIT_MS = 60_000
const LOOK_MS = 500

/** What is wrong, in a sentence; undefined when nothing is. */
export async function check(options: CheckOptions): Promise<string | undefined> {
  const { client, watched } = options
  const places = (watched ?? [undefined]).flatMap(namespace =>
    [CLUSTER, TOPIC, USER].map(resource => ({ resource, namespace })),
  )
  for (const { resource, namespace } of places) {
    try {
      await client.list(resource, { namespace, limit: 1 })
    } catch (error) {
      if (!isKubeError(error, 'NotFound', 'Forbidden')) throw error
      return `${resource.plural} cannot be read (${error.message}): install the CRDs and the roles of the chart`
    }
  }
  return awaitRenewal(options)
}

/** A lease that changes is one that somebody renews, whatever the clocks of the two machines say. */
async function awaitRenewal(options: CheckOptions): Promise<string | undefined> {
  const { client, clock, namespace, leaseName, limitMs = LIMIT_MS } = options
  const read = () =>
    client.get(RESOURCES.leases, { namespace, name: leaseName }).catch((error: unknown) => {
      if (isKubeError(error, 'NotFound')) return undefined
      throw error
    })
  const first = (await read())?.metadata.resourceVersion
  for (const end = clock.monotonic() + limitMs; clock.monotonic() < end; ) {
    const now = (await read())?.metadata.resourceVersion
    if (now !== undefined && now !== first) return undefined
    await pause(clock, LOOK_MS, new AbortController().signal)
  }
  return first === undefined
    ? `there is no Lease ${leaseName} in ${namespace}: no operator runs`
    : `the Lease ${leaseName} in ${namespace} is not renewed: the operator that led is gone, and no other one runs`
}
