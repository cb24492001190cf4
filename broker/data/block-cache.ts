/**
 * Extents in memory: the one cache that every read goes through.
 *
 * An entry is one extent, its batches patched with their offsets, so that a fetch response is made of slices of it. The
 * cache is bounded by bytes, least recently used first out, and a block that several readers want at once is loaded once
 * (single flight). What a reader holds stays valid after it was evicted: buffers are never reused or changed. Blocks may be
 * loaded ahead of anybody who wants them; how much of that waits is counted, so that it can be bounded.
 */

/** The bytes of one extent as consecutive buffers, each a whole number of batches. */
export type Block = readonly Buffer[]

export interface BlockKey {
  /** Handle of the object. */
  readonly object: number
  /** Bytes from the start of the object. */
  readonly position: number
}

/** What an entry costs beside its bytes: map, strings and buffer objects. */
const ENTRY_OVERHEAD = 300

export class BlockCache {
  readonly #capacity: number
  readonly #blocks = new Map<string, { readonly block: Block; readonly bytes: number }>()
  readonly #loading = new Map<string, Promise<Block>>()
  /** Bytes of the blocks that were loaded ahead and that nobody has wanted yet. */
  readonly #ahead = new Map<string, number>()
  #bytes = 0
  #aheadBytes = 0
  hits = 0
  misses = 0

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes
  }

  /** Bytes held, overhead included. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether that many bytes more may be loaded ahead: together they take a quarter of the cache. */
  hasRoomAhead(bytes: number): boolean {
    return this.#aheadBytes + bytes <= this.#capacity / 4
  }

  /** Whether the block is there or on its way; no use of it. */
  has(key: BlockKey): boolean {
    const name = nameOf(key)
    return this.#blocks.has(name) || this.#loading.has(name)
  }

  get(key: BlockKey): Block | undefined {
    const name = nameOf(key)
    const entry = this.#blocks.get(name)
    if (entry === undefined) return undefined
    this.#noLongerAhead(name)
    this.#blocks.delete(name)
    this.#blocks.set(name, entry)
    this.hits++
    return entry.block
  }

  /** The promise of a block that is being loaded, if it is. */
  loading(key: BlockKey): Promise<Block> | undefined {
    const name = nameOf(key)
    this.#noLongerAhead(name)
    return this.#loading.get(name)
  }

  /** As `load`, of a block that nobody has asked for; it has that many bytes. */
  loadAhead(key: BlockKey, block: Promise<Block>, bytes: number): Promise<Block> {
    this.#ahead.set(nameOf(key), bytes)
    this.#aheadBytes += bytes
    return this.load(key, block)
  }

  /** Announces that a block is being loaded; it enters the cache when `block` resolves. */
  load(key: BlockKey, block: Promise<Block>): Promise<Block> {
    const name = nameOf(key)
    this.misses++
    const loaded = block.then(
      value => {
        this.#loading.delete(name)
        this.put(key, value)
        return value
      },
      cause => {
        this.#loading.delete(name)
        this.#noLongerAhead(name)
        throw cause
      },
    )
    this.#loading.set(name, loaded)
    return loaded
  }

  put(key: BlockKey, block: Block): void {
    const name = nameOf(key)
    let bytes = ENTRY_OVERHEAD
    for (const buffer of block) bytes += buffer.length
    this.#drop(name)
    this.#blocks.set(name, { block, bytes })
    this.#bytes += bytes
    for (const oldest of this.#blocks.keys()) {
      if (this.#bytes <= this.#capacity) break
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    this.#noLongerAhead(name)
    this.#drop(name)
  }

  #noLongerAhead(name: string): void {
    const bytes = this.#ahead.get(name)
    if (bytes === undefined) return
    this.#ahead.delete(name)
    this.#aheadBytes -= bytes
  }

  #drop(name: string): void {
    const entry = this.#blocks.get(name)
    if (entry === undefined) return
    this.#blocks.delete(name)
    this.#bytes -= entry.bytes
  }
}

function nameOf({ object, position }: BlockKey): string {
  return `${object}/${position}`
}
