/**
 * The extents of one partition: which bytes of which object hold which offsets.
 *
 * An extent is (base offset, record count, object, position, length, max timestamp). Extents are dense and ascending:
 * each begins where the one before it ends. They are kept as one row of numbers, 48 bytes an extent and no JavaScript
 * object for each, because a broker holds the extents of every partition of the cluster in memory. Not in typed arrays:
 * most logs are short, and each of those costs more than all of its content (100,000 partitions: seconds at the start).
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

/** Numbers of an extent in a row: base offset, max timestamp, object, position, length, count. */
const WIDTH = 6
const [BASE, MAX_TIMESTAMP, OBJECT, POSITION, LENGTH, COUNT] = [0, 1, 2, 3, 4, 5] as const
/** What a snapshot takes for an extent: the first three as float64, the others as uint32. */
const ENCODED_EXTENT = 36
const WIDE_COLUMNS = 3

export class ExtentLog {
  /** The rows; of those before `#first` nothing is left but their place. */
  #rows: number[] = []
  #first = 0
  #bytes = 0

  get size(): number {
    return this.#rows.length / WIDTH - this.#first
  }

  /** Bytes of all extents together. */
  get bytes(): number {
    return this.#bytes
  }

  push({ baseOffset, maxTimestamp, object, position, length, count }: Extent): void {
    this.#rows.push(baseOffset, maxTimestamp, object, position, length, count)
    this.#bytes += length
  }

  /** Index of the extent that holds `offset`, or of the first one after it; `size` when there is none. */
  find(offset: number): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#number(middle, BASE) + this.#number(middle, COUNT) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  at(index: number): Extent {
    if (index < 0 || index >= this.size) throw new RangeError(`no extent ${index}`)
    return {
      baseOffset: this.#number(index, BASE),
      count: this.#number(index, COUNT),
      object: this.#number(index, OBJECT),
      position: this.#number(index, POSITION),
      length: this.#number(index, LENGTH),
      maxTimestamp: this.#number(index, MAX_TIMESTAMP),
    }
  }

  lengthAt(index: number): number {
    return this.#number(index, LENGTH)
  }

  maxTimestampAt(index: number): number {
    return this.#number(index, MAX_TIMESTAMP)
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
    if (this.#first > 64 ? this.#first > this.size : this.size === 0) this.#close()
  }

  /** Puts `replacement` in the place of `count` extents from `index` on. Both cover the same offsets. */
  replace(index: number, count: number, replacement: readonly Extent[], dropped: (extent: Extent) => void): void {
    const tail: Extent[] = []
    for (let n = index + count; n < this.size; n++) tail.push(this.at(n))
    for (let n = index; n < index + count; n++) dropped(this.at(n))
    for (let n = index; n < this.size; n++) this.#bytes -= this.lengthAt(n)
    this.#rows.length = (this.#first + index) * WIDTH
    for (const extent of replacement) this.push(extent)
    for (const extent of tail) this.push(extent)
  }

  /** 36 bytes an extent, column after column in the order of the rows, little-endian: for snapshots. */
  encode(): Buffer {
    const { size } = this
    const encoded = Buffer.allocUnsafe(size * ENCODED_EXTENT)
    let at = 0
    for (let column = 0; column < WIDTH; column++) {
      for (let index = 0; index < size; index++) {
        const value = this.#number(index, column)
        at = column < WIDE_COLUMNS ? encoded.writeDoubleLE(value, at) : encoded.writeUInt32LE(value, at)
      }
    }
    return encoded
  }

  /** Throws RangeError for bytes that are no whole number of extents. */
  static decode(encoded: Buffer): ExtentLog {
    const size = encoded.length / ENCODED_EXTENT
    if (!Number.isInteger(size)) throw new RangeError(`${encoded.length} bytes are no extents`)
    const log = new ExtentLog()
    const wide = (column: number, index: number): number => encoded.readDoubleLE((column * size + index) * 8)
    const narrow = (column: number, index: number): number =>
      encoded.readUInt32LE(((WIDE_COLUMNS + column) * size + index) * 4)
    for (let index = 0; index < size; index++) {
      log.push({
        baseOffset: wide(BASE, index),
        maxTimestamp: wide(MAX_TIMESTAMP, index),
        object: wide(OBJECT, index),
        position: narrow(POSITION, index),
        length: narrow(LENGTH, index),
        count: narrow(COUNT, index),
      })
    }
    return log
  }

  #number(index: number, column: number): number {
    return this.#rows[(this.#first + index) * WIDTH + column] ?? 0
  }

  /** Gives back the memory of what was dropped. */
  #close(): void {
    this.#rows = this.#rows.slice(this.#first * WIDTH)
    this.#first = 0
  }
}
