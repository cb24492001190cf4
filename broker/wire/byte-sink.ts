/** Where decompressors put their bytes: grows as needed, but never beyond its limit. */

import { WireError } from './wire-error.ts'

/** Up to this length a loop beats the call into a copy. */
const SHORT_COPY = 16

export class ByteSink {
  private readonly limit: number
  private bytes: Buffer
  private length = 0

  constructor(expected: number, limit: number) {
    this.limit = limit
    this.bytes = Buffer.allocUnsafe(Math.min(Math.max(expected, 64), limit))
  }

  get written(): number {
    return this.length
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  append(source: Buffer, from: number, to: number): void {
    if (from > to || to > source.length) throw new WireError('compressed data end too early')
    this.reserve(to - from)
    source.copy(this.bytes, this.length, from, to)
    this.length += to - from
  }

  /** Repeats `count` bytes that begin `distance` bytes back; the two ranges may overlap. */
  repeat(distance: number, count: number): void {
    if (distance < 1 || distance > this.length) throw new WireError(`compressed data refer ${distance} bytes back`)
    this.reserve(count)
    const { bytes } = this
    const end = this.length + count
    if (distance >= count && count > SHORT_COPY) {
      bytes.copyWithin(this.length, this.length - distance, this.length - distance + count)
    } else {
      for (let at = this.length; at < end; at++) bytes[at] = bytes[at - distance] ?? 0
    }
    this.length = end
  }

  private reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    if (needed > this.limit) throw new WireError(`compressed data give more than ${this.limit} bytes`)
    const larger = Buffer.allocUnsafe(Math.min(this.limit, Math.max(needed, this.bytes.length * 2)))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}
