/**
 * The extents of one partition: which bytes of which object hold which offsets.
 *
 * An extent is (base offset, record count, object, position, length, max timestamp). Extents are dense and ascending:
 * each begins where the one before it ends. They are kept as columns of typed arrays, about 36 bytes each and no
 * JavaScript object per extent, because a broker holds the extents of every partition of the cluster in memory.
 *
 * Promises: `find` is a binary search; appending is amortised O(1); dropping a prefix is O(dropped).
 */

/** One extent as a plain object, for readers that look at one at a time. */
export interface Extent {
  readonly baseOffset: number
  /** Offsets covered, counting those that compaction removed. */
  readonly count: number
  /** Handle of the object in the object table. */
  readonly object: number
  /** Bytes from the start of the object. */
  readonly position: number
  /** Bytes. */
  readonly length: number
  /** Largest record timestamp, ms; -1 when the extent has none. */
  readonly maxTimestamp: number
}

/** The most offsets that one extent covers: what commands can say of one. A batch covers no more. */
export const MAX_EXTENT_COUNT = 2 ** 31 - 1

const INITIAL_CAPACITY = 4
/** What partitions without records share: there may be hundreds of thousands of them. */
const NO_NUMBERS = new Float64Array(0)
const NO_INTEGERS = new Uint32Array(0)
const ENCODED_EXTENT = 36

export class ExtentLog {
  #base = NO_NUMBERS
  #maxTimestamp = NO_NUMBERS
  #object = NO_NUMBERS
  #position = NO_INTEGERS
  #length = NO_INTEGERS
  #count = NO_INTEGERS
  #first = 0
  #end = 0
  #bytes = 0

  get size(): number {
    return this.#end - this.#first
  }

  /** Bytes of all extents together. */
  get bytes(): number {
    return this.#bytes
  }

  push(extent: Extent): void {
    if (this.#end === this.#base.length) this.#makeRoom()
    const at = this.#end++
    this.#set(at, extent)
    this.#bytes += extent.length
  }

  /** Index of the extent that holds `offset`, or of the first one after it; `size` when there is none. */
  find(offset: number): number {
    let low = this.#first
    let high = this.#end
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#base[middle] ?? 0) + (this.#count[middle] ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return low - this.#first
  }

  at(index: number): Extent {
    const at = this.#first + index
    if (index < 0 || at >= this.#end) throw new RangeError(`no extent ${index}`)
    return {
      baseOffset: this.#base[at] ?? 0,
      count: this.#count[at] ?? 0,
      object: this.#object[at] ?? 0,
      position: this.#position[at] ?? 0,
      length: this.#length[at] ?? 0,
      maxTimestamp: this.#maxTimestamp[at] ?? -1,
    }
  }

  lengthAt(index: number): number {
    return this.#length[this.#first + index] ?? 0
  }

  maxTimestampAt(index: number): number {
    return this.#maxTimestamp[this.#first + index] ?? -1
  }

  *[Symbol.iterator](): Generator<Extent> {
    for (let index = 0; index < this.size; index++) yield this.at(index)
  }

  /** Removes the first `count` extents, telling each one to `dropped`. */
  dropFirst(count: number, dropped: (extent: Extent) => void): void {
    for (let n = 0; n < count; n++) {
      const extent = this.at(0)
      this.#first++
      this.#bytes -= extent.length
      dropped(extent)
    }
    if (this.#first > 64 && this.#first * 2 > this.#base.length) this.#moveTo(this.#base.length >>> 1)
  }

  /** Puts `replacement` in the place of `count` extents from `index` on. Both cover the same offsets. */
  replace(index: number, count: number, replacement: readonly Extent[], dropped: (extent: Extent) => void): void {
    const tail: Extent[] = []
    for (let n = index + count; n < this.size; n++) tail.push(this.at(n))
    for (let n = index; n < index + count; n++) dropped(this.at(n))
    for (let n = index; n < this.size; n++) this.#bytes -= this.lengthAt(n)
    this.#end = this.#first + index
    for (const extent of replacement) this.push(extent)
    for (const extent of tail) this.push(extent)
  }

  /** 36 bytes an extent, column after column in the order of the fields below, little-endian: for snapshots. */
  encode(): Buffer {
    const columns = [this.#base, this.#maxTimestamp, this.#object, this.#position, this.#length, this.#count]
    return Buffer.concat(columns.map(column => bytesOf(column.subarray(this.#first, this.#end))))
  }

  /** Throws RangeError for bytes that are no whole number of extents. */
  static decode(encoded: Buffer): ExtentLog {
    const size = encoded.length / ENCODED_EXTENT
    if (!Number.isInteger(size)) throw new RangeError(`${encoded.length} bytes are no extents`)
    const log = new ExtentLog()
    log.#moveTo(size)
    const columns = [log.#base, log.#maxTimestamp, log.#object, log.#position, log.#length, log.#count]
    let at = 0
    for (const column of columns) {
      const target = bytesOf(column.subarray(0, size))
      encoded.copy(target, 0, at, at + target.length)
      at += target.length
    }
    log.#end = size
    for (let index = 0; index < size; index++) log.#bytes += log.lengthAt(index)
    return log
  }

  #set(at: number, extent: Extent): void {
    this.#base[at] = extent.baseOffset
    this.#maxTimestamp[at] = extent.maxTimestamp
    this.#object[at] = extent.object
    this.#position[at] = extent.position
    this.#length[at] = extent.length
    this.#count[at] = extent.count
  }

  #makeRoom(): void {
    this.#moveTo(this.#first * 2 > this.#base.length ? this.#base.length : this.#base.length * 2)
  }

  #moveTo(capacity: number): void {
    const room = Math.max(capacity, this.size, INITIAL_CAPACITY)
    const moved = <A extends Float64Array | Uint32Array>(from: A, to: A): A => {
      to.set(from.subarray(this.#first, this.#end))
      return to
    }
    this.#base = moved(this.#base, new Float64Array(room))
    this.#maxTimestamp = moved(this.#maxTimestamp, new Float64Array(room))
    this.#object = moved(this.#object, new Float64Array(room))
    this.#position = moved(this.#position, new Uint32Array(room))
    this.#length = moved(this.#length, new Uint32Array(room))
    this.#count = moved(this.#count, new Uint32Array(room))
    this.#end -= this.#first
    this.#first = 0
  }
}

function bytesOf(column: Float64Array | Uint32Array): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength)
}
