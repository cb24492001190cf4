/**
 * From the records field of a produce request to one batch that may be stored, or to Kafka's refusal.
 *
 * A partition's records are exactly one batch of format 2 (KIP-98, KIP-110): older formats are
 * UNSUPPORTED_FOR_MESSAGE_FORMAT, several batches INVALID_RECORD. Batches are stored as they were sent; nothing is decompressed
 * unless the topic asks for it: a compacted topic needs keys, `compression.type` may name another codec.
 */
import type { TopicSettings } from '../state/topic-settings.ts'
import { errorCode } from '../wire/errors.ts'
import {
  batchBaseSequence,
  batchLength,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  isTransactional,
  setLogAppendTime,
  validateBatch,
} from '../wire/record-batch.ts'
import { hasNullKey, recompress } from './rewrite-batch.ts'
import type { IncomingBatch } from './window.ts'

export type Prepared =
  | { readonly batch: IncomingBatch }
  | { readonly errorCode: number; readonly message: string }

/** `now` is the broker's clock in ms. The batch's bytes are changed in place where the topic uses LogAppendTime. */
export function prepareBatch(records: readonly Buffer[] | null, settings: TopicSettings, now: number): Prepared {
  const [sent] = records ?? []
  if (records === null || sent === undefined || records.length > 1) {
    return refuse(errorCode.INVALID_RECORD, 'a produce request must hold exactly one record batch per partition')
  }
  const problem = validateBatch(sent)
  if (problem !== undefined) return refuse(problem.code, problem.message)
  if (batchLength(sent, 0) !== sent.length) {
    return refuse(errorCode.INVALID_RECORD, 'a produce request must hold exactly one record batch per partition')
  }
  if (isTransactional(sent, 0)) return refuse(errorCode.INVALID_TXN_STATE, 'transactions are not supported')
  const rewritten = rewrite(sent, settings)
  if ('errorCode' in rewritten) return rewritten
  const { bytes } = rewritten
  if (bytes.length > settings.maxMessageBytes) {
    const limit = `${bytes.length} bytes are more than max.message.bytes, ${settings.maxMessageBytes}`
    return refuse(errorCode.MESSAGE_TOO_LARGE, limit)
  }
  if (settings.logAppendTime) setLogAppendTime(bytes, 0, now)
  else if (!timestampInBounds(batchMaxTimestamp(bytes, 0), settings, now)) {
    return refuse(errorCode.INVALID_TIMESTAMP, 'a timestamp is out of the range that the topic allows')
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

function rewrite(sent: Buffer, settings: TopicSettings): { readonly bytes: Buffer } | Extract<Prepared, { errorCode: number }> {
  if (settings.compacted && hasNullKey(sent)) {
    return refuse(errorCode.INVALID_RECORD, 'a compacted topic takes no records without a key')
  }
  if (settings.compressionType === 'producer') return { bytes: sent }
  return { bytes: recompress(sent, settings) }
}

/** A batch without timestamps passes. */
function timestampInBounds(timestamp: number, settings: TopicSettings, now: number): boolean {
  if (timestamp < 0) return true
  return timestamp - now <= settings.timestampAfterMaxMs && now - timestamp <= settings.timestampBeforeMaxMs
}

function refuse(code: number, message: string): Extract<Prepared, { errorCode: number }> {
  return { errorCode: code, message }
}
