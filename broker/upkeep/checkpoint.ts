/**
 * Checkpoints: the cluster state as an object, so that a start reads that and the ledger's tail, however much was written.
 *
 * Steps, each safe to be the last: put the snapshot object; move the ledger's pointer by compare-and-swap (somebody else
 * may have moved it: then ours is garbage); delete the snapshots that the pointer has passed.
 */
import { snapshotFolder, snapshotKey } from '../data/object-key.ts'
import type { Checkpoint, Ledger } from '../ledger/ledger.ts'
import type { Replica } from '../ledger/replica.ts'
import { ObjectExists, type ObjectStore } from '../objects/object-store.ts'
import { encodeSnapshot } from '../state/snapshot.ts'

export interface CheckpointParts {
  readonly ledger: Ledger
  readonly replica: Replica
  readonly store: ObjectStore
  readonly prefix: string
}

/** Resolves with whether the checkpoint moved. Does nothing when nothing happened since the last one. */
export async function checkpoint({ ledger, replica, store, prefix }: CheckpointParts): Promise<boolean> {
  const last = await ledger.checkpoint()
  const { position } = replica.state
  // A state that was given up may be wrong, or lack what its position says: it must not become everybody's.
  if (position <= (last?.position ?? 0) || replica.isLost) return false
  const snapshot = snapshotKey(prefix, position, replica.epoch)
  await store.put(snapshot, [encodeSnapshot(replica.state)]).catch(cause => {
    // An earlier try got so far and no further: the same state, the same bytes.
    if (!(cause instanceof ObjectExists)) throw cause
  })
  if (replica.isLost) return false
  const moved = await ledger.moveCheckpoint(last, { position, snapshot })
  await deletePassedSnapshots(store, prefix, moved ? snapshot : (await ledger.checkpoint())?.snapshot)
  return moved
}

/** The states that are in the store, oldest first. */
export async function listSnapshots(store: ObjectStore, prefix: string): Promise<Checkpoint[]> {
  const found: Checkpoint[] = []
  for await (const { key } of store.list(snapshotFolder(prefix))) {
    const position = Number(/\/(\d+)-\d+$/.exec(key)?.[1])
    if (position > 0) found.push({ position, snapshot: key })
  }
  return found
}

async function deletePassedSnapshots(store: ObjectStore, prefix: string, current: string | undefined): Promise<void> {
  if (current === undefined) return
  const passed: string[] = []
  // Keys begin with the position, so everything before the current one in order is older.
  for await (const { key } of store.list(snapshotFolder(prefix))) if (key < current) passed.push(key)
  if (passed.length > 0) await store.delete(passed)
}
