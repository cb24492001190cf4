import { describe, expect, test } from '@jest/globals'
import { StateStory, topicIdOf } from '../../testing/state-story.ts'
import { type TopicSettings, topicSettings } from '../state/topic-settings.ts'
import { buildBatch, type NewBatch, recordsOf } from '../wire/batch-builder.ts'
import { errorCode } from '../wire/errors.ts'
import {
  assembleBatch,
  type BatchHeader,
  batchComputedCrc,
  batchCrc,
  batchMaxTimestamp,
  batchPayload,
} from '../wire/record-batch.ts'
import { type Prepared, prepareBatch } from './prepare-batch.ts'

const NOW = 1_700_000_000_000
const LATEST = 13

function settingsWith(configs: Readonly<Record<string, string>> = {}): TopicSettings {
  const story = new StateStory()
  const epoch = story.open()
  const settings = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const body = { topicId: topicIdOf(1), name: 't', partitions: 1, replicationFactor: 1, configs: settings }
  story.do(epoch, { type: 'createTopic', body })
  const topic = story.state.catalog.byName.get('t')
  if (topic === undefined) throw new Error('the topic was not created')
  return topicSettings(story.state.catalog, topic)
}

const built = (more: Partial<NewBatch> = {}): Buffer =>
  buildBatch({ records: [{ key: Buffer.from('k'), value: Buffer.from('v') }], timestamp: NOW, ...more })

/** The batch as it is, with other claims in its header and a checksum that is right. */
function claiming(claims: Partial<BatchHeader>, batch = built()): Buffer {
  const header: BatchHeader = {
    baseOffset: 0,
    leaderEpoch: -1,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestamp: NOW,
    maxTimestamp: NOW,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: 1,
  }
  return assembleBatch({ ...header, ...claims }, batchPayload(batch, 0))
}

const prepare = (records: readonly Buffer[] | null, configs: Readonly<Record<string, string>> = {}, version = LATEST) =>
  prepareBatch(records, settingsWith(configs), NOW, version)
const codeOf = (prepared: Prepared): number => ('errorCode' in prepared ? prepared.errorCode : errorCode.NONE)
const batchOf = (prepared: Prepared) => {
  if ('errorCode' in prepared) throw new Error(prepared.message)
  return prepared.batch
}

function damaged(batch: Buffer, at: number): Buffer {
  const copy = Buffer.from(batch)
  copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at)
  return copy
}

const CONTROL = 0x20
const TRANSACTIONAL = 0x10
const LOG_APPEND_TIME = 0x08

interface Special {
  readonly configs?: Record<string, string>
  readonly version?: number
}
type Refusal = [name: string, code: number, records: readonly Buffer[] | null, Special]

describe('a batch is refused', () => {
  test.each<Refusal>([
    ['when there is none', errorCode.INVALID_RECORD, null, {}],
    ['when it is empty', errorCode.INVALID_RECORD, [Buffer.alloc(0)], {}],
    ['when it is cut', errorCode.INVALID_RECORD, [built().subarray(0, 65)], {}],
    ['when there are two', errorCode.INVALID_RECORD, [built(), built()], {}],
    ['of the formats 0 and 1', errorCode.INVALID_RECORD, [damagedMagic(1)], {}],
    ['of a format that does not exist', errorCode.CORRUPT_MESSAGE, [damagedMagic(3)], {}],
    ['when its checksum is wrong', errorCode.CORRUPT_MESSAGE, [damaged(built(), 64)], {}],
    ['with a base offset', errorCode.INVALID_RECORD, [built({ baseOffset: 1 })], {}],
    ['without records', errorCode.INVALID_RECORD, [built({ records: [] })], {}],
    ['when count and offsets disagree', errorCode.INVALID_RECORD, [claiming({ recordCount: 2 })], {}],
    [
      'when it claims more records than its bytes can be',
      errorCode.INVALID_RECORD,
      [claiming({ recordCount: 2147483647, lastOffsetDelta: 2147483646 })],
      {},
    ],
    ['of a codec that does not exist', errorCode.INVALID_RECORD, [claiming({ attributes: 6 })], {}],
    [
      'in zstd before Produce 7 (KIP-110)',
      errorCode.UNSUPPORTED_COMPRESSION_TYPE,
      [built({ codec: 'zstd' })],
      { version: 6 },
    ],
    ['of control records', errorCode.INVALID_RECORD, [claiming({ attributes: CONTROL })], {}],
    [
      'of a transaction',
      errorCode.INVALID_TXN_STATE,
      [claiming({ attributes: TRANSACTIONAL, producerId: 1, producerEpoch: 0, baseSequence: 0 })],
      {},
    ],
    ['with a producer and no sequence', errorCode.INVALID_RECORD, [claiming({ producerId: 1, producerEpoch: 0 })], {}],
    ['with a producer and no epoch', errorCode.INVALID_RECORD, [claiming({ producerId: 1, baseSequence: 0 })], {}],
    ['that says LogAppendTime', errorCode.INVALID_TIMESTAMP, [claiming({ attributes: LOG_APPEND_TIME })], {}],
    ['from too far in the future', errorCode.INVALID_TIMESTAMP, [built({ timestamp: NOW + 3_600_001 })], {}],
    [
      'from too long ago',
      errorCode.INVALID_TIMESTAMP,
      [built({ timestamp: NOW - 1001 })],
      { configs: { 'message.timestamp.before.max.ms': '1000' } },
    ],
    [
      'of which one record is from too long ago',
      errorCode.INVALID_TIMESTAMP,
      [built({ records: [{ timestamp: NOW }, { timestamp: NOW - 1001 }, { timestamp: NOW }] })],
      { configs: { 'message.timestamp.before.max.ms': '1000' } },
    ],
    [
      'whose timestamps cannot be read, when the topic bounds them',
      errorCode.CORRUPT_MESSAGE,
      [claiming({ attributes: 1, baseTimestamp: NOW, maxTimestamp: NOW })],
      { configs: { 'message.timestamp.before.max.ms': '1000' } },
    ],
    ['that is too large', errorCode.MESSAGE_TOO_LARGE, [built()], { configs: { 'max.message.bytes': '60' } }],
    [
      'without a key for a compacted topic',
      errorCode.INVALID_RECORD,
      [built({ records: [{ key: Buffer.from('k') }, { value: Buffer.from('v') }] })],
      { configs: { 'cleanup.policy': 'compact,delete' } },
    ],
    [
      'whose records cannot be read, when the topic needs to read them',
      errorCode.CORRUPT_MESSAGE,
      [claiming({ attributes: 1 })],
      { configs: { 'compression.type': 'zstd' } },
    ],
  ])('%s', (_, expected, records, { configs, version = LATEST }) => {
    expect(codeOf(prepare(records, configs, version))).toBe(expected)
  })
})

describe('a batch is taken', () => {
  test('with what the ledger needs to know of it, as the bytes that came', () => {
    const sent = built({ producerId: 5, producerEpoch: 2, baseSequence: 9, codec: 'lz4' })
    const batch = batchOf(prepare([sent]))
    expect(batch).toEqual({
      bytes: sent,
      records: 1,
      maxTimestamp: NOW,
      producerId: 5,
      producerEpoch: 2,
      baseSequence: 9,
    })
  })

  test('in pieces, and without the torn batch behind it', () => {
    const sent = built()
    const torn = Buffer.concat([sent, sent.subarray(0, 40)])
    expect(batchOf(prepare([sent.subarray(0, 30), torn.subarray(30)])).bytes.equals(sent)).toBe(true)
  })

  test('at the bounds of time and size', () => {
    const sent = built({ timestamp: NOW + 3_600_000 })
    expect(codeOf(prepare([sent], { 'max.message.bytes': String(sent.length) }))).toBe(errorCode.NONE)
  })

  test('without timestamps', () => {
    const configs = { 'message.timestamp.before.max.ms': '1' }
    expect(batchOf(prepare([built({ timestamp: -1 })], configs)).maxTimestamp).toBe(-1)
  })

  test('with null keys where the topic is not compacted, and tombstones where it is', () => {
    expect(codeOf(prepare([built({ records: [{ value: Buffer.from('v') }] })]))).toBe(errorCode.NONE)
    const tombstone = built({ records: [{ key: Buffer.from('k'), value: null }] })
    expect(codeOf(prepare([tombstone], { 'cleanup.policy': 'compact' }))).toBe(errorCode.NONE)
  })

  test('with the broker’s time where the topic uses LogAppendTime, however wrong its own', () => {
    const configs = { 'message.timestamp.type': 'LogAppendTime' }
    const { bytes, maxTimestamp } = batchOf(prepare([built({ timestamp: 5 })], configs))
    expect([maxTimestamp, batchMaxTimestamp(bytes, 0), batchComputedCrc(bytes, 0)]).toEqual([
      NOW,
      NOW,
      batchCrc(bytes, 0),
    ])
    expect(recordsOf(bytes, 0, 1e6).map(({ timestamp }) => timestamp)).toEqual([NOW])
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'])('in the codec of the topic: %s', codec => {
    const sent = built({ codec: 'gzip', producerId: 3, producerEpoch: 1, baseSequence: 7, timestamp: NOW - 5 })
    const batch = batchOf(prepare([sent], { 'compression.type': codec }))
    expect(batch).toMatchObject({ records: 1, producerId: 3, producerEpoch: 1, baseSequence: 7, maxTimestamp: NOW - 5 })
    expect(batchComputedCrc(batch.bytes, 0)).toBe(batchCrc(batch.bytes, 0))
    expect(recordsOf(batch.bytes, 0, 1e6)).toEqual(recordsOf(sent, 0, 1e6))
    if (codec === 'gzip') expect(batch.bytes.equals(sent)).toBe(true)
  })

  test('as small as records can be', () => {
    const sent = buildBatch({ records: [{}, {}, {}], timestamp: NOW })
    expect(batchOf(prepare([sent])).records).toBe(3)
  })
})

function damagedMagic(magic: number): Buffer {
  const batch = Buffer.from(built())
  batch.writeInt8(magic, 16)
  return batch
}
