/**
 * Offsets by time. The state knows the largest timestamp of every extent, which finds the extent; the batch headers in it
 * find the batch; only that one batch is opened to find the record.
 */
import type { Extent } from '../state/extents.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import {
  batchAttributes,
  batchBaseOffset,
  batchBaseTimestamp,
  batchFlag,
  batchLastOffset,
  batchLength,
  batchMaxTimestamp,
} from '../wire/record-batch.ts'
import type { Block } from './block-cache.ts'
import type { ExtentReader } from './extent-reader.ts'
import { openBatch } from './rewrite-batch.ts'

export interface TimedRecord {
  readonly offset: number
  /** ms. */
  readonly timestamp: number
}

export class TimestampIndex {
  readonly #extents: ExtentReader

  constructor(extents: ExtentReader) {
    this.#extents = extents
  }

  /** The first record, by offset, whose timestamp is `timestamp` or later; undefined when there is none. */
  async firstAtOrAfter(log: PartitionLog, timestamp: number): Promise<TimedRecord | undefined> {
    for (let index = 0; index < log.extents.size; index++) {
      if (log.extents.maxTimestampAt(index) < timestamp) continue
      const found = await this.#find(log, log.extents.at(index), timestamp)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The first of the records with the largest timestamp of the partition (KIP-734); undefined when it has no records. */
  async largest(log: PartitionLog): Promise<TimedRecord | undefined> {
    let largest = -1
    for (let index = 0; index < log.extents.size; index++)
      largest = Math.max(largest, log.extents.maxTimestampAt(index))
    return largest < 0 ? undefined : this.firstAtOrAfter(log, largest)
  }

  async #find(log: PartitionLog, extent: Extent, timestamp: number): Promise<TimedRecord | undefined> {
    const [block] = await this.#extents.load([extent])
    if (block === undefined || block instanceof Error) throw block ?? new Error('an extent was not loaded')
    return findInBlock(block, timestamp, log.logStartOffset)
  }
}

function findInBlock(block: Block, timestamp: number, logStartOffset: number): TimedRecord | undefined {
  for (const buffer of block) {
    for (let at = 0; at < buffer.length; at += batchLength(buffer, at)) {
      if (batchMaxTimestamp(buffer, at) < timestamp || batchLastOffset(buffer, at) < logStartOffset) continue
      const found = findInBatch(buffer, at, timestamp, logStartOffset)
      if (found !== undefined) return found
    }
  }
  return undefined
}

function findInBatch(buffer: Buffer, at: number, timestamp: number, logStartOffset: number): TimedRecord | undefined {
  const baseOffset = batchBaseOffset(buffer, at)
  const appendTime = (batchAttributes(buffer, at) & batchFlag.logAppendTime) !== 0
  const cursor = openBatch(buffer, at)
  while (cursor.next()) {
    const offset = baseOffset + cursor.offsetDelta
    // All records of a LogAppendTime batch bear the time in its header, whatever their deltas say.
    const own = appendTime ? batchMaxTimestamp(buffer, at) : batchBaseTimestamp(buffer, at) + cursor.timestampDelta
    if (own >= timestamp && offset >= logStartOffset) return { offset, timestamp: own }
  }
  return undefined
}
