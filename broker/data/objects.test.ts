import { describe, expect, test } from '@jest/globals'
import { incoming } from '../../testing/data-path.ts'
import { idempotent, spanOf, topicIdOf } from '../../testing/state-story.ts'
import { crc32c } from '../wire/crc32c.ts'
import { WireError } from '../wire/wire-error.ts'
import { buildSegmentObject, parseSegmentFooter } from './segment-object.ts'
import { buildWalObject, parseWalFooter } from './wal-object.ts'

const bytesOf = (length: number, fill: number): Buffer => Buffer.alloc(length, fill)

describe('WAL object', () => {
  const contents = [
    {
      topicId: topicIdOf(1),
      partition: 3,
      spans: [spanOf(2, { maxTimestamp: 50 }), idempotent(7, 0, 3)],
      slices: [bytesOf(20, 1), bytesOf(30, 2)],
      batches: 2,
    },
    { topicId: topicIdOf(2), partition: 0, spans: [spanOf(1)], slices: [bytesOf(10, 3)], batches: 1 },
  ]
  const object = buildWalObject(9, 4, contents)
  const whole = Buffer.concat(object.buffers)

  test('is the batches as they came, then a footer that describes them', () => {
    expect(whole.length).toBe(object.size)
    expect(whole.subarray(0, 60).equals(Buffer.concat([bytesOf(20, 1), bytesOf(30, 2), bytesOf(10, 3)]))).toBe(true)
    const footer = parseWalFooter(whole)
    expect(footer).toMatchObject({ epoch: 9, number: 4 })
    expect(footer.runs).toMatchObject([
      { topicId: topicIdOf(1), partition: 3, position: 0, length: 50, records: 5, batches: 2, maxTimestamp: 1000 },
      { topicId: topicIdOf(2), partition: 0, position: 50, length: 10, records: 1, batches: 1 },
    ])
    for (const { position, length, checksum } of footer.runs) {
      expect(crc32c(whole.subarray(position, position + length))).toBe(checksum)
    }
  })

  test('says the same as the Append command that names it', () => {
    const footer = parseWalFooter(whole)
    const asInFooter = footer.runs.map(({ topicId, partition, position, spans }) => ({
      topicId,
      partition,
      position,
      spans,
    }))
    expect(asInFooter).toEqual(object.runs)
  })

  test('that is cut, damaged in its footer, or another kind of object is refused', () => {
    for (const length of [0, 15, 16, 60, whole.length - 1]) {
      expect(() => parseWalFooter(whole.subarray(0, length))).toThrow(WireError)
    }
    for (let at = 60; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x80, at)
      expect(() => parseWalFooter(damaged)).toThrow(WireError)
    }
    expect(() => parseSegmentFooter(whole)).toThrow(WireError)
  })
})

describe('segment object', () => {
  const piece = (baseOffset: number, count: number, length: number, maxTimestamp = baseOffset) => ({
    baseOffset,
    count,
    maxTimestamp,
    bytes: [bytesOf(length >> 1, 1), bytesOf(length - (length >> 1), 2)],
  })
  const runs = [
    {
      topicId: topicIdOf(1),
      partition: 0,
      pieces: [piece(5, 2, 40, 9), piece(7, 1, 50), piece(8, 4, 30), piece(12, 1, 200)],
    },
    { topicId: topicIdOf(1), partition: 1, pieces: [piece(0, 1, 10)] },
    { topicId: topicIdOf(2), partition: 0, pieces: [] },
  ]
  const object = buildSegmentObject(3, 8, runs, 100)
  const whole = Buffer.concat(object.buffers)

  test('joins neighbours up to the size of an extent, and keeps a larger piece whole', () => {
    expect(object.extents).toEqual([
      [
        { baseOffset: 5, count: 3, position: 0, length: 90, maxTimestamp: 9 },
        { baseOffset: 8, count: 4, position: 90, length: 30, maxTimestamp: 8 },
        { baseOffset: 12, count: 1, position: 120, length: 200, maxTimestamp: 12 },
      ],
      [{ baseOffset: 0, count: 1, position: 320, length: 10, maxTimestamp: 0 }],
      [],
    ])
  })

  test('has a footer that describes it', () => {
    expect(whole.length).toBe(object.size)
    const footer = parseSegmentFooter(whole)
    expect(footer).toMatchObject({ epoch: 3, number: 8 })
    for (const [index, run] of footer.runs.entries()) {
      expect(run.extents.map(({ checksum: _, ...extent }) => extent)).toEqual(object.extents[index])
      for (const { position, length, checksum } of run.extents) {
        expect(crc32c(whole.subarray(position, position + length))).toBe(checksum)
      }
    }
  })

  test('does not join more records than an extent can count', () => {
    const many = 2 ** 31 - 1
    const run = { topicId: topicIdOf(1), partition: 0, pieces: [piece(0, many, 10), piece(many, 1, 10)] }
    expect(buildSegmentObject(1, 1, [run], 1000).extents[0]?.map(({ count }) => count)).toEqual([many, 1])
  })

  test('that is cut, damaged in its footer, or another kind of object is refused', () => {
    for (const length of [0, 15, 330, whole.length - 1]) {
      expect(() => parseSegmentFooter(whole.subarray(0, length))).toThrow(WireError)
    }
    for (let at = 330; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x80, at)
      expect(() => parseSegmentFooter(damaged)).toThrow(WireError)
    }
    expect(() => parseWalFooter(whole)).toThrow(WireError)
    expect(() => parseWalFooter(incoming(['a batch']).bytes)).toThrow(WireError)
  })
})
