/**
 * Random valid messages as bytes, made by walking the schema: a second, slow way to the wire format, for tests of the
 * generated one. Deterministic for a seed.
 */

import type { ScalarType } from '../../broker/wire/schema/notation.ts'
import { Writer } from '../../broker/wire/writer.ts'
import { type ElementModel, type FieldModel, isIn, type MessageModel, type StructModel } from '../generate/model.ts'

/** A number of 0 or more, below `below`. */
export type Random = (below: number) => number

/** mulberry32: small, and good enough for tests. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes.writeUInt8(random(256), i)
  return bytes
}

export function randomMessage(message: MessageModel, version: number, random: Random): Buffer {
  return new MessageWriter(version, random).write(message.root)
}

const TEXTS = ['', 'a', 'topic-7', 'gråt', '日本', 'x'.repeat(40)]

class MessageWriter {
  private readonly version: number
  private readonly random: Random

  constructor(version: number, random: Random) {
    this.version = version
    this.random = random
  }

  write(struct: StructModel): Buffer {
    const writer = new Writer(16)
    this.struct(writer, struct)
    return bytesOf(writer)
  }

  private struct(writer: Writer, struct: StructModel): void {
    const present = struct.fields.filter(field => isIn(this.version, field.versions))
    for (const field of present) if (field.tag === undefined) this.field(writer, struct, field)
    if (this.version < struct.flexibleSince) return
    const tagged = present.filter(field => field.tag !== undefined && this.random(2) === 0)
    tagged.sort((a, b) => (a.tag ?? 0) - (b.tag ?? 0))
    const unknown = this.random(4) === 0 ? 1 : 0
    writer.uvarint(tagged.length + unknown)
    for (const field of tagged) {
      const value = new Writer(16)
      this.field(value, struct, field)
      const bytes = bytesOf(value)
      writer.uvarint(field.tag ?? 0)
      writer.uvarint(bytes.length)
      writer.raw(bytes)
    }
    const data = randomBytes(this.random, this.random(5))
    if (unknown > 0) writer.unknownTags([{ tag: 100 + this.random(1000), data }], 100)
  }

  private field(writer: Writer, struct: StructModel, field: FieldModel): void {
    const flexible = this.version >= struct.flexibleSince
    const isNull = this.version >= field.nullableSince && this.random(4) === 0
    const { type } = field
    if (type.kind === 'array') {
      const count = isNull ? -1 : this.random(3)
      if (flexible) writer.compactArrayLength(count)
      else writer.arrayLength(count)
      for (let i = 0; i < count; i++) this.element(writer, type.element, flexible, false)
      return
    }
    if (type.kind === 'struct' && this.version >= field.nullableSince) {
      writer.presence(!isNull)
      if (isNull) return
    }
    this.element(writer, type, flexible && !field.neverCompact, isNull)
  }

  private element(writer: Writer, type: ElementModel, compact: boolean, isNull: boolean): void {
    if (type.kind === 'struct') {
      this.struct(writer, type.struct)
      return
    }
    this.scalar(writer, type.scalar, compact, isNull)
  }

  private scalar(writer: Writer, type: ScalarType, compact: boolean, isNull: boolean): void {
    const { random } = this
    if (type === 'bool') writer.bool(random(2) === 0)
    else if (type === 'int8') writer.int8(random(256) - 128)
    else if (type === 'int16') writer.int16(random(65536) - 32768)
    else if (type === 'uint16') writer.uint16(random(65536))
    else if (type === 'int32') writer.int32(random(2 ** 32) - 2 ** 31)
    else if (type === 'uint32') writer.uint32(random(2 ** 32))
    else if (type === 'int64') writer.int64((random(2 ** 21) - 2 ** 20) * 2 ** 32 + random(2 ** 32))
    else if (type === 'float64') writer.float64(random(1000) / 8)
    else if (type === 'uuid') writer.raw(random(3) === 0 ? Buffer.alloc(16) : randomBytes(random, 16))
    else if (type === 'string') {
      const text = isNull ? null : (TEXTS[random(TEXTS.length)] ?? '')
      if (compact) writer.compactNullableString(text)
      else writer.nullableString(text)
    } else {
      const bytes = isNull ? null : randomBytes(random, random(20))
      if (compact) writer.compactNullableBytes(bytes)
      else writer.nullableBytes(bytes)
    }
  }
}

function bytesOf(writer: Writer): Buffer {
  const { buffers, length } = writer.finish()
  return Buffer.concat(buffers, length)
}
