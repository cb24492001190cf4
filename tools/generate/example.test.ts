import { describe, expect, test } from '@jest/globals'
import { Reader } from '../../broker/wire/reader.ts'
import { ZERO_UUID } from '../../broker/wire/uuid.ts'
import { WireError } from '../../broker/wire/wire-error.ts'
import { Writer } from '../../broker/wire/writer.ts'
import {
  type Example,
  newExample,
  newExamplePartition,
  newExampleTopic,
  readExample,
  writeExample,
} from './example.gen.ts'

const id = 'wW7f0RZKQwqUfrLDTcXLVw'

function bytesOf(message: Example, version: number): Buffer {
  const writer = new Writer(8)
  writeExample(writer, message, version)
  const { buffers, length } = writer.finish()
  const bytes = Buffer.concat(buffers)
  expect(bytes.length).toBe(length)
  return bytes
}

function readBack(bytes: Buffer, version: number): Example {
  const reader = new Reader(bytes)
  const message = readExample(reader, version)
  reader.expectEnd()
  return message
}

/** Says only what every version can say. */
function plain(): Example {
  return newExample({
    id,
    active: true,
    position: -9007199254740991,
    flags: 0xffffffff,
    title: 'gråt',
    payload: Buffer.from('payload'),
    batches: [Buffer.from('one'), Buffer.alloc(3000, 'x')],
    topics: [
      newExampleTopic({
        partitions: [
          newExamplePartition({
            index: 7,
            offsets: [0, 1, 4294967296, 2 ** 53 - 1],
            keys: [Buffer.from('k'), Buffer.alloc(0)],
          }),
          newExamplePartition({ index: -1, offsets: [], keys: [] }),
        ],
      }),
      newExampleTopic({ partitions: [] }),
    ],
    home: { host: 'localhost', port: 65535 },
  })
}

describe('a generated codec', () => {
  test.each([1, 2, 3, 4])('gives back in version %d what was written', version => {
    const message = plain()
    const again = readBack(bytesOf(message, version), version)
    expect(again).toEqual({ ...message, batches: [Buffer.concat(message.batches ?? [])] })
    expect(bytesOf(again, version)).toEqual(bytesOf(message, version))
  })

  test('lays the fields out as the protocol guide says', () => {
    const message = { ...plain(), title: 'ab', payload: null, batches: null, topics: [], position: 258 }
    const idBytes = Buffer.from(id, 'base64url').toString('hex')
    const old = `${idBytes}0105${'0000000000000102'}ffffffff00026162${'ffffffff'}ffffffff000000000009${Buffer.from('localhost').toString('hex')}ffff0000`
    expect(bytesOf(message, 1).toString('hex')).toBe(old)
    const flexible = `${idBytes}0105ffffffff${'0000000000000102'}${'0000000000000000'}ffffffff0361620000010a${Buffer.from('localhost').toString('hex')}ffff00ff0100`
    expect(bytesOf(message, 3).toString('hex')).toBe(flexible)
  })

  test('says null where a version can', () => {
    const message = { ...plain(), title: null, payload: null, batches: null, topics: null }
    expect(readBack(bytesOf(message, 2), 2)).toEqual(message)
    expect(readBack(bytesOf(message, 4), 4)).toEqual(message)
    expect(() => bytesOf({ ...plain(), title: null }, 1)).toThrow(new WireError('Example.title is null in version 1'))
    expect(() => bytesOf({ ...plain(), topics: null }, 1)).toThrow('version 1 cannot express Example.topics')
  })

  test('fields that a version lacks read as their defaults and are refused unless ignorable', () => {
    const message = { ...plain(), count: 9, weight: 1.5, other: { host: 'b', port: 1 }, origin: { host: 'c', port: 2 } }
    expect(readBack(bytesOf(message, 4), 4)).toMatchObject({
      count: 9,
      weight: 1.5,
      other: { host: 'b' },
      origin: { port: 2 },
    })
    expect(() => bytesOf({ ...plain(), count: 9 }, 1)).toThrow('version 1 cannot express Example.count')
    expect(readBack(bytesOf({ ...plain(), weight: 1.5 }, 1), 1)).toMatchObject({ count: -1, weight: 0, other: null })
    expect(() => bytesOf({ ...plain(), other: { host: 'b', port: 1 } }, 2)).toThrow('cannot express Example.other')
    expect(() => bytesOf({ ...plain(), origin: { host: 'c', port: 2 } }, 3)).toThrow('cannot express Example.origin')
    expect(() => bytesOf({ ...plain(), legacy: 'x' }, 4)).toThrow('cannot express Example.legacy')
    const [topic] =
      readBack(bytesOf({ ...plain(), topics: [newExampleTopic({ name: 'old', partitions: [] })] }, 3), 3).topics ?? []
    expect(topic).toEqual({ name: '', topicId: ZERO_UUID, partitions: [] })
  })

  test('tagged fields: defaults take no bytes, long ones get a longer size, unknown ones are kept in order', () => {
    const long = 'n'.repeat(20000)
    const unknownTaggedFields = [
      { tag: 5, data: Buffer.from('five') },
      { tag: 70000, data: Buffer.alloc(0) },
    ]
    const message = { ...plain(), note: long, unknownTaggedFields }
    expect(bytesOf(message, 4).length).toBe(bytesOf(plain(), 4).length + long.length + 3 + 1 + 3 + 6 + 4)
    expect(readBack(bytesOf(message, 4), 4)).toMatchObject({ note: long, unknownTaggedFields })
    expect(readBack(bytesOf(plain(), 4), 4)).not.toHaveProperty('unknownTaggedFields')
    expect(() => bytesOf(message, 2)).toThrow('cannot express Example.note')
    expect(() => bytesOf({ ...plain(), unknownTaggedFields }, 2)).toThrow('cannot express tagged fields of Example')
    // Tag 1 is known from version 4 only, and reserved for it in version 3 too.
    const stray = { ...plain(), unknownTaggedFields: [{ tag: 1, data: Buffer.from('?') }] }
    expect(() => bytesOf(stray, 3)).toThrow('tag 1 where 2 or above must be')
    const bytes = bytesOf({ ...plain(), unknownTaggedFields: [{ tag: 2, data: Buffer.from('?') }] }, 3)
    bytes.writeUInt8(1, bytes.length - 3)
    expect(() => readBack(bytes, 3)).toThrow('version 3 cannot express Example.origin')
  })

  test('Long.MAX_VALUE saturates where the schema allows it and is refused elsewhere', () => {
    const bytes = bytesOf({ ...plain(), position: 2 ** 53 - 1 }, 4)
    const at = bytes.indexOf(Buffer.from('001fffffffffffff', 'hex'))
    bytes.write('7fffffffffffffff', at, 'hex')
    expect(readBack(bytes, 4).position).toBe(Number.MAX_SAFE_INTEGER)
    bytes.write('8000000000000000', at, 'hex')
    expect(readBack(bytes, 4).position).toBe(Number.MIN_SAFE_INTEGER)
    const offset = bytes.lastIndexOf(Buffer.from('001fffffffffffff', 'hex'))
    bytes.write('0020000000000000', offset, 'hex')
    expect(() => readBack(bytes, 4)).toThrow(new WireError('int64 beyond 2^53'))
  })

  test('versions outside the range are refused on both sides', () => {
    expect(() => bytesOf(plain(), 0)).toThrow('Example has versions 1 to 4, not 0')
    expect(() => readBack(bytesOf(plain(), 4), 5)).toThrow(WireError)
  })
})
