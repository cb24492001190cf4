/**
 * After the ledger was put back to an older copy: what lies in the store and is named by nothing any more. Among it is
 * everything that was acknowledged after the copy, beside what never came to be acknowledged. Nothing of it is deleted;
 * a list of it is put beside: `<prefix>/lost/<position>.json`.
 */
import { parseObjectKey } from '../data/object-key.ts'
import { parseWalFooter } from '../data/wal-object.ts'
import type { Position } from '../ledger/ledger.ts'
import type { Loss } from '../ledger/restorable.ts'
import { ObjectExists, type ObjectStore } from '../objects/object-store.ts'
import type { ClusterState } from '../state/cluster-state.ts'

export interface LossParts {
  readonly state: ClusterState
  readonly store: ObjectStore
  readonly prefix: string
  /** Sessions up to here are of the life that is over. */
  readonly position: Position
}

interface LostObject {
  readonly key: string
  readonly bytes: number
  readonly records: number
  readonly runs: readonly { topicId: string; partition: number; records: number; maxTimestamp: number }[]
}

/** An object is read as a whole; beyond so many the list has only their keys. */
const READ_AT_MOST = 1000

export async function findLoss(parts: LossParts): Promise<Loss> {
  const { state, store, prefix, position } = parts
  const lost: LostObject[] = []
  const known = new Set(
    [...state.objects.live.values(), ...[...state.objects.dead.values()].map(dead => dead.object)].map(nameOf),
  )
  for await (const { key, size } of store.list(`${prefix}/`)) {
    const object = parseObjectKey(prefix, key)
    if (object?.kind !== 'wal' || object.epoch > position || known.has(nameOf(object))) continue
    lost.push(
      lost.length < READ_AT_MOST ? await describe(store, key, size) : { key, bytes: size, records: 0, runs: [] },
    )
  }
  const report = `${prefix}/lost/${String(position).padStart(16, '0')}.json`
  const newest = Math.max(-1, ...lost.flatMap(({ runs }) => runs.map(({ maxTimestamp }) => maxTimestamp)))
  const records = lost.reduce((sum, object) => sum + object.records, 0)
  const text = JSON.stringify({ version: 1, position, objects: lost }, undefined, 1)
  await store.put(report, [Buffer.from(`${text}\n`)]).catch((cause: unknown) => {
    // Another broker looked at the same time.
    if (!(cause instanceof ObjectExists)) throw cause
  })
  return { ...(newest < 0 ? {} : { lostUntil: newest }), objects: lost.length, records, report }
}

const nameOf = ({ kind, epoch, number }: { kind: string; epoch: number; number: number }): string =>
  `${kind}/${epoch}/${number}`

async function describe(store: ObjectStore, key: string, bytes: number): Promise<LostObject> {
  const { runs } = parseWalFooter(await store.get(key))
  return {
    key,
    bytes,
    records: runs.reduce((sum, run) => sum + run.records, 0),
    runs: runs.map(({ topicId, partition, records, maxTimestamp }) => ({ topicId, partition, records, maxTimestamp })),
  }
}
