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
  /** WAL objects below this size are small; `smallBytes` when left out. */
  readonly smallWalBytes?: number
  /** So many small objects are worth a job, or as many bytes of them as one job takes. */
  readonly minSmallObjects: number
  /** Most bytes that one job takes into memory. */
  readonly jobBytes: number
  /** Most bytes of an extent in a segment. */
  readonly extentBytes: number
}

/** Objects read at the same time. */
const READS_AT_ONCE = 4
/** Most extents of a job, unless a single object has more: a Replace command names each, and etcd takes no entry above 1.5 MiB. */
const JOB_EXTENTS = 8000

/** In a folder a large object reads as well as a segment: only what is small costs. */
export const folderRollUpLimits: RollUpLimits = {
  smallBytes: 128 * 1024,
  minSmallObjects: 64,
  jobBytes: 32 * 1024 * 1024,
  extentBytes: 4 * 1024 * 1024,
}

/** In a bucket each GET has its price and its latency: everything becomes sorted segments, of half their size at least. */
export const bucketRollUpLimits: RollUpLimits = {
  smallBytes: 32 * 1024 * 1024,
  smallWalBytes: Number.POSITIVE_INFINITY,
  minSmallObjects: 64,
  jobBytes: 64 * 1024 * 1024,
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
  const { smallBytes, smallWalBytes = smallBytes, minSmallObjects, jobBytes } = limits
  const small: StoredObject[] = []
  const sparse: StoredObject[] = []
  for (const object of state.objects.live.values()) {
    if (unreadable.has(object.handle)) continue
    if (object.size < (object.kind === 'wal' ? smallWalBytes : smallBytes)) small.push(object)
    else if (object.liveBytes * 2 < object.size) sparse.push(object)
  }
  const bytes = small.reduce((sum, { liveBytes }) => sum + liveBytes, 0)
  const chosen = small.length >= minSmallObjects || bytes >= jobBytes ? [...small, ...sparse] : sparse
  return fitting(
    chosen.sort((a, b) => a.handle - b.handle),
    jobBytes,
  )
}

/** As many from the front as fit; one at least. */
function fitting(objects: readonly StoredObject[], bytes: number): StoredObject[] {
  let bytesLeft = bytes
  let extentsLeft = JOB_EXTENTS
  const end = objects.findIndex(object => {
    bytesLeft -= object.liveBytes
    extentsLeft -= object.extents
    return bytesLeft < 0 || extentsLeft < 0
  })
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
  parts: RollUpParts,
  runs: readonly FoundRun[],
  objects: ReadonlyMap<number, StoredObject>,
): Promise<ReadonlyMap<Extent, Buffer>> {
  const bytes = new Map<Extent, Buffer>()
  const byObject = Map.groupBy(
    runs.flatMap(({ extents }) => extents),
    ({ object }) => object,
  )
  const queue = byObject.entries()
  const reader = async (): Promise<void> => {
    for (const [handle, extents] of queue) {
      const object = objects.get(handle)
      if (object !== undefined) await readObject(parts, object, extents, bytes)
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
  return bytes
}

async function readObject(
  { store, prefix, unreadable }: RollUpParts,
  object: StoredObject,
  extents: readonly Extent[],
  into: Map<Extent, Buffer>,
): Promise<void> {
  for (const read of planReads(extents)) {
    const range = { position: read.position, length: read.end - read.position }
    const whole = await store.get(objectKey(prefix, object), range).catch((cause: unknown) => {
      unreadable.add(object.handle)
      throw cause
    })
    for (const extent of read.extents) {
      const own = whole.subarray(extent.position - read.position, extent.position - read.position + extent.length)
      if (object.kind === 'wal') stampOffsets([own], extent.baseOffset)
      into.set(extent, own)
    }
  }
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
