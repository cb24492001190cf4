// What the status of a cluster is read from: workloads and pods as the API server has them, reduced to what counts.

import { z } from 'zod'
import type { KubeObject } from '../runtime/object.ts'

const workloadSchema = z.looseObject({
  metadata: z.looseObject({ generation: z.number().optional() }),
  spec: z.looseObject({ replicas: z.number().optional() }).default({}),
  status: z
    .looseObject({
      observedGeneration: z.number().optional(),
      replicas: z.number().default(0),
      readyReplicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      unavailableReplicas: z.number().default(0),
    })
    .prefault({}),
})

export interface Workload {
  /** Pods that are wanted; undefined while nobody has said. */
  readonly wanted: number | undefined
  /**
   * Somebody may have said how many. The API server itself says 1 when nobody does. Who does, by /scale, is in no `managedFields`
   * of a Deployment (Kubernetes 1.36), but it is another spec, and a new object has the first one.
   */
  readonly isSized: boolean
  readonly replicas: number
  readonly ready: number
  readonly updated: number
  /** Its controller has not looked at the newest spec, or has not carried it out. */
  readonly isRollingOut: boolean
}

export function workloadOf(object: KubeObject): Workload {
  const { metadata, spec, status } = workloadSchema.parse(object)
  const { replicas, readyReplicas: ready, updatedReplicas: updated } = status
  const wanted = spec.replicas
  const isSeen = status.observedGeneration !== undefined && status.observedGeneration >= (metadata.generation ?? 0)
  const isSized = (metadata.generation ?? 1) > 1
  return {
    wanted,
    isSized,
    replicas,
    ready,
    updated,
    isRollingOut: !isSeen || updated < (wanted ?? 0) || replicas > updated,
  }
}

const podSchema = z.looseObject({
  status: z
    .looseObject({
      phase: z.string().optional(),
      conditions: z
        .array(
          z.looseObject({
            type: z.string(),
            status: z.string(),
            reason: z.string().optional(),
            message: z.string().optional(),
          }),
        )
        .default([]),
      containerStatuses: z
        .array(
          z.looseObject({
            restartCount: z.number().default(0),
            state: z
              .looseObject({
                waiting: z.looseObject({ reason: z.string().optional(), message: z.string().optional() }).optional(),
              })
              .default({}),
            lastState: z
              .looseObject({
                terminated: z.looseObject({ message: z.string().optional(), reason: z.string().optional() }).optional(),
              })
              .default({}),
          }),
        )
        .default([]),
    })
    .prefault({}),
})

export type PodTrouble = 'ImagePullFailed' | 'BrokersCrashing' | 'Unschedulable'

export interface Trouble {
  readonly kind: PodTrouble
  readonly message: string
}

const IMAGE = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'])

/** What keeps a pod from being ready that somebody has to look at; undefined for one that is well or only young. */
export function troubleOf(pod: KubeObject): Trouble | undefined {
  const { conditions, containerStatuses } = podSchema.parse(pod).status
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return { kind: 'Unschedulable', message: scheduled.message ?? 'no node has room' }
  }
  for (const { state, lastState } of containerStatuses) {
    const { reason = '', message = '' } = state.waiting ?? {}
    if (IMAGE.has(reason)) return { kind: 'ImagePullFailed', message: message === '' ? reason : message }
    if (reason === 'CrashLoopBackOff') {
      const last = lastState.terminated?.message ?? lastState.terminated?.reason ?? ''
      return { kind: 'BrokersCrashing', message: last.trim() === '' ? 'see the log of the pod' : last.trim() }
    }
  }
  return undefined
}
