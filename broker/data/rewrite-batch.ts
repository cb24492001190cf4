/**
 * The few things for which a batch must be opened: keys of compacted topics, timestamps of single records, another codec.
 * Opening is bounded in bytes, so a small batch cannot unpack into all of memory.
 */
import type { TopicSettings } from '../state/topic-settings.ts'
import { openBatch as openBounded } from '../wire/batch-builder.ts'
import { type Codec, codecOf, compress, compressionOf, decompress } from '../wire/compression.ts'
import { errorCode, KafkaError } from '../wire/errors.ts'
import {
  assembleBatch,
  batchAttributes,
  batchBaseOffset,
  batchBaseSequence,
  batchBaseTimestamp,
  batchCompression,
  batchFlag,
  batchLastOffsetDelta,
  batchLeaderEpoch,
  batchMaxTimestamp,
  batchPayload,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
} from '../wire/record-batch.ts'
import type { RecordCursor } from '../wire/record-cursor.ts'
import { WireError } from '../wire/wire-error.ts'

/** The most that one batch may unpack to. */
const UNPACKED_BYTES = 256 * 1024 * 1024

/** A cursor over the records of the batch at `at`. Throws WireError for damaged records. */
export function openBatch(buffer: Buffer, at: number): RecordCursor {
  return openBounded(buffer, at, UNPACKED_BYTES)
}

/** Does any record lack a key? Throws KafkaError when the records cannot be read. */
export function hasNullKey(batch: Buffer): boolean {
  return asKafkaError(() => {
    const cursor = openBatch(batch, 0)
    let missing = false
    while (cursor.next()) missing ||= !cursor.hasKey
    return missing
  })
}

/** The smallest timestamp of the records, ms. Throws KafkaError when the records cannot be read. */
export function earliestTimestamp(batch: Buffer): number {
  return asKafkaError(() => {
    const cursor = openBatch(batch, 0)
    let earliest = Number.POSITIVE_INFINITY
    while (cursor.next()) earliest = Math.min(earliest, cursor.timestampDelta)
    return batchBaseTimestamp(batch, 0) + earliest
  })
}

/** The batch in the codec that the topic asks for; the same bytes when it has that already. Throws KafkaError. */
export function recompress(batch: Buffer, settings: TopicSettings): Buffer {
  const codec = codecOfSetting(settings.compressionType)
  if (codecOf(batchCompression(batch, 0)) === codec) return batch
  return asKafkaError(() => {
    const cursor = openBatch(batch, 0)
    while (cursor.next());
    return withPayload(batch, codec, compress(codec, unpack(batch, 0), levelOf(codec, settings)))
  })
}

function unpack(buffer: Buffer, at: number): Buffer {
  const codec = codecOf(batchCompression(buffer, at))
  if (codec === undefined) throw new WireError('a batch of an unknown codec')
  return decompress(codec, batchPayload(buffer, at), UNPACKED_BYTES)
}

function withPayload(batch: Buffer, codec: Codec, payload: Buffer): Buffer {
  const header = {
    baseOffset: batchBaseOffset(batch, 0),
    leaderEpoch: batchLeaderEpoch(batch, 0),
    attributes: (batchAttributes(batch, 0) & ~batchFlag.compression) | compressionOf(codec),
    lastOffsetDelta: batchLastOffsetDelta(batch, 0),
    baseTimestamp: batchBaseTimestamp(batch, 0),
    maxTimestamp: batchMaxTimestamp(batch, 0),
    producerId: batchProducerId(batch, 0),
    producerEpoch: batchProducerEpoch(batch, 0),
    baseSequence: batchBaseSequence(batch, 0),
    recordCount: batchRecordCount(batch, 0),
  }
  return assembleBatch(header, payload)
}

function codecOfSetting(compressionType: string): Codec {
  switch (compressionType) {
    case 'gzip':
    case 'snappy':
    case 'lz4':
    case 'zstd':
      return compressionType
    default:
      return 'none'
  }
}

function levelOf(codec: Codec, settings: TopicSettings): number | undefined {
  if (codec === 'zstd') return settings.compressionZstdLevel
  return codec === 'gzip' ? settings.compressionGzipLevel : undefined
}

function asKafkaError<Value>(open: () => Value): Value {
  try {
    return open()
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new KafkaError(errorCode.CORRUPT_MESSAGE, 'the records of a batch cannot be read', { cause })
  }
}
