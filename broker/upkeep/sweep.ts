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
  readonly appliedByAll: number
}

/** Most objects deleted by one call of `sweepDead`. */
const BATCH = 1000

/** Deletes dead objects and takes them off the list. Resolves with how many. */
export async function sweepDead({ replica, store, prefix, appliedByAll }: SweepParts): Promise<number> {
  const due = [...replica.state.objects.dead.values()]
    .filter(({ position }) => position <= appliedByAll)
    .slice(0, BATCH)
  if (due.length === 0 || replica.isLost) return 0
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
  if (replica.isLost) return 0
  if (orphans.length > 0) await store.delete(orphans)
  return orphans.length
}

/** How long after the end of a session its puts may still reach the store, from a broker that was paused or cut off. ms */
const LATE_PUT_MS = 86_400_000
/** Most of those that are late at all are not later; so long a session is swept again and again. ms */
const OFTEN_MS = 900_000

/**
 * What this process has swept, and since when (monotonic ms): state time is no measure, because it leaps with the clocks
 * of others.
 */
export class SweptSessions {
  readonly #since = new Map<number, number>()

  /** The closed sessions whose orphans are to be looked for at `now`. */
  due(state: ClusterState, now: number): number[] {
    return [...state.closedSessions.keys()].filter(
      epoch => now - (this.#since.get(epoch) ?? now) < OFTEN_MS || isOver(state, epoch),
    )
  }

  swept(epochs: readonly number[], now: number): void {
    for (const epoch of epochs) if (!this.#since.has(epoch)) this.#since.set(epoch, now)
  }

  forget(epochs: readonly number[]): void {
    for (const epoch of epochs) this.#since.delete(epoch)
  }
}

/** Takes the sessions off the list that have just been swept and of which nothing can still arrive. */
export async function forgetSessions({ replica }: SweepParts, swept: readonly number[]): Promise<readonly number[]> {
  const sessions = swept.filter(epoch => isOver(replica.state, epoch))
  if (sessions.length > 0) await replica.submit({ type: 'forgetObjects', body: { handles: [], sessions } })
  return sessions
}

function isOver(state: ClusterState, epoch: number): boolean {
  const closedAt = state.closedSessions.get(epoch)
  return closedAt !== undefined && closedAt < state.time - LATE_PUT_MS
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
