/**
 * Extents from the store, through the cache.
 *
 * A load names the extents wanted by one request, over all its partitions. Those that are neither cached nor being loaded
 * are grouped by object, neighbours are read with one GET, and each extent enters the cache as a block of its own. What a
 * reader will want next can be loaded ahead, within the room that the cache has for that.
 */
import type { ObjectStore } from '../objects/object-store.ts'
import type { ClusterState } from '../state/cluster-state.ts'
import type { Extent } from '../state/extents.ts'
import type { Block, BlockCache } from './block-cache.ts'
import { objectKey } from './object-key.ts'
import { stampOffsets } from './stamp.ts'

/** Two extents of an object with less than this between them are read together. */
const MERGE_GAP_BYTES = 64 * 1024
/** The most that one GET reads, unless a single extent is larger. */
const MERGED_READ_BYTES = 8 * 1024 * 1024
/** A buffer that several cached blocks may share. */
const SHARED_READ_BYTES = 1024 * 1024

interface Read {
  readonly position: number
  end: number
  readonly extents: Extent[]
}

export interface ExtentReaderOptions {
  readonly state: () => ClusterState
  readonly store: ObjectStore
  readonly cache: BlockCache
  readonly prefix: string
  /** Told of every read that failed although the state still names the object. */
  readonly onUnreadable?: (key: string, cause: unknown) => void
}

export class ExtentReader {
  readonly #state: () => ClusterState
  readonly #store: ObjectStore
  readonly #cache: BlockCache
  readonly #prefix: string

  readonly #onUnreadable: (key: string, cause: unknown) => void

  constructor(options: ExtentReaderOptions) {
    this.#state = options.state
    this.#store = options.store
    this.#cache = options.cache
    this.#prefix = options.prefix
    this.#onUnreadable = options.onUnreadable ?? (() => {})
  }

  /** The blocks of the extents, in their order; a block that cannot be read is the error instead. */
  load(extents: readonly Extent[]): Promise<(Block | Error)[]> {
    const blocks = extents.map(extent => this.#known(extent))
    const missing = new Map<number, Extent[]>()
    for (const [index, extent] of extents.entries()) {
      if (blocks[index] !== undefined) continue
      const ofObject = missing.get(extent.object)
      if (ofObject === undefined) missing.set(extent.object, [extent])
      else ofObject.push(extent)
    }
    for (const [object, wanted] of missing) {
      this.#startReads(object, wanted, (extent, block) => this.#cache.load(extent, block))
    }
    return Promise.all(
      extents.map((extent, index) => Promise.resolve(blocks[index] ?? this.#loading(extent)).catch(asError)),
    )
  }

  isAtHand(extent: Extent): boolean {
    return this.#cache.has(extent)
  }

  /** Starts to load those that are not there yet, as far as there is room. */
  loadAhead(extents: readonly Extent[]): void {
    const wanted: Extent[] = []
    let bytes = 0
    for (const extent of extents) {
      if (this.#cache.has(extent)) continue
      if (!this.#cache.hasRoomAhead(bytes + extent.length)) break
      bytes += extent.length
      wanted.push(extent)
    }
    for (const [object, ofObject] of Map.groupBy(wanted, extent => extent.object)) {
      this.#startReads(object, ofObject, (extent, block) => this.#cache.loadAhead(extent, block, extent.length))
    }
  }

  #known(extent: Extent): Block | Promise<Block> | undefined {
    return this.#cache.get(extent) ?? this.#cache.loading(extent)
  }

  async #loading(extent: Extent): Promise<Block> {
    const block = await this.#known(extent)
    if (block === undefined) throw new Error('the block left the cache while it was being loaded')
    return block
  }

  #startReads(
    object: number,
    wanted: readonly Extent[],
    announce: (extent: Extent, block: Promise<Block>) => Promise<Block>,
  ): void {
    const stored = this.#state().objects.live.get(object)
    for (const read of planReads(wanted)) {
      const bytes =
        stored === undefined
          ? Promise.reject(new Error(`object ${object} is gone`))
          : this.#store.get(objectKey(this.#prefix, stored), {
              position: read.position,
              length: read.end - read.position,
            })
      bytes.catch((cause: unknown) => {
        const isNamed = stored !== undefined && this.#state().objects.live.has(object)
        if (isNamed) this.#onUnreadable(objectKey(this.#prefix, stored), cause)
      })
      for (const extent of read.extents) {
        const from = extent.position - read.position
        const block = bytes.then(whole => {
          const own = whole.subarray(from, from + extent.length)
          const slice = isShareable(read) ? own : Buffer.from(own)
          return stored?.kind === 'wal' ? stampOffsets([slice], extent.baseOffset) : [slice]
        })
        // Who wants the block awaits it through the cache; here only the unhandled rejection is kept away.
        announce(extent, block).catch(() => {})
      }
    }
  }
}

/**
 * May the blocks of a read share its buffer? The last of them in the cache keeps all of it in memory, so only when it is
 * not large, or wanted by one block alone. Copying each block instead costs a third of the CPU time of cold reads.
 */
function isShareable(read: Read): boolean {
  return read.extents.length === 1 || read.end - read.position <= SHARED_READ_BYTES
}

/** Merges neighbouring extents of one object into few reads. */
export function planReads(extents: readonly Extent[]): Read[] {
  const reads: Read[] = []
  const ascending = [...extents].sort((a, b) => a.position - b.position)
  for (const extent of ascending) {
    const end = extent.position + extent.length
    const last = reads.at(-1)
    const near = last !== undefined && extent.position - last.end <= MERGE_GAP_BYTES
    if (last !== undefined && near && end - last.position <= MERGED_READ_BYTES) {
      last.end = Math.max(last.end, end)
      last.extents.push(extent)
    } else reads.push({ position: extent.position, end, extents: [extent] })
  }
  return reads
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause))
}
