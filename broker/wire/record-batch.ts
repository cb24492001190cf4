/**
 * The record batch, magic 2 (KIP-98): where its header fields lie, and functions that read or patch one of them in place.
 * All take a buffer and the position of a batch in it, and none makes an object.
 *
 * Outside the checksum lie base offset, length, leader epoch and magic: a broker may set offset and epoch of a batch that
 * it stores as it came. Everything from the attributes on is covered by the CRC-32C.
 *
 *     0  base offset      int64      27  base timestamp   int64
 *     8  length after it  int32      35  max timestamp    int64
 *    12  leader epoch     int32      43  producer id      int64
 *    16  magic            int8       51  producer epoch   int16
 *    17  CRC-32C          uint32     53  base sequence    int32
 *    21  attributes       int16      57  record count     int32
 *    23  last offset delta int32     61  records, compressed as the attributes say
 */

import { crc32c } from './crc32c.ts'
import { errorCode, KafkaError } from './errors.ts'
import { WireError } from './wire-error.ts'

const LENGTH = 8
const LEADER_EPOCH = 12
const MAGIC = 16
const CRC = 17
const ATTRIBUTES = 21
const LAST_OFFSET_DELTA = 23
const BASE_TIMESTAMP = 27
const MAX_TIMESTAMP = 35
const PRODUCER_ID = 43
const PRODUCER_EPOCH = 51
const BASE_SEQUENCE = 53
const RECORD_COUNT = 57

/** Bytes in front of the part that the length field counts. */
export const LENGTH_OVERHEAD = 12
/** Bytes of the header: the records begin here. */
export const BATCH_HEADER = 61
/** Where the bytes begin that the checksum covers. */
export const CHECKSUMMED_FROM = ATTRIBUTES
export const CURRENT_MAGIC = 2

/** Bits of the attributes. */
export const batchFlag = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

const TWO_TO_32 = 4294967296

/** Bytes of the whole batch. Throws `WireError` for a length that no batch has. */
export function batchLength(buffer: Buffer, at: number): number {
  const length = buffer.readInt32BE(at + LENGTH) + LENGTH_OVERHEAD
  if (length < BATCH_HEADER) throw new WireError(`record batch of ${length} bytes`)
  return length
}

export function batchBaseOffset(buffer: Buffer, at: number): number {
  return int64At(buffer, at)
}

export function batchLeaderEpoch(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + LEADER_EPOCH)
}

export function batchMagic(buffer: Buffer, at: number): number {
  return buffer.readInt8(at + MAGIC)
}

export function batchCrc(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at + CRC)
}

/** The checksum that the bytes have; equal to `batchCrc` when they are whole. */
export function batchComputedCrc(buffer: Buffer, at: number): number {
  return crc32c(buffer.subarray(at + CHECKSUMMED_FROM, at + batchLength(buffer, at)))
}

export function batchAttributes(buffer: Buffer, at: number): number {
  return buffer.readInt16BE(at + ATTRIBUTES)
}

export function batchLastOffsetDelta(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + LAST_OFFSET_DELTA)
}

/** How many offsets the batch takes; more than its records once a log cleaner has been at work. */
export function batchOffsetCount(buffer: Buffer, at: number): number {
  return batchLastOffsetDelta(buffer, at) + 1
}

export function batchLastOffset(buffer: Buffer, at: number): number {
  return batchBaseOffset(buffer, at) + batchLastOffsetDelta(buffer, at)
}

/** ms; -1 for none. */
export function batchBaseTimestamp(buffer: Buffer, at: number): number {
  return int64At(buffer, at + BASE_TIMESTAMP)
}

/** ms; -1 for none. */
export function batchMaxTimestamp(buffer: Buffer, at: number): number {
  return int64At(buffer, at + MAX_TIMESTAMP)
}

/** -1 for none. */
export function batchProducerId(buffer: Buffer, at: number): number {
  return int64At(buffer, at + PRODUCER_ID)
}

export function batchProducerEpoch(buffer: Buffer, at: number): number {
  return buffer.readInt16BE(at + PRODUCER_EPOCH)
}

export function batchBaseSequence(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + BASE_SEQUENCE)
}

export function batchRecordCount(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + RECORD_COUNT)
}

/** The number of the codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; others are unknown. */
export function batchCompression(buffer: Buffer, at: number): number {
  return batchAttributes(buffer, at) & batchFlag.compression
}

export function isTransactional(buffer: Buffer, at: number): boolean {
  return (batchAttributes(buffer, at) & batchFlag.transactional) !== 0
}

export function isControl(buffer: Buffer, at: number): boolean {
  return (batchAttributes(buffer, at) & batchFlag.control) !== 0
}

/** The records as they are stored. */
export function batchPayload(buffer: Buffer, at: number): Buffer {
  return buffer.subarray(at + BATCH_HEADER, at + batchLength(buffer, at))
}

export function setBaseOffset(buffer: Buffer, at: number, offset: number): void {
  setInt64(buffer, at, offset)
}

export function setLeaderEpoch(buffer: Buffer, at: number, epoch: number): void {
  buffer.writeInt32BE(epoch, at + LEADER_EPOCH)
}

/** Makes it a batch of a LogAppendTime topic: all its records bear this time. The checksum is made anew. */
export function setLogAppendTime(buffer: Buffer, at: number, timestamp: number): void {
  buffer.writeInt16BE(batchAttributes(buffer, at) | batchFlag.logAppendTime, at + ATTRIBUTES)
  setInt64(buffer, at + MAX_TIMESTAMP, timestamp)
  refreshCrc(buffer, at)
}

/** Sets the largest timestamp, for a batch whose sender did not. The checksum is made anew. */
export function setMaxTimestamp(buffer: Buffer, at: number, timestamp: number): void {
  setInt64(buffer, at + MAX_TIMESTAMP, timestamp)
  refreshCrc(buffer, at)
}

export interface BatchHeader {
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** A whole batch from its header facts and its records as they are to be stored. */
export function assembleBatch(header: BatchHeader, payload: Buffer): Buffer {
  const batch = Buffer.allocUnsafe(BATCH_HEADER + payload.length)
  setInt64(batch, 0, header.baseOffset)
  batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, LENGTH)
  batch.writeInt32BE(header.leaderEpoch, LEADER_EPOCH)
  batch.writeInt8(CURRENT_MAGIC, MAGIC)
  batch.writeInt16BE(header.attributes, ATTRIBUTES)
  batch.writeInt32BE(header.lastOffsetDelta, LAST_OFFSET_DELTA)
  setInt64(batch, BASE_TIMESTAMP, header.baseTimestamp)
  setInt64(batch, MAX_TIMESTAMP, header.maxTimestamp)
  setInt64(batch, PRODUCER_ID, header.producerId)
  batch.writeInt16BE(header.producerEpoch, PRODUCER_EPOCH)
  batch.writeInt32BE(header.baseSequence, BASE_SEQUENCE)
  batch.writeInt32BE(header.recordCount, RECORD_COUNT)
  batch.set(payload, BATCH_HEADER)
  refreshCrc(batch, 0)
  return batch
}

/**
 * Visits the whole batches of a records field in order. Bytes at the end that make no whole batch are left out, as Kafka's
 * own readers do; returns where they begin. Throws `WireError` for a length that no batch has.
 */
export function eachBatch(records: Buffer, visit: (at: number, length: number) => void): number {
  let at = 0
  while (records.length - at >= BATCH_HEADER) {
    const length = batchLength(records, at)
    if (length > records.length - at) break
    visit(at, length)
    at += length
  }
  return at
}

/** Records in the whole batches of all pieces; the markers of transactions are no records. */
export function countRecords(pieces: readonly Buffer[]): number {
  let count = 0
  for (const piece of pieces) {
    eachBatch(piece, at => {
      if (!isControl(piece, at)) count += batchRecordCount(piece, at)
    })
  }
  return count
}

/** Fields up to and with the magic, which stand at the same place in all formats. */
const OLDEST_HEADER = 17
/** The least that the length field of any format counts. */
const LEAST_LENGTH = 14
const ZSTD = 4
/** First version of Produce that may carry zstd (KIP-110). */
const ZSTD_PRODUCE_VERSION = 7

/**
 * Why a broker must not store what a producer sent as the records of a partition, or undefined. By header and checksum
 * alone: nothing is decompressed, and what depends on the topic (size, timestamps) is left to the caller. Order and codes
 * are those of Apache Kafka 4.3 (`ProduceRequest.validateRecords`, the log's own analysis, `LogValidator`), so that the same
 * bytes get the same answer. When it is undefined, `batchLength(records, 0)` bytes are the batch; fewer than a whole batch
 * may stand behind it, which Kafka cuts off.
 */
export function validateBatch(records: Buffer, produceVersion = ZSTD_PRODUCE_VERSION): KafkaError | undefined {
  try {
    checkBatch(records, produceVersion)
    return undefined
  } catch (cause) {
    if (cause instanceof KafkaError) return cause
    throw cause
  }
}

function checkBatch(sent: Buffer, produceVersion: number): void {
  const length = wholeBatch(sent, 0)
  if (length === 0) throw invalid('there is no whole record batch')
  const magic = batchMagic(sent, 0)
  if (magic !== CURRENT_MAGIC) throw invalid(`record batches of magic ${magic} are not accepted any more`)
  const isShort = length < BATCH_HEADER
  const compression = isShort ? 0 : batchCompression(sent, 0)
  if (compression === ZSTD && produceVersion < ZSTD_PRODUCE_VERSION) {
    throw new KafkaError(errorCode.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs version 7 of Produce')
  }
  if (wholeBatch(sent, length) > 0) throw invalid('more than one record batch for a partition')
  if (batchBaseOffset(sent, 0) !== 0) throw invalid('the base offset must be 0')
  if (isShort) throw corrupt(`record batch of ${length} bytes`)
  if (batchComputedCrc(sent, 0) !== batchCrc(sent, 0)) throw corrupt('the checksum of the record batch is wrong')
  if (compression > ZSTD) throw invalid(`unknown compression ${compression}`)
  checkOffsets(sent)
  checkProducer(sent)
  checkTimestamps(sent)
}

/** Length of the batch at `at` if all of it is there, or 0. */
function wholeBatch(sent: Buffer, at: number): number {
  const remaining = sent.length - at
  if (remaining < LENGTH_OVERHEAD) return 0
  const counted = sent.readInt32BE(at + 8)
  if (counted < LEAST_LENGTH) throw corrupt(`record batch with a length of ${counted}`)
  if (remaining < OLDEST_HEADER) return 0
  const magic = batchMagic(sent, at)
  if (magic < 0 || magic > CURRENT_MAGIC) throw corrupt(`record batch of magic ${magic}`)
  return counted + LENGTH_OVERHEAD > remaining ? 0 : counted + LENGTH_OVERHEAD
}

function checkOffsets(batch: Buffer): void {
  const count = batchRecordCount(batch, 0)
  const lastDelta = batchLastOffsetDelta(batch, 0)
  if (lastDelta < 0) throw invalid(`last offset delta of ${lastDelta}`)
  if (count <= 0) throw invalid(`record batch of ${count} records`)
  if (count !== lastDelta + 1) throw invalid(`${count} records, but offsets for ${lastDelta + 1}`)
}

function checkProducer(batch: Buffer): void {
  const attributes = batchAttributes(batch, 0)
  if ((attributes & batchFlag.control) !== 0) throw invalid('clients may not write control records')
  const producerId = batchProducerId(batch, 0)
  if (producerId < 0) {
    if ((attributes & batchFlag.transactional) !== 0) throw invalid('a transactional record batch without producer id')
    return
  }
  if (!Number.isSafeInteger(producerId)) throw invalid('the producer id is not one of ours')
  const sequence = batchBaseSequence(batch, 0)
  if (sequence < 0) throw invalid(`base sequence ${sequence}`)
  const epoch = batchProducerEpoch(batch, 0)
  if (epoch < 0) throw invalid(`producer epoch ${epoch}`)
}

function checkTimestamps(batch: Buffer): void {
  if ((batchAttributes(batch, 0) & batchFlag.logAppendTime) !== 0) {
    throw new KafkaError(errorCode.INVALID_TIMESTAMP, 'LogAppendTime is for the broker to set')
  }
  for (const timestamp of [batchBaseTimestamp(batch, 0), batchMaxTimestamp(batch, 0)]) {
    if (!Number.isSafeInteger(timestamp)) {
      throw new KafkaError(errorCode.INVALID_TIMESTAMP, `timestamp ${timestamp} is out of all bounds`)
    }
  }
}

function invalid(message: string): KafkaError {
  return new KafkaError(errorCode.INVALID_RECORD, message)
}

function corrupt(message: string): KafkaError {
  return new KafkaError(errorCode.CORRUPT_MESSAGE, message)
}

function refreshCrc(buffer: Buffer, at: number): void {
  buffer.writeUInt32BE(batchComputedCrc(buffer, at), at + CRC)
}

/** Exact up to 2^53, near beyond. */
function int64At(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_TO_32 + buffer.readUInt32BE(at + 4)
}

function setInt64(buffer: Buffer, at: number, value: number): void {
  const high = Math.floor(value / TWO_TO_32)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * TWO_TO_32, at + 4)
}
