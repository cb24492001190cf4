/**
 * From the records field of a produce request to one batch that may be stored, or to Kafka's refusal.
 *
 * A partition's records are exactly one batch of format 2 (KIP-98, KIP-110); `validateBatch` has the rules. Batches are
 * stored as they were sent; nothing is decompressed unless the topic asks for it: a compacted topic needs keys,
 * `compression.type` may name another codec.
 */
import type { TopicSettings } from '../state/topic-settings.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import {
  batchBaseSequence,
  batchCompression,
  batchLength,
  batchMaxTimestamp,
  batchPayload,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  isTransactional,
  setLogAppendTime,
  validateBatch,
} from '../wire/record-batch.ts'
import { earliestTimestamp, hasNullKey, recompress } from './rewrite-batch.ts'
import type { IncomingBatch } from './window.ts'

/** Length, attributes, timestamp, offset, key, value, headers: one byte each at least. */
const LEAST_RECORD_BYTES = 7

export type Prepared = { readonly batch: IncomingBatch } | { readonly errorCode: number; readonly message: string }

/** `now` is the broker's clock in ms. The batch's bytes are changed in place where the topic uses LogAppendTime. */
export function prepareBatch(
  records: readonly Buffer[] | null,
  settings: TopicSettings,
  now: number,
  produceVersion: number,
): Prepared {
  try {
    return prepare(records, settings, now, produceVersion)
  } catch (cause) {
    // Records that had to be opened, and cannot be.
    if (cause instanceof KafkaError) return refuse(cause.code, cause.message)
    throw cause
  }
}

function prepare(
  records: readonly Buffer[] | null,
  settings: TopicSettings,
  now: number,
  produceVersion: number,
): Prepared {
  const field = oneBuffer(records)
  const problem = validateBatch(field, produceVersion)
  if (problem !== undefined) return refuse(problem.code, problem.message)
  const sent = field.subarray(0, batchLength(field, 0))
  if (claimsTooMany(sent)) return refuse(errorCode.INVALID_RECORD, 'the records are fewer than the batch says')
  if (isTransactional(sent, 0)) return refuse(errorCode.INVALID_TXN_STATE, 'transactions are not supported')
  if (settings.compacted && hasNullKey(sent)) {
    return refuse(errorCode.INVALID_RECORD, 'a compacted topic takes no records without a key')
  }
  const bytes = settings.compressionType === 'producer' ? sent : recompress(sent, settings)
  if (bytes.length > settings.maxMessageBytes) {
    const limit = `${bytes.length} bytes are more than max.message.bytes, ${settings.maxMessageBytes}`
    return refuse(errorCode.MESSAGE_TOO_LARGE, limit)
  }
  if (settings.logAppendTime) setLogAppendTime(bytes, 0, now)
  else {
    const stray = strayTimestamp(bytes, settings, now)
    if (stray !== undefined) return refuse(errorCode.INVALID_TIMESTAMP, strayMessage(stray, settings, now))
  }
  return {
    batch: {
      bytes,
      records: batchRecordCount(bytes, 0),
      maxTimestamp: batchMaxTimestamp(bytes, 0),
      producerId: batchProducerId(bytes, 0),
      producerEpoch: batchProducerEpoch(bytes, 0),
      baseSequence: batchBaseSequence(bytes, 0),
    },
  }
}

/** Offsets are given by the count, so it must not be plucked out of the air. Compressed records are not looked into. */
function claimsTooMany(batch: Buffer): boolean {
  const isCompressed = batchCompression(batch, 0) !== 0
  return !isCompressed && batchRecordCount(batch, 0) * LEAST_RECORD_BYTES > batchPayload(batch, 0).length
}

function oneBuffer(records: readonly Buffer[] | null): Buffer {
  const [first = EMPTY, ...more] = records ?? []
  return more.length === 0 ? first : Buffer.concat([first, ...more])
}

const EMPTY = Buffer.alloc(0)

/**
 * A timestamp of the batch that the topic does not allow. The header knows the largest; single records are looked at only
 * where the topic sets how old they may be. A batch without timestamps passes.
 */
function strayTimestamp(batch: Buffer, settings: TopicSettings, now: number): number | undefined {
  const latest = batchMaxTimestamp(batch, 0)
  if (latest < 0) return undefined
  if (latest - now > settings.timestampAfterMaxMs) return latest
  if (now <= settings.timestampBeforeMaxMs) return undefined
  const earliest = earliestTimestamp(batch)
  return now - earliest > settings.timestampBeforeMaxMs ? earliest : undefined
}

function strayMessage(
  timestamp: number,
  { timestampBeforeMaxMs, timestampAfterMaxMs }: TopicSettings,
  now: number,
): string {
  const from = Math.max(0, now - timestampBeforeMaxMs)
  return `timestamp ${timestamp} of a record is out of range; it must be from ${from} to ${now + timestampAfterMaxMs}`
}

function refuse(code: number, message: string): Extract<Prepared, { errorCode: number }> {
  return { errorCode: code, message }
}
