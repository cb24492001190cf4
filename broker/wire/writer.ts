/**
 * Writes Kafka's primitive types into a growing buffer. Together with `reader.ts` the only place that knows bytes.
 *
 * Byte strings and records of some size are taken by reference, not copied: whoever passes them must leave them alone
 * until the bytes have been sent. Values that the type cannot hold are a `WireError`, never silently cut.
 */

import type { UnknownTaggedField } from './unknown-tagged-fields.ts'
import { WireError } from './wire-error.ts'

const TWO_TO_32 = 4294967296
const TWO_TO_53 = 9007199254740992
const MAX_STRING_BYTES = 0x7fff
/** Up to this length a loop over the characters beats the call into the encoder. */
const SHORT_STRING = 16
/** Below this a copy costs less than one more element in the list that goes to the socket. */
const COPY_BELOW = 1024

/** What was written: slices in order, and the sum of their lengths. */
export interface Written {
  readonly buffers: Buffer[]
  readonly length: number
}

export class Writer {
  private buffer: Buffer
  private view: DataView
  private position = 0
  /** Slices taken by reference, and for each the position in `buffer` in front of which it stands. */
  private readonly slices: Buffer[] = []
  private readonly places: number[] = []
  private slicesLength = 0
  /** Inside a tagged field everything is copied, because its end may still move. */
  private openTags = 0

  constructor(capacity = 1024) {
    this.buffer = Buffer.allocUnsafe(capacity)
    this.view = viewOf(this.buffer)
  }

  /** Bytes written so far, slices included. */
  get length(): number {
    return this.position + this.slicesLength
  }

  /** The result. The writer must not be used afterwards. */
  finish(): Written {
    const { buffer, slices, places, position, length } = this
    if (slices.length === 0) return { buffers: [buffer.subarray(0, position)], length }
    const buffers: Buffer[] = []
    let from = 0
    for (const [i, slice] of slices.entries()) {
      const place = places[i] ?? position
      if (place > from) buffers.push(buffer.subarray(from, place))
      buffers.push(slice)
      from = place
    }
    if (position > from) buffers.push(buffer.subarray(from, position))
    return { buffers, length }
  }

  bool(value: boolean): void {
    const at = this.grow(1)
    this.view.setInt8(at, value ? 1 : 0)
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) throw outOfRange('int8', value)
    const at = this.grow(1)
    this.view.setInt8(at, value)
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) throw outOfRange('int16', value)
    const at = this.grow(2)
    this.view.setInt16(at, value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange('uint16', value)
    const at = this.grow(2)
    this.view.setUint16(at, value)
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw outOfRange('int32', value)
    const at = this.grow(4)
    this.view.setInt32(at, value)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw outOfRange('uint32', value)
    const at = this.grow(4)
    this.view.setUint32(at, value)
  }

  int64(value: number): void {
    if (!(value >= -TWO_TO_53 && value < TWO_TO_53) || Math.floor(value) !== value) throw outOfRange('int64', value)
    const high = Math.floor(value / TWO_TO_32)
    const at = this.grow(8)
    this.view.setInt32(at, high)
    this.view.setUint32(at + 4, value - high * TWO_TO_32)
  }

  float64(value: number): void {
    const at = this.grow(8)
    this.view.setFloat64(at, value)
  }

  uvarint(value: number): void {
    if (value >>> 0 !== value) throw outOfRange('varint', value)
    const at = this.grow(5)
    this.position = this.putUvarint(at, value)
  }

  uuid(value: string): void {
    const at = this.grow(16)
    if (value.length !== 22 || this.buffer.write(value, at, 16, 'base64url') !== 16) {
      throw new WireError(`not a uuid: ${value}`)
    }
  }

  string(value: string): void {
    const length = checkedTextLength(value)
    const at = this.grow(2)
    this.view.setInt16(at, length)
    this.text(value, length)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    const length = checkedTextLength(value)
    this.uvarint(length + 1)
    this.text(value, length)
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  bytes(value: Buffer): void {
    this.int32(value.length)
    this.raw(value)
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Buffer): void {
    this.uvarint(value.length + 1)
    this.raw(value)
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.uvarint(0)
    else this.compactBytes(value)
  }

  records(value: readonly Buffer[] | null): void {
    if (value === null) {
      this.int32(-1)
      return
    }
    this.int32(totalLength(value))
    for (const slice of value) this.raw(slice)
  }

  compactRecords(value: readonly Buffer[] | null): void {
    if (value === null) {
      this.uvarint(0)
      return
    }
    this.uvarint(totalLength(value) + 1)
    for (const slice of value) this.raw(slice)
  }

  arrayLength(count: number): void {
    this.int32(count)
  }

  compactArrayLength(count: number): void {
    this.uvarint(count + 1)
  }

  /** The marker before a struct that may be null. */
  presence(isPresent: boolean): void {
    this.int8(isPresent ? 1 : -1)
  }

  /** Begins a tagged field; returns what `endTag` needs. */
  beginTag(tag: number): number {
    this.uvarint(tag)
    this.openTags++
    // One byte for the size, which nearly always suffices.
    return this.grow(1)
  }

  /** Fills in the size of the tagged field that began with `place`. */
  endTag(place: number): void {
    const start = place + 1
    const size = this.position - start
    const sizeBytes = uvarintLength(size)
    if (sizeBytes > 1) {
      this.grow(sizeBytes - 1)
      this.buffer.copyWithin(place + sizeBytes, start, start + size)
    }
    this.putUvarint(place, size)
    this.openTags--
  }

  /** The tagged fields of a struct that has none of its own. */
  onlyUnknownTags(fields: readonly UnknownTaggedField[] | undefined): void {
    this.uvarint(fields === undefined ? 0 : fields.length)
    this.unknownTags(fields, 0)
  }

  /** Writes tagged fields that came from elsewhere, after the known ones: their tags must be `lowest` or above. */
  unknownTags(fields: readonly UnknownTaggedField[] | undefined, lowest: number): void {
    if (fields === undefined) return
    let next = lowest
    for (const { tag, data } of fields) {
      if (tag < next) throw new WireError(`tag ${tag} where ${next} or above must be`)
      this.uvarint(tag)
      this.uvarint(data.length)
      this.raw(data)
      next = tag + 1
    }
  }

  /** Bytes without a length in front. */
  raw(value: Buffer): void {
    if (value.length < COPY_BELOW || this.openTags > 0) {
      const at = this.grow(value.length)
      this.buffer.set(value, at)
      return
    }
    this.slices.push(value)
    this.places.push(this.position)
    this.slicesLength += value.length
  }

  private text(value: string, length: number): void {
    const at = this.grow(length)
    if (length !== value.length || length > SHORT_STRING) {
      this.buffer.write(value, at, length, 'utf8')
      return
    }
    const view = this.view
    for (let i = 0; i < length; i++) view.setUint8(at + i, value.charCodeAt(i))
  }

  /** Returns the position after the number. */
  private putUvarint(place: number, value: number): number {
    let at = place
    let rest = value
    while (rest > 0x7f) {
      this.view.setUint8(at++, (rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.view.setUint8(at++, rest)
    return at
  }

  /** Makes room for `length` bytes and returns where they begin. */
  private grow(length: number): number {
    const at = this.position
    const end = at + length
    if (end > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.buffer.length * 2))
      larger.set(this.buffer.subarray(0, at))
      this.buffer = larger
      this.view = viewOf(larger)
    }
    this.position = end
    return at
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

function uvarintLength(value: number): number {
  let length = 1
  for (let rest = value >>> 7; rest !== 0; rest >>>= 7) length++
  return length
}

function totalLength(slices: readonly Buffer[]): number {
  let length = 0
  for (const slice of slices) length += slice.length
  return length
}

/** Bytes of a string in UTF-8; equal to its length only when it is ASCII. */
function checkedTextLength(value: string): number {
  const length = Buffer.byteLength(value)
  if (length > MAX_STRING_BYTES) throw new WireError(`string of ${length} bytes`)
  return length
}

function outOfRange(type: string, value: number): WireError {
  return new WireError(`${value} is no ${type}`)
}
