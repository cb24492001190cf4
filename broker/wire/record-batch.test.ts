import { describe, expect, test } from '@jest/globals'
import { buildBatch, type NewBatch, openBatch, recordsOf } from './batch-builder.ts'
import { codecOf, compressionOf } from './compression.ts'
import { crc32c } from './crc32c.ts'
import { errorCode } from './errors.ts'
import {
  assembleBatch,
  batchBaseOffset,
  batchBaseSequence,
  batchComputedCrc,
  batchCrc,
  batchFlag,
  batchLastOffset,
  batchLeaderEpoch,
  batchLength,
  batchMaxTimestamp,
  batchOffsetCount,
  batchPayload,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  CHECKSUMMED_FROM,
  countRecords,
  eachBatch,
  isControl,
  isTransactional,
  setBaseOffset,
  setLeaderEpoch,
  setLogAppendTime,
  setMaxTimestamp,
  validateBatch,
} from './record-batch.ts'
import { WireError } from './wire-error.ts'

const limit = 1 << 20
const time = 1_700_000_000_000

const sample: NewBatch = {
  timestamp: time,
  records: [
    {
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      headers: [
        { key: 'h', value: Buffer.from('1') },
        { key: 'ø', value: null },
      ],
    },
    { key: null, value: Buffer.alloc(300, 'x'), timestamp: time + 5000 },
    { key: Buffer.alloc(0), value: null, timestamp: time - 70_000 },
  ],
}

/** Written out by hand from the format's description. */
const byHand = Buffer.concat([
  Buffer.from('0000000000000000' + '00000043' + 'ffffffff' + '02', 'hex'),
  Buffer.from('00000000', 'hex'),
  Buffer.from('0000' + '00000000' + '0000018bcfe56800' + '0000018bcfe56800', 'hex'),
  Buffer.from('ffffffffffffffff' + 'ffff' + 'ffffffff' + '00000001', 'hex'),
  Buffer.from('22' + '00' + '00' + '00' + '026b' + '0676616c' + '02' + '0468' + '69' + '0201', 'hex'),
])

describe('a record batch', () => {
  test('has its fields where the format says', () => {
    const value = Buffer.from('val')
    const headers = [{ key: 'hi', value: Buffer.from([1]) }]
    const built = buildBatch({ timestamp: time, records: [{ key: Buffer.from('k'), value, headers }] })
    byHand.writeInt32BE(byHand.length - 12, 8)
    byHand.writeInt8((byHand.length - 62) * 2, 61)
    byHand.writeUInt32BE(crc32c(byHand.subarray(CHECKSUMMED_FROM)), 17)
    expect(built.toString('hex')).toBe(byHand.toString('hex'))
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('gives its records back from %s', codec => {
    const batch = buildBatch({ ...sample, codec, baseOffset: 2 ** 40 })
    const records = recordsOf(batch, 0, limit)
    expect(records.map(record => record.offset - 2 ** 40)).toEqual([0, 1, 2])
    expect(records.map(record => record.timestamp)).toEqual([time, time + 5000, time - 70_000])
    expect(records[0]).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('v') })
    expect(records[0]?.headers).toEqual(sample.records[0]?.headers)
    expect(records[1]).toMatchObject({ key: null, value: Buffer.alloc(300, 'x'), headers: [] })
    expect(records[2]).toMatchObject({ key: Buffer.alloc(0), value: null })
    expect(batchMaxTimestamp(batch, 0)).toBe(time + 5000)
  })

  test('can be given offset and leader epoch without touching the checksum', () => {
    const batch = buildBatch(sample)
    const crc = batchCrc(batch, 0)
    setBaseOffset(batch, 0, 2 ** 45 + 3)
    setLeaderEpoch(batch, 0, 7)
    expect([batchBaseOffset(batch, 0), batchLastOffset(batch, 0)]).toEqual([2 ** 45 + 3, 2 ** 45 + 5])
    expect(batchLeaderEpoch(batch, 0)).toBe(7)
    expect(batchCrc(batch, 0)).toBe(crc)
    expect(batchComputedCrc(batch, 0)).toBe(crc)
  })

  test('takes the time of the broker, with a new checksum', () => {
    const batch = buildBatch(sample)
    setMaxTimestamp(batch, 0, time + 9)
    expect(batchMaxTimestamp(batch, 0)).toBe(time + 9)
    setLogAppendTime(batch, 0, time + 1)
    expect(batchComputedCrc(batch, 0)).toBe(batchCrc(batch, 0))
    expect(recordsOf(batch, 0, limit).map(record => record.timestamp)).toEqual([time + 1, time + 1, time + 1])
  })

  test('knows its producer', () => {
    const batch = buildBatch({
      ...sample,
      producerId: 2 ** 33,
      producerEpoch: 3,
      baseSequence: 2147483647,
      transactional: true,
    })
    expect(batchProducerId(batch, 0)).toBe(2 ** 33)
    expect([batchProducerEpoch(batch, 0), batchBaseSequence(batch, 0)]).toEqual([3, 2147483647])
    expect([isTransactional(batch, 0), isControl(batch, 0)]).toEqual([true, false])
    expect(batchProducerId(buildBatch(sample), 0)).toBe(-1)
  })

  test('may stand anywhere in a records field, and a cut one at the end is left out', () => {
    const one = buildBatch(sample)
    const two = buildBatch({ ...sample, baseOffset: 3, codec: 'zstd' })
    const field = Buffer.concat([one, two, one.subarray(0, 90)])
    const seen: number[][] = []
    const end = eachBatch(field, (at, length) =>
      seen.push([at, length, batchBaseOffset(field, at), batchOffsetCount(field, at)]),
    )
    expect(seen).toEqual([
      [0, one.length, 0, 3],
      [one.length, two.length, 3, 3],
    ])
    expect(end).toBe(one.length + two.length)
    field.writeInt32BE(0, one.length + 8)
    expect(() => eachBatch(field, () => undefined)).toThrow(WireError)
  })

  test('counts for its records, a marker for none, and what is not whole for nothing', () => {
    const three = buildBatch({ records: [{ value: null }, { value: null }, { value: null }] })
    const marker = buildBatch({ control: true, records: [{ value: null }] })
    expect(countRecords([Buffer.concat([three, marker]), Buffer.concat([three, three.subarray(0, 70)])])).toBe(6)
    expect(countRecords([])).toBe(0)
  })

  test('counts offsets, not records, after a log cleaner', () => {
    const batch = buildBatch({
      records: [
        { value: null, offsetDelta: 4 },
        { value: null, offsetDelta: 9 },
      ],
    })
    expect([batchRecordCount(batch, 0), batchOffsetCount(batch, 0), batchLastOffset(batch, 0)]).toEqual([2, 10, 9])
    expect(recordsOf(batch, 0, limit).map(record => record.offset)).toEqual([4, 9])
  })
})

describe('damaged records', () => {
  test('are errors and never a crash, wherever a byte is wrong or missing', () => {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const whole = buildBatch({ ...sample, codec })
      for (let cut = 0; cut < batchPayload(whole, 0).length; cut++) {
        const shorter = assembleBatch({ ...headerOf(whole) }, batchPayload(whole, 0).subarray(0, cut))
        expect(() => recordsOf(shorter, 0, limit)).toThrow(WireError)
      }
      for (let at = 61; at < whole.length; at++) {
        for (const flip of [0x01, 0x80, 0xff]) {
          const damaged = Buffer.from(whole)
          damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at)
          try {
            recordsOf(damaged, 0, limit)
          } catch (cause) {
            expect(cause).toBeInstanceOf(WireError)
          }
        }
      }
    }
  })

  test('more or fewer records than the header says are errors', () => {
    const batch = buildBatch(sample)
    batch.writeInt32BE(2, 57)
    expect(() => recordsOf(batch, 0, limit)).toThrow('bytes behind the last record')
    batch.writeInt32BE(4, 57)
    expect(() => recordsOf(batch, 0, limit)).toThrow(WireError)
  })

  test('an unknown codec is an error', () => {
    const batch = buildBatch(sample)
    batch.writeInt16BE(5, 21)
    expect(() => openBatch(batch, 0, limit)).toThrow('unknown compression 5')
    expect(codecOf(4)).toBe('zstd')
    expect(compressionOf('lz4')).toBe(3)
  })
})

describe('what a broker may store', () => {
  const good = (): Buffer => buildBatch({ ...sample, producerId: 4, producerEpoch: 0, baseSequence: 0 })
  const codeOf = (batch: Buffer, version?: number): number => validateBatch(batch, version)?.code ?? 0
  /** The batch with a change and a fitting checksum. */
  const changed = (change: (batch: Buffer) => void): Buffer => {
    const batch = good()
    change(batch)
    batch.writeUInt32BE(crc32c(batch.subarray(CHECKSUMMED_FROM)), 17)
    return batch
  }

  test('is a whole batch, alone or before a cut one', () => {
    expect(codeOf(good())).toBe(0)
    expect(codeOf(buildBatch(sample))).toBe(0)
    expect(codeOf(Buffer.concat([good(), good().subarray(0, 50)]))).toBe(0)
    expect(codeOf(Buffer.concat([good(), good()]))).toBe(errorCode.INVALID_RECORD)
    expect(codeOf(Buffer.alloc(0))).toBe(errorCode.INVALID_RECORD)
    for (let length = 1; length < good().length; length++) {
      expect(codeOf(good().subarray(0, length))).toBe(errorCode.INVALID_RECORD)
    }
  })

  test('has a length and a magic that exist, and the newest magic', () => {
    expect(codeOf(changed(batch => batch.writeInt32BE(-1, 8)))).toBe(errorCode.CORRUPT_MESSAGE)
    expect(codeOf(changed(batch => batch.writeInt32BE(13, 8)))).toBe(errorCode.CORRUPT_MESSAGE)
    expect(codeOf(changed(batch => batch.writeInt32BE(30, 8)).subarray(0, 42))).toBe(errorCode.CORRUPT_MESSAGE)
    expect(codeOf(changed(batch => batch.writeInt32BE(2147483647, 8)))).toBe(errorCode.INVALID_RECORD)
    expect(codeOf(changed(batch => batch.writeInt8(3, 16)))).toBe(errorCode.CORRUPT_MESSAGE)
    expect(codeOf(changed(batch => batch.writeInt8(-1, 16)))).toBe(errorCode.CORRUPT_MESSAGE)
    for (const magic of [0, 1]) {
      expect(codeOf(changed(batch => batch.writeInt8(magic, 16)))).toBe(errorCode.INVALID_RECORD)
    }
  })

  test('has the checksum of its bytes: no byte behind it can change unnoticed', () => {
    for (let at = 17; at < good().length; at++) {
      const batch = good()
      batch.writeUInt8(batch.readUInt8(at) ^ 0x10, at)
      expect(codeOf(batch)).toBe(errorCode.CORRUPT_MESSAGE)
    }
  })

  test('has offsets for exactly its records, from 0', () => {
    for (const [count, delta] of [
      [2, 2],
      [3, 1],
      [0, -1],
      [-1, -2],
      [0, 2],
      [3, -1],
    ] as const) {
      const batch = changed(bytes => {
        bytes.writeInt32BE(delta, 23)
        bytes.writeInt32BE(count, 57)
      })
      expect(codeOf(batch)).toBe(errorCode.INVALID_RECORD)
    }
    expect(codeOf(changed(batch => setBaseOffset(batch, 0, 1)))).toBe(errorCode.INVALID_RECORD)
  })

  test('has producer fields that fit together, and no control records', () => {
    expect(codeOf(changed(batch => batch.writeInt32BE(-1, 53)))).toBe(errorCode.INVALID_RECORD)
    expect(codeOf(changed(batch => batch.writeInt16BE(-1, 51)))).toBe(errorCode.INVALID_RECORD)
    expect(codeOf(changed(batch => batch.writeInt32BE(0x7fffffff, 43)))).toBe(errorCode.INVALID_RECORD)
    expect(codeOf(buildBatch({ ...sample, control: true }))).toBe(errorCode.INVALID_RECORD)
    expect(codeOf(buildBatch({ ...sample, transactional: true }))).toBe(errorCode.INVALID_RECORD)
  })

  test('has a codec that exists and that the version of the request may carry', () => {
    expect(codeOf(changed(batch => batch.writeInt16BE(5, 21)))).toBe(errorCode.INVALID_RECORD)
    const zstd = buildBatch({ ...sample, codec: 'zstd' })
    expect([codeOf(zstd, 6), codeOf(zstd, 7)]).toEqual([errorCode.UNSUPPORTED_COMPRESSION_TYPE, 0])
  })

  test('leaves LogAppendTime to the broker and has timestamps that exist', () => {
    expect(codeOf(changed(batch => batch.writeInt16BE(batchFlag.logAppendTime, 21)))).toBe(errorCode.INVALID_TIMESTAMP)
    expect(codeOf(changed(batch => batch.writeInt32BE(0x7fffffff, 35)))).toBe(errorCode.INVALID_TIMESTAMP)
  })
})

function headerOf(batch: Buffer): Parameters<typeof assembleBatch>[0] {
  return {
    baseOffset: 0,
    leaderEpoch: -1,
    attributes: batch.readInt16BE(21),
    lastOffsetDelta: batch.readInt32BE(23),
    baseTimestamp: time,
    maxTimestamp: batchMaxTimestamp(batch, 0),
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: batchRecordCount(batch, 0),
  }
}

test('a batch knows its own length', () => {
  const batch = buildBatch(sample)
  expect(batchLength(batch, 0)).toBe(batch.length)
})
