// The last words of `prepare`: what it found on the volume of a member, and what it did about it. The operator reads them from
// the status of the pod.

import { z } from 'zod'
import type { KubeObject } from '../runtime/object.ts'

export const VERDICTS = {
  kept: 'The data is there.',
  fresh: 'There was no data, and none was expected: a new cluster of members begins.',
  restored: 'The data comes from a snapshot.',
  joined: 'There was no data: the member left the others and joins them anew.',
  empty: 'There is no data, the life of the members goes on, and no majority of them answers.',
  failed: 'It could not be found out, or not be done.',
} as const

export type Verdict = keyof typeof VERDICTS

export const reportSchema = z.object({
  member: z.string().max(100),
  life: z.int().min(1),
  verdict: z.enum(['kept', 'fresh', 'restored', 'joined', 'empty', 'failed']),
  /** For `restored`: which snapshot, as of which revision and time. */
  snapshot: z.string().max(600).optional(),
  revision: z.number().optional(),
  time: z.string().max(40).optional(),
  /** For `failed`: why. */
  problem: z.string().max(1000).optional(),
})

export interface MemberReport extends Readonly<z.output<typeof reportSchema>> {
  /** uid of the pod that says so. */
  readonly pod?: string | undefined
}

const terminated = z.looseObject({ terminated: z.looseObject({ message: z.string().optional() }).optional() })
const containerStatus = z.looseObject({
  name: z.string(),
  state: terminated.default({}),
  lastState: terminated.default({}),
})
const podSchema = z.looseObject({
  status: z
    .looseObject({
      initContainerStatuses: z.array(containerStatus).default([]),
      containerStatuses: z.array(containerStatus).default([]),
    })
    .prefault({}),
})

/** The last words of a container of the pod; undefined while there are none. */
export function lastWordsOf(pod: KubeObject, container: string): unknown {
  const { data } = podSchema.safeParse(pod)
  if (data === undefined) return undefined
  const { initContainerStatuses, containerStatuses } = data.status
  const found = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === container)
  return parsedJson(found?.state.terminated?.message ?? found?.lastState.terminated?.message)
}

/** Undefined while `prepare` has not ended. */
export function memberReportOf(pod: KubeObject): MemberReport | undefined {
  const { data } = reportSchema.safeParse(lastWordsOf(pod, 'prepare'))
  return data === undefined ? undefined : { ...data, pod: pod.metadata.uid }
}

function parsedJson(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
