// The lives of a managed etcd. A life is one set of members that have never lost their majority; when that is lost for good,
// the next life begins from a snapshot. Members of different lives never talk to each other: each life has a token of its own.
//
// States of a life, and what leads from one to the next:
//   forming    members start together, empty or each from the same snapshot   -> running, when a majority is ready
//   running    a member that lost its data joins again as a new member         -> ending, when a majority has lost its data,
//                                                                                or the spec names another snapshot
//   ending     brokers are taken away, so that nobody writes to what comes next -> forming of the next life, when they are gone
// Only proof counts: a member that says of its own volume that nothing is on it. Who merely does not answer may come back.

import { z } from 'zod'

export interface EtcdLife {
  /** From 1 on. */
  readonly number: number
  readonly state: 'forming' | 'running' | 'ending'
  /** Key of the snapshot that it began with, `''` for the newest if there is one. */
  readonly restoreFrom: string
  /** What the spec named when this life began: it was carried out or overtaken, and is no wish for another restore. */
  readonly asked: string
  /** Why the life before ended; undefined for the first one. */
  readonly because?: 'DataLost' | 'RestoreAsked' | undefined
}

export interface LifeObservation {
  readonly members: number
  readonly ready: number
  /** Members that found their volume empty though their life was running. */
  readonly empty: number
  /** Pods of brokers, whatever they are at. */
  readonly brokerPods: number
  /** What the spec names. */
  readonly restoreFrom: string | undefined
}

export const quorumOf = (members: number): number => Math.floor(members / 2) + 1

export const firstLife = (restoreFrom: string | undefined): EtcdLife => ({
  number: 1,
  state: 'forming',
  restoreFrom: restoreFrom ?? '',
  asked: restoreFrom ?? '',
})

export function nextLife(life: EtcdLife, seen: LifeObservation): EtcdLife {
  if (life.state === 'forming') return seen.ready >= quorumOf(seen.members) ? { ...life, state: 'running' } : life
  if (life.state === 'running') {
    const because = endOf(life, seen)
    return because === undefined ? life : { ...life, state: 'ending', because }
  }
  if (seen.brokerPods > 0) return life
  const asked = seen.restoreFrom ?? ''
  const restoreFrom = life.because === 'RestoreAsked' ? asked : ''
  return { number: life.number + 1, state: 'forming', restoreFrom, asked, because: life.because }
}

function endOf(life: EtcdLife, { members, ready, empty, restoreFrom }: LifeObservation): EtcdLife['because'] {
  const quorum = quorumOf(members)
  if (members - empty < quorum && ready < quorum) return 'DataLost'
  return restoreFrom !== undefined && restoreFrom !== life.asked ? 'RestoreAsked' : undefined
}

/** While a life begins or ends no broker may run. */
export const isRestoring = (life: EtcdLife): boolean =>
  life.state === 'ending' || (life.state === 'forming' && life.number > 1)

/** As members read it from their environment. */
export const lifeSettings = (life: EtcdLife, identity: string): Record<string, string> => ({
  KAFSCALE_ETCD_LIFE: String(life.number),
  KAFSCALE_ETCD_LIFE_STATE: life.state,
  KAFSCALE_ETCD_TOKEN: `${identity}-${life.number}`,
  KAFSCALE_ETCD_RESTORE_FROM: life.restoreFrom,
  KAFSCALE_ETCD_RESTORE_ASKED: life.asked,
  ...(life.because === undefined ? {} : { KAFSCALE_ETCD_LIFE_BECAUSE: life.because }),
})

const stored = z.object({
  KAFSCALE_ETCD_LIFE: z.coerce.number().int().min(1),
  KAFSCALE_ETCD_LIFE_STATE: z.enum(['forming', 'running', 'ending']),
  KAFSCALE_ETCD_RESTORE_FROM: z.string(),
  KAFSCALE_ETCD_RESTORE_ASKED: z.string(),
  KAFSCALE_ETCD_LIFE_BECAUSE: z.enum(['DataLost', 'RestoreAsked']).optional(),
})

/** What `lifeSettings` wrote; undefined for anything else. */
export function readLife(settings: unknown): EtcdLife | undefined {
  const { data } = stored.safeParse(settings)
  if (data === undefined) return undefined
  return {
    number: data.KAFSCALE_ETCD_LIFE,
    state: data.KAFSCALE_ETCD_LIFE_STATE,
    restoreFrom: data.KAFSCALE_ETCD_RESTORE_FROM,
    asked: data.KAFSCALE_ETCD_RESTORE_ASKED,
    because: data.KAFSCALE_ETCD_LIFE_BECAUSE,
  }
}
