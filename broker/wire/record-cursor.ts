/**
 * Walks the records inside a batch, decompressed, without making an object for any of them. For the few places that must
 * look inside: the log cleaner, offsets by timestamp, keys of compacted topics, tools and tests.
 *
 * A record: length, attributes, timestamp delta, offset delta, key, value, headers; every number a zigzag varint, and a
 * length of -1 for null (KIP-98).
 */

import { WireError } from './wire-error.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export class RecordCursor {
  /** Of the record that `next` has moved to. */
  offsetDelta = -1
  timestampDelta = 0
  private readonly bytes: Buffer
  private readonly view: DataView
  private left: number
  private position = 0
  private recordEnd = 0
  private keyAt = 0
  private keyLength = -1
  private valueAt = 0
  private valueLength = -1
  private headersAt = 0

  /** `count` is what the batch header says; more or fewer records in `bytes` are a `WireError`. */
  constructor(bytes: Buffer, count: number) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.left = count
  }

  /** Moves to the next record; false after the last. */
  next(): boolean {
    this.position = this.recordEnd
    if (this.left <= 0) {
      if (this.position !== this.bytes.length) throw new WireError('bytes behind the last record')
      return false
    }
    this.left--
    const length = this.varint()
    if (length < 0 || length > this.bytes.length - this.position) throw new WireError(`record of ${length} bytes`)
    this.recordEnd = this.position + length
    this.skip(1)
    this.timestampDelta = this.varlong()
    this.offsetDelta = this.varint()
    this.keyLength = this.varint()
    this.keyAt = this.position
    this.skip(Math.max(0, this.keyLength))
    this.valueLength = this.varint()
    this.valueAt = this.position
    this.skip(Math.max(0, this.valueLength))
    this.headersAt = this.position
    return true
  }

  get hasKey(): boolean {
    return this.keyLength >= 0
  }

  get hasValue(): boolean {
    return this.valueLength >= 0
  }

  /** A slice, not a copy. */
  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keyLength)
  }

  /** A slice, not a copy. */
  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueLength)
  }

  get headers(): RecordHeader[] {
    this.position = this.headersAt
    const count = this.varint()
    if (count < 0 || count > this.recordEnd - this.position) throw new WireError(`${count} record headers`)
    const headers: RecordHeader[] = []
    for (let i = 0; i < count; i++) {
      const keyLength = this.varint()
      if (keyLength < 0) throw new WireError('record header without a key')
      const keyAt = this.position
      this.skip(keyLength)
      const key = this.bytes.toString('utf8', keyAt, this.position)
      const valueLength = this.varint()
      const valueAt = this.position
      this.skip(Math.max(0, valueLength))
      headers.push({ key, value: valueLength < 0 ? null : this.bytes.subarray(valueAt, this.position) })
    }
    return headers
  }

  private skip(length: number): void {
    if (length > this.recordEnd - this.position) throw new WireError('record that ends too early')
    this.position += length
  }

  private byte(): number {
    if (this.position >= this.bytes.length) throw new WireError('record that ends too early')
    return this.view.getUint8(this.position++)
  }

  private varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new WireError('varint of more than 32 bits')
  }

  /** Exact up to 2^53, near beyond. */
  private varlong(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      scale *= 128
    }
    throw new WireError('varint of more than 64 bits')
  }
}
