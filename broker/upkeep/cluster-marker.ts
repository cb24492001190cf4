/**
 * The object that says whose records lie under a prefix, so that a ledger and a store which do not belong together are
 * noticed before anything is written: `<prefix>/cluster`, JSON.
 */
import { z } from 'zod'
import { ObjectExists, ObjectNotFound, type ObjectStore } from '../objects/object-store.ts'

const marker = z.object({ version: z.literal(1), clusterId: z.string() })

/** The ledger and the objects under the prefix are of different clusters. */
export class ForeignObjects extends Error {
  override readonly name = 'ForeignObjects'
  constructor(prefix: string, found: string, expected: string) {
    const ledger = expected === '' ? 'the ledger is empty' : `the ledger is that of cluster ${expected}`
    super(`the objects under "${prefix}" belong to cluster ${found}, but ${ledger}`)
  }
}

/** `clusterId` is empty for a ledger that is new. Rejects with ForeignObjects or StoreError. */
export async function checkClusterMarker(store: ObjectStore, prefix: string, clusterId: string): Promise<void> {
  const found = await readMarker(store, prefix)
  if (found !== undefined && found !== clusterId) throw new ForeignObjects(prefix, found, clusterId)
}

/** Marks the prefix. Rejects as the check does, when another cluster was quicker. */
export async function putClusterMarker(store: ObjectStore, prefix: string, clusterId: string): Promise<void> {
  if ((await readMarker(store, prefix)) === clusterId) return
  try {
    await store.put(markerKey(prefix), [Buffer.from(`${JSON.stringify({ version: 1, clusterId })}\n`)])
  } catch (cause) {
    if (!(cause instanceof ObjectExists)) throw cause
    await checkClusterMarker(store, prefix, clusterId)
  }
}

function markerKey(prefix: string): string {
  return `${prefix}/cluster`
}

async function readMarker(store: ObjectStore, prefix: string): Promise<string | undefined> {
  try {
    const text = (await store.get(markerKey(prefix))).toString('utf8')
    return marker.parse(JSON.parse(text)).clusterId
  } catch (cause) {
    if (cause instanceof ObjectNotFound) return undefined
    throw cause
  }
}
