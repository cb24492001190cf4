/**
 * Reads Kafka's primitive types from a frame. Together with `writer.ts` the only place that knows bytes.
 *
 * Promises: nothing is read outside [position, end); no list is begun that the remaining bytes could not hold; every
 * violation is a `WireError`. Byte strings and records are slices of the frame, not copies: they keep it alive.
 */

import type { UnknownTaggedField } from './unknown-tagged-fields.ts'
import { ZERO_UUID } from './uuid.ts'
import { WireError } from './wire-error.ts'

const TWO_TO_32 = 4294967296
/** High words of -2^53 and of 2^53 - 1. */
const LOWEST_HIGH_WORD = -0x200000
const HIGHEST_HIGH_WORD = 0x1fffff
const MAX_STRING_BYTES = 0x7fff
/** Up to this length a loop over the bytes beats the call into the decoder. */
const SHORT_STRING = 8

export class Reader {
  readonly buffer: Buffer
  readonly end: number
  position: number
  private readonly view: DataView

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    if (position < 0 || position > end || end > buffer.length) {
      throw new WireError(`range ${position}..${end} lies outside a buffer of ${buffer.length} bytes`)
    }
    this.buffer = buffer
    this.position = position
    this.end = end
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** A message must fill its frame: more bytes mean that the two sides disagree about the version. */
  expectEnd(): void {
    if (this.position !== this.end) throw new WireError(`${this.remaining} bytes left over`)
  }

  bool(): boolean {
    return this.view.getUint8(this.take(1)) !== 0
  }

  int8(): number {
    return this.view.getInt8(this.take(1))
  }

  int16(): number {
    return this.view.getInt16(this.take(2))
  }

  uint16(): number {
    return this.view.getUint16(this.take(2))
  }

  int32(): number {
    return this.view.getInt32(this.take(4))
  }

  uint32(): number {
    return this.view.getUint32(this.take(4))
  }

  /** An integer that a number holds exactly; throws beyond -2^53..2^53-1. */
  int64(): number {
    const at = this.take(8)
    const high = this.view.getInt32(at)
    if (high < LOWEST_HIGH_WORD || high > HIGHEST_HIGH_WORD) throw new WireError('int64 beyond 2^53')
    return high * TWO_TO_32 + this.view.getUint32(at + 4)
  }

  /** Like `int64`, but values out of reach become the nearest safe integer. */
  saturatingInt64(): number {
    const at = this.take(8)
    const high = this.view.getInt32(at)
    if (high < LOWEST_HIGH_WORD) return Number.MIN_SAFE_INTEGER
    if (high > HIGHEST_HIGH_WORD) return Number.MAX_SAFE_INTEGER
    return high * TWO_TO_32 + this.view.getUint32(at + 4)
  }

  float64(): number {
    return this.view.getFloat64(this.take(8))
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.view.getUint8(this.take(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    const byte = this.view.getUint8(this.take(1))
    if (byte > 0x0f) throw new WireError('varint of more than 32 bits')
    return byte * 0x10000000 + value
  }

  uuid(): string {
    const at = this.take(16)
    const view = this.view
    if (
      view.getInt32(at) === 0 &&
      view.getInt32(at + 4) === 0 &&
      view.getInt32(at + 8) === 0 &&
      view.getInt32(at + 12) === 0
    ) {
      return ZERO_UUID
    }
    return this.buffer.toString('base64url', at, at + 16)
  }

  string(): string {
    return this.text(this.int16())
  }

  nullableString(): string | null {
    const length = this.int16()
    return length === -1 ? null : this.text(length)
  }

  compactString(): string {
    return this.text(this.uvarint() - 1)
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1
    return length === -1 ? null : this.text(length)
  }

  bytes(): Buffer {
    return this.slice(this.int32())
  }

  nullableBytes(): Buffer | null {
    const length = this.int32()
    return length === -1 ? null : this.slice(length)
  }

  compactBytes(): Buffer {
    return this.slice(this.uvarint() - 1)
  }

  compactNullableBytes(): Buffer | null {
    const length = this.uvarint() - 1
    return length === -1 ? null : this.slice(length)
  }

  records(): Buffer[] | null {
    const slice = this.nullableBytes()
    return slice === null ? null : [slice]
  }

  compactRecords(): Buffer[] | null {
    const slice = this.compactNullableBytes()
    return slice === null ? null : [slice]
  }

  /** The count of a list whose elements take at least `elementBytes` each. */
  arrayLength(elementBytes: number): number {
    return this.countOf(this.int32(), elementBytes)
  }

  /** As `arrayLength`; -1 for null. */
  nullableArrayLength(elementBytes: number): number {
    const count = this.int32()
    return count === -1 ? -1 : this.countOf(count, elementBytes)
  }

  compactArrayLength(elementBytes: number): number {
    return this.countOf(this.uvarint() - 1, elementBytes)
  }

  compactNullableArrayLength(elementBytes: number): number {
    const count = this.uvarint() - 1
    return count === -1 ? -1 : this.countOf(count, elementBytes)
  }

  /** The marker before a struct that may be null. */
  isPresent(): boolean {
    return this.int8() >= 0
  }

  /** The next tag, which must be above the one before it. */
  nextTag(previous: number): number {
    const tag = this.uvarint()
    if (tag <= previous) throw new WireError(`tag ${tag} after tag ${previous}`)
    return tag
  }

  /** The size of a tagged field; returns the position at which it must end. */
  taggedFieldEnd(): number {
    const size = this.uvarint()
    if (size > this.end - this.position) throw new WireError(`tagged field of ${size} bytes, ${this.remaining} left`)
    return this.position + size
  }

  expectPosition(expected: number): void {
    if (this.position !== expected) throw new WireError('tagged field with a wrong size')
  }

  /** The tagged fields of a struct that has none of its own; undefined when there are none. */
  unknownTags(): UnknownTaggedField[] | undefined {
    let unknown: UnknownTaggedField[] | undefined
    for (let left = this.uvarint(), tag = -1; left > 0; left--) {
      tag = this.nextTag(tag)
      unknown = this.unknownTag(unknown, tag, this.taggedFieldEnd())
    }
    return unknown
  }

  /** Adds the tagged field that ends at `end` to those not understood. */
  unknownTag(known: UnknownTaggedField[] | undefined, tag: number, end: number): UnknownTaggedField[] {
    const field = { tag, data: this.slice(end - this.position) }
    if (known === undefined) return [field]
    known.push(field)
    return known
  }

  private take(length: number): number {
    const at = this.position
    if (length > this.end - at) throw new WireError(`${length} bytes wanted, ${this.end - at} left`)
    this.position = at + length
    return at
  }

  private slice(length: number): Buffer {
    if (length < 0) throw new WireError('null or negative length where bytes must be')
    const at = this.take(length)
    return this.buffer.subarray(at, at + length)
  }

  private text(length: number): string {
    if (length < 0) throw new WireError('null or negative length where a string must be')
    if (length > MAX_STRING_BYTES) throw new WireError(`string of ${length} bytes`)
    const at = this.take(length)
    if (length > SHORT_STRING) return this.buffer.toString('utf8', at, at + length)
    const view = this.view
    let text = ''
    for (let i = at; i < at + length; i++) {
      const byte = view.getUint8(i)
      if (byte > 0x7f) return this.buffer.toString('utf8', at, at + length)
      text += String.fromCharCode(byte)
    }
    return text
  }

  private countOf(count: number, elementBytes: number): number {
    if (count < 0) throw new WireError('null or negative count where a list must be')
    if (count * elementBytes > this.end - this.position) {
      throw new WireError(`list of ${count} elements in ${this.remaining} bytes`)
    }
    return count
  }
}
