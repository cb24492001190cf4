/**
 * The sweep: deletes objects that no entry names or will ever name. Exact, without any rule of age:
 *
 *   dead     the last extent naming it was dropped at position p, and every live broker has applied p, so none will begin
 *            to read it; one that is reading gets "not found" and looks again
 *   orphan   its writer's session is closed, so no entry can name it any more (entries are only taken while the session
 *            is open), and the state, which has seen the closing, does not know it
 */
import { objectKey, parseObjectKey, sessionFolders } from '../data/object-key.ts'
import type { Replica } from '../ledger/replica.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { ClusterState } from '../state/cluster-state.ts'

export interface SweepParts {
  readonly replica: Replica
  readonly store: ObjectStore
  readonly prefix: string
  /** The position that every live broker has applied. */
  readonly appliedByAll: () => number
}

/** Most objects deleted by one call of `sweepDead`. */
const BATCH = 1000

/** Deletes dead objects and takes them off the list. Resolves with how many. */
export async function sweepDead({ replica, store, prefix, appliedByAll }: SweepParts): Promise<number> {
  const applied = appliedByAll()
  const due = [...replica.state.objects.dead.values()].filter(({ position }) => position <= applied).slice(0, BATCH)
  if (due.length === 0) return 0
  await store.delete(due.map(({ object }) => objectKey(prefix, object)))
  await replica.submit({
    type: 'forgetObjects',
    body: { handles: due.map(({ object }) => object.handle), sessions: [] },
  })
  return due.length
}

/** Deletes what closed sessions left in the store without it ever being named. Resolves with how many. */
export async function sweepOrphans({ replica, store, prefix }: SweepParts, epochs: Iterable<number>): Promise<number> {
  const known = knownObjects(replica.state)
  const orphans: string[] = []
  for (const epoch of epochs) {
    if (!replica.state.closedSessions.has(epoch)) continue
    for (const folder of sessionFolders(prefix, epoch)) {
      for await (const { key } of store.list(folder)) {
        const object = parseObjectKey(prefix, key)
        if (object !== undefined && !known.has(nameOf(object))) orphans.push(key)
      }
    }
  }
  if (orphans.length > 0) await store.delete(orphans)
  return orphans.length
}

/** A put of a session may reach the store long after the session was closed; so long it is looked for, in state time, ms. */
const LATE_PUT_MS = 86_400_000

/** Takes sessions off the list that have been swept and closed for so long that nothing of them can still arrive. */
export async function forgetSessions({ replica }: SweepParts, swept: ReadonlySet<number>): Promise<void> {
  const { state } = replica
  const sessions = [...state.closedSessions]
    .filter(([epoch, closedAt]) => swept.has(epoch) && closedAt < state.time - LATE_PUT_MS)
    .map(([epoch]) => epoch)
  if (sessions.length > 0) await replica.submit({ type: 'forgetObjects', body: { handles: [], sessions } })
}

function knownObjects(state: ClusterState): Set<string> {
  const known = new Set<string>()
  for (const object of state.objects.live.values()) known.add(nameOf(object))
  for (const { object } of state.objects.dead.values()) known.add(nameOf(object))
  return known
}

function nameOf({ kind, epoch, number }: { kind: string; epoch: number; number: number }): string {
  return `${kind}/${epoch}/${number}`
}
