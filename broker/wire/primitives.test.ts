import { describe, expect, test } from '@jest/globals'
import { Reader } from './reader.ts'
import { ZERO_UUID } from './uuid.ts'
import { WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

function written(write: (writer: Writer) => void): string {
  const writer = new Writer(1)
  write(writer)
  const { buffers, length } = writer.finish()
  expect(length).toBe(writer.length)
  return Buffer.concat(buffers, length).toString('hex')
}

function reader(hex: string): Reader {
  return new Reader(Buffer.from(hex, 'hex'))
}

describe('numbers', () => {
  test('int64 is exact up to 2^53 in both directions and refused beyond', () => {
    const known: readonly (readonly [number, string])[] = [
      [0, '0000000000000000'],
      [-1, 'ffffffffffffffff'],
      [4294967295, '00000000ffffffff'],
      [4294967296, '0000000100000000'],
      [-4294967296, 'ffffffff00000000'],
      [-4294967297, 'fffffffeffffffff'],
      [2 ** 53 - 1, '001fffffffffffff'],
      [-(2 ** 53), 'ffe0000000000000'],
    ]
    for (const [value, hex] of known) {
      expect(written(writer => writer.int64(value))).toBe(hex)
      expect(reader(hex).int64()).toBe(value)
      expect(reader(hex).saturatingInt64()).toBe(value)
    }
    for (const hex of ['0020000000000000', '7fffffffffffffff', 'ffdfffffffffffff', '8000000000000000']) {
      expect(() => reader(hex).int64()).toThrow(WireError)
    }
    for (const value of [2 ** 53, -(2 ** 53) - 2, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => written(writer => writer.int64(value))).toThrow(WireError)
    }
  })

  test('what a type cannot hold is refused, not cut', () => {
    const refused: readonly ((writer: Writer) => void)[] = [
      writer => writer.int8(128),
      writer => writer.int8(-129),
      writer => writer.int16(32768),
      writer => writer.uint16(-1),
      writer => writer.uint16(65536),
      writer => writer.int32(2147483648),
      writer => writer.int32(1.5),
      writer => writer.int32(Number.NaN),
      writer => writer.uint32(-1),
      writer => writer.uint32(4294967296),
      writer => writer.uvarint(-1),
      writer => writer.string('x'.repeat(32768)),
      writer => writer.compactString('é'.repeat(16384)),
      writer => writer.uuid('short'),
      writer => writer.uuid('AAAAAAAAAAAAAAAAAAAA!!'),
    ]
    for (const write of refused) expect(() => written(write)).toThrow(WireError)
  })

  test('varints have at most 32 bits', () => {
    const known: readonly (readonly [number, string])[] = [
      [0, '00'],
      [127, '7f'],
      [128, '8001'],
      [16383, 'ff7f'],
      [16384, '808001'],
      [2 ** 28 - 1, 'ffffff7f'],
      [2 ** 28, '8080808001'],
      [4294967295, 'ffffffff0f'],
    ]
    for (const [value, hex] of known) {
      expect(written(writer => writer.uvarint(value))).toBe(hex)
      expect(reader(hex).uvarint()).toBe(value)
    }
    for (const hex of ['ffffffff10', 'ffffffffff01', '80808080', ''])
      expect(() => reader(hex).uvarint()).toThrow(WireError)
  })
})

describe('strings and bytes', () => {
  test.each([
    '',
    'plain',
    'exactly twenty-four chars',
    'x'.repeat(300),
    'smörgås',
    '日本語'.repeat(30),
    '🚀',
    '\u0000\u007f',
  ])('%j comes back', text => {
    for (const value of [text, null]) {
      const hex = written(writer => {
        writer.nullableString(value)
        writer.compactNullableString(value)
        writer.string(text)
        writer.compactString(text)
      })
      const from = reader(hex)
      expect([from.nullableString(), from.compactNullableString(), from.string(), from.compactString()]).toEqual([
        value,
        value,
        text,
        text,
      ])
      from.expectEnd()
    }
  })

  test('the longest string is 32767 bytes', () => {
    const text = 'y'.repeat(32767)
    expect(reader(written(writer => writer.compactString(text))).compactString()).toBe(text)
    const longer = `818002${'79'.repeat(32768)}`
    expect(() => reader(longer).compactString()).toThrow('string of 32768 bytes')
  })

  test('lengths below null, and null where it may not be, are refused', () => {
    for (const hex of ['fffe', 'ffff', '8000']) expect(() => reader(hex).string()).toThrow(WireError)
    expect(() => reader('fffe').nullableString()).toThrow(WireError)
    expect(() => reader('00').compactString()).toThrow(WireError)
    expect(() => reader('00').compactBytes()).toThrow(WireError)
    for (const hex of ['ffffffff', 'fffffffe', '7fffffff']) expect(() => reader(hex).bytes()).toThrow(WireError)
    for (const hex of ['fffffffe', '7fffffff']) expect(() => reader(hex).nullableBytes()).toThrow(WireError)
    for (const hex of ['fffffffe', '00000001']) expect(() => reader(hex).nullableArrayLength(1)).toThrow(WireError)
  })

  test('byte strings are slices of what was read', () => {
    const frame = Buffer.from('00000003010203', 'hex')
    const slice = new Reader(frame).bytes()
    frame.writeUInt8(9, 4)
    expect([...slice]).toEqual([9, 2, 3])
  })

  test('large ones and records are passed on, small ones are copied', () => {
    const large = Buffer.alloc(5000, 1)
    const small = Buffer.alloc(10, 2)
    const writer = new Writer()
    writer.records([small, large, small])
    writer.compactBytes(large)
    writer.int32(7)
    const { buffers, length } = writer.finish()
    expect(buffers.map(buffer => buffer.length)).toEqual([14, 5000, 12, 5000, 4])
    expect([buffers[1], buffers[3]]).toEqual([large, large])
    expect(buffers[1]).toBe(large)
    expect(length).toBe(4 + 5020 + 2 + 5000 + 4)
    const from = new Reader(Buffer.concat(buffers))
    expect(from.records()?.map(slice => slice.length)).toEqual([5020])
    expect(from.compactBytes().equals(large)).toBe(true)
    expect(from.int32()).toBe(7)
  })
})

describe('uuids', () => {
  test('are the text that Kafka prints', () => {
    const hex = 'c16ed7d1164a430a947eb2c34dc5cb57'
    const text = 'wW7f0RZKQwqUfrLDTcXLVw'
    const real = written(writer => writer.uuid(text))
    expect(reader(real).uuid()).toBe(text)
    expect(reader(hex).uuid()).toBe(Buffer.from(hex, 'hex').toString('base64url'))
    expect(reader('00'.repeat(16)).uuid()).toBe(ZERO_UUID)
    expect(written(writer => writer.uuid(ZERO_UUID))).toBe('00'.repeat(16))
  })
})

describe('tagged fields', () => {
  test('must have rising tags and the size that they say', () => {
    const from = reader('05')
    expect(() => from.nextTag(5)).toThrow('tag 5 after tag 5')
    expect(() => reader('04').nextTag(5)).toThrow(WireError)
    expect(() => reader('020000').taggedFieldEnd()).not.toThrow()
    expect(() => reader('0300').taggedFieldEnd()).toThrow(WireError)
    expect(() => reader('00').expectPosition(1)).toThrow(WireError)
  })

  test('may hold one another, and sizes of one, two and three bytes', () => {
    for (const length of [0, 127, 128, 16383, 16384]) {
      const inner = Buffer.alloc(length, 'i')
      const hex = written(writer => {
        const outer = writer.beginTag(0)
        const nested = writer.beginTag(300)
        writer.raw(inner)
        writer.endTag(nested)
        writer.int8(5)
        writer.endTag(outer)
        writer.int8(6)
      })
      const from = reader(hex)
      expect(from.nextTag(-1)).toBe(0)
      const end = from.taggedFieldEnd()
      expect(from.nextTag(0)).toBe(300)
      expect(from.taggedFieldEnd() - from.position).toBe(length)
      from.position += length
      expect(from.int8()).toBe(5)
      from.expectPosition(end)
      expect(from.int8()).toBe(6)
      from.expectEnd()
    }
  })
})

test('a reader stays within its range', () => {
  const frame = Buffer.from('0001020304', 'hex')
  const inner = new Reader(frame, 1, 3)
  expect(inner.int16()).toBe(0x0102)
  expect(inner.remaining).toBe(0)
  expect(() => inner.int8()).toThrow('1 bytes wanted, 0 left')
  expect(() => new Reader(frame, 0, 6)).toThrow(WireError)
  expect(() => new Reader(frame, 4, 3)).toThrow(WireError)
  expect(() => new Reader(frame, 0, 3).expectEnd()).toThrow('3 bytes left over')
})
