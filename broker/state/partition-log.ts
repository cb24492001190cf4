/**
 * The log of one partition: its offsets, the extents that hold them, and its idempotent producers.
 *
 * Offsets are dense from `logStartOffset` to `nextOffset` and never change. `nextOffset` is the high watermark: an entry
 * that is applied is durable, so there is nothing between log end and high watermark. The last stable offset is the
 * same until transactions exist.
 */
import { type Extent, ExtentLog } from './extents.ts'
import { Producers } from './producers.ts'

export class PartitionLog {
  readonly topicId: string
  readonly topicName: string
  readonly partition: number
  logStartOffset = 0
  nextOffset = 0
  #extents = new ExtentLog()
  readonly producers = new Producers()

  constructor(topicId: string, topicName: string, partition: number) {
    this.topicId = topicId
    this.topicName = topicName
    this.partition = partition
  }

  get extents(): ExtentLog {
    return this.#extents
  }

  get highWatermark(): number {
    return this.nextOffset
  }

  get lastStableOffset(): number {
    return this.nextOffset
  }

  /** Bytes from `offset` to the end, as far as extents can tell; counting stops at `enough`. */
  bytesFrom(offset: number, enough: number): number {
    if (offset >= this.nextOffset) return 0
    let index = this.#extents.find(offset)
    if (index >= this.#extents.size) return 0
    // Of the first extent only the share behind the offset.
    const { baseOffset, count, length } = this.#extents.at(index)
    let bytes = Math.ceil((length * (baseOffset + count - Math.max(offset, baseOffset))) / count)
    while (bytes < enough && ++index < this.#extents.size) bytes += this.#extents.lengthAt(index)
    return bytes
  }

  /** Takes over what a snapshot holds. */
  restore(logStartOffset: number, nextOffset: number, extents: ExtentLog): void {
    this.logStartOffset = logStartOffset
    this.nextOffset = nextOffset
    this.#extents = extents
  }

  append(extent: Extent): void {
    this.#extents.push(extent)
    this.nextOffset = extent.baseOffset + extent.count
  }

  /** Moves the log start up to `offset` and drops the extents that end at or before it. */
  trimTo(offset: number, dropped: (extent: Extent) => void): void {
    if (offset <= this.logStartOffset) return
    this.logStartOffset = Math.min(offset, this.nextOffset)
    this.#extents.dropFirst(this.#extents.find(this.logStartOffset), dropped)
  }

  /** Everything goes: the topic was deleted. */
  clear(dropped: (extent: Extent) => void): void {
    this.#extents.dropFirst(this.#extents.size, dropped)
  }
}
