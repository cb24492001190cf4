// How the snapshots of a managed etcd stand, from what the pods of their jobs said last and from what is known already.

import { z } from 'zod'
import type { KubeObject } from '../runtime/object.ts'
import type { EtcdSpec } from '../types/etcd.ts'
import type { ClusterStatus } from '../types/kaf-scale-cluster.ts'
import { cronGapMs } from './cron-gap.ts'
import { lastWordsOf } from './member-report.ts'

type Known = NonNullable<ClusterStatus['etcd']>['lastSnapshot']
type Wanted = NonNullable<EtcdSpec['managed']>['snapshots']

export interface SnapshotView {
  readonly state: 'SnapshotHealthy' | 'SnapshotPending' | 'SnapshotStale' | 'SnapshotFailed' | 'SnapshotsOff'
  /** For `SnapshotFailed`: why. */
  readonly problem: string | undefined
  readonly lastSnapshot: Known
}

const wordsSchema = z.object({
  snapshot: z.object({ key: z.string(), time: z.string(), revision: z.number(), bytes: z.number() }).optional(),
  problem: z.string().optional(),
})

/** Two are missed before it is said. */
const MISSED = 2
const SLACK_MS = 1_800_000

/** `now`: ms since 1970. */
export function snapshotView(
  pods: readonly KubeObject[],
  known: Known,
  wanted: Wanted | undefined,
  now: number,
): SnapshotView {
  const said = pods
    .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'etcd-snapshot')
    .flatMap(pod => {
      const { data } = wordsSchema.safeParse(lastWordsOf(pod, 'snapshot'))
      return data === undefined || Object.keys(data).length === 0
        ? []
        : [{ begun: pod.metadata.creationTimestamp ?? '', words: data }]
    })
    .sort((a, b) => (a.begun < b.begun ? -1 : 1))
  const lastSnapshot = newest(
    known,
    said.flatMap(({ words }) => words.snapshot ?? []),
  )
  const problem = said.at(-1)?.words.problem
  if (wanted?.enabled === false) return { state: 'SnapshotsOff', problem: undefined, lastSnapshot }
  if (problem !== undefined) return { state: 'SnapshotFailed', problem, lastSnapshot }
  if (lastSnapshot === undefined) return { state: 'SnapshotPending', problem, lastSnapshot }
  const age = now - Date.parse(lastSnapshot.time)
  const isStale = age > MISSED * cronGapMs(wanted?.schedule ?? '0 * * * *') + SLACK_MS
  return { state: isStale ? 'SnapshotStale' : 'SnapshotHealthy', problem, lastSnapshot }
}

function newest(known: Known, found: readonly NonNullable<Known>[]): Known {
  const all = known === undefined ? found : [known, ...found]
  const last = [...all].sort((a, b) => (a.time < b.time ? -1 : 1)).at(-1)
  return last && { key: last.key, time: last.time, revision: last.revision, bytes: last.bytes }
}
