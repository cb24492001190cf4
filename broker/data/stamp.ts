/**
 * Offsets into batches. A batch arrives without its offset; the base offset and the leader epoch lie outside the batch's
 * checksum, so they are written into the bytes when a WAL extent enters the cache, and a fetch answer is then made of
 * plain slices. Segments are written with their offsets in place and are never stamped.
 */
import { batchLength, batchOffsetCount, setBaseOffset, setLeaderEpoch } from '../wire/record-batch.ts'
import type { Block } from './block-cache.ts'

/** Leaders do not change here, so their epoch is 0 for ever. */
const LEADER_EPOCH = 0
/** Below this average a copy into one buffer costs less than carrying many small ones. */
const SMALL_SLICE = 16 * 1024

/** Writes offsets into all batches of an extent that begins at `baseOffset`. */
export function stampOffsets(block: Block, baseOffset: number): Block {
  let offset = baseOffset
  for (const buffer of block) {
    for (let at = 0; at < buffer.length; at += batchLength(buffer, at)) {
      setBaseOffset(buffer, at, offset)
      setLeaderEpoch(buffer, at, LEADER_EPOCH)
      offset += batchOffsetCount(buffer, at)
    }
  }
  return block
}

/** The block of an extent that this broker wrote itself, made of the very bytes that came from the clients. */
export function ownBlock(slices: readonly Buffer[], baseOffset: number): Block {
  let length = 0
  for (const slice of slices) length += slice.length
  const merged = slices.length > 1 && length < slices.length * SMALL_SLICE
  return stampOffsets(merged ? [Buffer.concat(slices, length)] : slices, baseOffset)
}
