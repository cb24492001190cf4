/**
 * Roll-up: turns many small or mostly dead objects into few segments, so that the number of objects and extents follows
 * the amount of data, and space of trimmed and deleted records comes back although objects are shared.
 *
 * A job reads its candidates once, writes one segment and appends a Replace command that names exactly the extents it
 * read. What was trimmed, deleted or replaced meanwhile is left out at apply; nothing needs a lock.
 */
import { planReads } from '../data/extent-reader.ts'
import { objectKey } from '../data/object-key.ts'
import { buildSegmentObject, type SegmentPiece, type SegmentRun } from '../data/segment-object.ts'
import { stampOffsets } from '../data/stamp.ts'
import type { Replica } from '../ledger/replica.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { ClusterState } from '../state/cluster-state.ts'
import type { Replace } from '../state/commands.gen.ts'
import type { Extent } from '../state/extents.ts'
import type { StoredObject } from '../state/objects.ts'
import type { PartitionLog } from '../state/partition-log.ts'

export interface RollUpLimits {
  /** Objects below this size are small. */
  readonly smallBytes: number
  /** So many small objects are worth a job. */
  readonly minSmallObjects: number
  /** Most bytes that one job takes into memory. */
  readonly jobBytes: number
  /** Most bytes of an extent in a segment. */
  readonly extentBytes: number
}

export const defaultRollUpLimits: RollUpLimits = {
  smallBytes: 128 * 1024,
  minSmallObjects: 64,
  jobBytes: 32 * 1024 * 1024,
  extentBytes: 4 * 1024 * 1024,
}

export interface RollUpParts {
  readonly replica: Replica
  readonly store: ObjectStore
  readonly prefix: string
  readonly limits: RollUpLimits
  readonly nextObjectNumber: () => number
  /** Handles of objects that an earlier job could not read. */
  readonly unreadable: Set<number>
}

/** Objects for the next job, oldest first; empty when there is nothing worth doing. */
export function candidates(
  state: ClusterState,
  limits: RollUpLimits,
  unreadable: ReadonlySet<number> = new Set(),
): StoredObject[] {
  const small: StoredObject[] = []
  const sparse: StoredObject[] = []
  for (const object of state.objects.live.values()) {
    if (unreadable.has(object.handle)) continue
    if (object.size < limits.smallBytes) small.push(object)
    else if (object.liveBytes * 2 < object.size) sparse.push(object)
  }
  const chosen = small.length >= limits.minSmallObjects ? [...small, ...sparse] : sparse
  return fitting(
    chosen.sort((a, b) => a.handle - b.handle),
    limits.jobBytes,
  )
}

/** As many from the front as fit; one at least. */
function fitting(objects: readonly StoredObject[], bytes: number): StoredObject[] {
  let left = bytes
  const end = objects.findIndex(({ liveBytes }) => (left -= liveBytes) < 0)
  return end === -1 ? [...objects] : objects.slice(0, Math.max(1, end))
}

/**
 * Does one job. Resolves with the number of objects that it made superfluous; 0 when there was nothing to do. When an
 * object cannot be read the job fails, and later ones leave that object alone.
 */
export async function rollUp(parts: RollUpParts): Promise<number> {
  const { replica, store, prefix, limits, nextObjectNumber, unreadable } = parts
  const chosen = candidates(replica.state, limits, unreadable)
  const objects = new Map(chosen.map(object => [object.handle, object]))
  if (objects.size === 0) return 0
  const found = extentsOf(replica.state, objects)
  const bytes = await readExtents(parts, found, objects)
  const runs = found.map(run => segmentRun(run, bytes))
  const { epoch } = replica
  const number = nextObjectNumber()
  const segment = buildSegmentObject(epoch, number, runs, limits.extentBytes)
  await store.put(objectKey(prefix, { kind: 'segment', epoch, number }), segment.buffers)
  const body: Replace = {
    number,
    size: segment.size,
    runs: found.map(({ log, extents }, index) => ({
      topicId: log.topicId,
      partition: log.partition,
      old: extents.map(({ baseOffset, object, position }) => ({ baseOffset, object, position })),
      extents: segment.extents[index] ?? [],
    })),
  }
  await replica.submit({ type: 'replace', body })
  return chosen.filter(({ handle }) => !replica.state.objects.live.has(handle)).length
}

/** The bytes of the extents, offsets in place. Only what they take is read, however large their objects are. */
async function readExtents(
  { store, prefix, unreadable }: RollUpParts,
  runs: readonly FoundRun[],
  objects: ReadonlyMap<number, StoredObject>,
): Promise<ReadonlyMap<Extent, Buffer>> {
  const bytes = new Map<Extent, Buffer>()
  const byObject = Map.groupBy(
    runs.flatMap(({ extents }) => extents),
    ({ object }) => object,
  )
  for (const [handle, extents] of byObject) {
    const object = objects.get(handle)
    if (object === undefined) continue
    for (const read of planReads(extents)) {
      const range = { position: read.position, length: read.end - read.position }
      const whole = await store.get(objectKey(prefix, object), range).catch((cause: unknown) => {
        unreadable.add(handle)
        throw cause
      })
      for (const extent of read.extents) {
        const own = whole.subarray(extent.position - read.position, extent.position - read.position + extent.length)
        if (object.kind === 'wal') stampOffsets([own], extent.baseOffset)
        bytes.set(extent, own)
      }
    }
  }
  return bytes
}

interface FoundRun {
  readonly log: PartitionLog
  /** Adjacent in the log. */
  readonly extents: Extent[]
}

/** The extents that live in the objects, as runs of neighbours. One pass over all extents, in order of topic and offset. */
function extentsOf(state: ClusterState, objects: ReadonlyMap<number, StoredObject>): FoundRun[] {
  const runs: FoundRun[] = []
  for (const topic of state.catalog.byId.values()) {
    for (const log of topic.partitions) {
      let open: FoundRun | undefined
      for (const extent of log.extents) {
        if (!objects.has(extent.object)) {
          open = undefined
          continue
        }
        if (open === undefined) {
          open = { log, extents: [] }
          runs.push(open)
        }
        open.extents.push(extent)
      }
    }
  }
  return runs
}

function segmentRun({ log, extents }: FoundRun, bytes: ReadonlyMap<Extent, Buffer>): SegmentRun {
  const pieces = extents.map((extent): SegmentPiece => {
    const own = bytes.get(extent)
    if (own === undefined) throw new Error(`the extent at ${extent.baseOffset} was not read`)
    return { baseOffset: extent.baseOffset, count: extent.count, maxTimestamp: extent.maxTimestamp, bytes: [own] }
  })
  return { topicId: log.topicId, partition: log.partition, pieces }
}
