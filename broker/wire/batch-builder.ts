/** Makes record batches from records, and records from batches: for tests, tools, the log cleaner and markers. */

import { type Codec, codecOf, compress, compressionOf, decompress } from './compression.ts'
import {
  assembleBatch,
  batchAttributes,
  batchBaseOffset,
  batchBaseTimestamp,
  batchCompression,
  batchFlag,
  batchMaxTimestamp,
  batchPayload,
  batchRecordCount,
} from './record-batch.ts'
import { RecordCursor, type RecordHeader } from './record-cursor.ts'
import { WireError } from './wire-error.ts'

export interface NewRecord {
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly RecordHeader[]
  /** ms; that of the batch when left out. */
  readonly timestamp?: number
  /** Offset minus base offset; the next one when left out. */
  readonly offsetDelta?: number
}

export interface NewBatch {
  readonly records: readonly NewRecord[]
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  readonly codec?: Codec
  /** Timestamp of records that have none, ms. */
  readonly timestamp?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
}

export function buildBatch(batch: NewBatch): Buffer {
  const { records, codec = 'none', timestamp = -1 } = batch
  const baseTimestamp = records[0]?.timestamp ?? timestamp
  const writer = new RecordWriter()
  let maxTimestamp = -1
  let lastOffsetDelta = -1
  for (const record of records) {
    const time = record.timestamp ?? timestamp
    maxTimestamp = Math.max(maxTimestamp, time)
    lastOffsetDelta = record.offsetDelta ?? lastOffsetDelta + 1
    writer.record(record, time - baseTimestamp, lastOffsetDelta)
  }
  const flags = (batch.transactional ? batchFlag.transactional : 0) | (batch.control ? batchFlag.control : 0)
  const header = {
    baseOffset: batch.baseOffset ?? 0,
    leaderEpoch: batch.leaderEpoch ?? -1,
    attributes: compressionOf(codec) | flags,
    lastOffsetDelta,
    baseTimestamp,
    maxTimestamp,
    producerId: batch.producerId ?? -1,
    producerEpoch: batch.producerEpoch ?? -1,
    baseSequence: batch.baseSequence ?? -1,
    recordCount: records.length,
  }
  return assembleBatch(header, compress(codec, writer.finish()))
}

/** The records of a batch, to be walked. Throws `WireError` for damaged data or more than `maxBytes` of them. */
export function openBatch(buffer: Buffer, at: number, maxBytes: number): RecordCursor {
  const codec = codecOf(batchCompression(buffer, at))
  if (codec === undefined) throw new WireError(`unknown compression ${batchCompression(buffer, at)}`)
  return new RecordCursor(decompress(codec, batchPayload(buffer, at), maxBytes), batchRecordCount(buffer, at))
}

export interface FullRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** All records of a batch, as a consumer sees them. */
export function recordsOf(buffer: Buffer, at: number, maxBytes: number): FullRecord[] {
  const cursor = openBatch(buffer, at, maxBytes)
  const baseOffset = batchBaseOffset(buffer, at)
  const baseTimestamp = batchBaseTimestamp(buffer, at)
  const isLogAppendTime = (batchAttributes(buffer, at) & batchFlag.logAppendTime) !== 0
  const records: FullRecord[] = []
  while (cursor.next()) {
    const { key, value, headers } = cursor
    const timestamp = isLogAppendTime ? batchMaxTimestamp(buffer, at) : baseTimestamp + cursor.timestampDelta
    records.push({ offset: baseOffset + cursor.offsetDelta, timestamp, key, value, headers })
  }
  return records
}

/** Puts records one behind the other. */
class RecordWriter {
  private readonly parts: Buffer[] = []

  record(record: NewRecord, timestampDelta: number, offsetDelta: number): void {
    const body: Buffer[] = [Buffer.from([0]), varlong(timestampDelta), varlong(offsetDelta)]
    body.push(...counted(record.key ?? null), ...counted(record.value ?? null))
    const headers = record.headers ?? []
    body.push(varlong(headers.length))
    for (const { key, value } of headers) body.push(...counted(Buffer.from(key)), ...counted(value))
    let length = 0
    for (const part of body) length += part.length
    this.parts.push(varlong(length), ...body)
  }

  finish(): Buffer {
    return Buffer.concat(this.parts)
  }
}

function counted(value: Buffer | null): Buffer[] {
  return value === null ? [varlong(-1)] : [varlong(value.length), value]
}

/** A zigzag varint; exact for what a number holds exactly. */
function varlong(value: number): Buffer {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  const bytes: number[] = []
  while (rest > 127) {
    bytes.push((rest % 128) | 0x80)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}
