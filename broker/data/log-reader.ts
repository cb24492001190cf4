/**
 * Reading partitions: which extents a fetch needs, and which batches of them it gets.
 *
 * The limits are Kafka's (KIP-74): partitions are served in the order of the request, each up to its own limit and to what
 * is left of the request's; the first partition that has data always gets at least one whole batch, so a consumer is
 * never stuck behind a batch larger than its limits. Batches are never cut.
 *
 * A partition that is read on where an earlier read ended is read ahead by what one read takes, so that a consumer of old
 * data does not wait for the store each time.
 */
import type { Extent } from '../state/extents.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { batchLastOffset, batchLength } from '../wire/record-batch.ts'
import type { Block } from './block-cache.ts'
import type { ExtentReader } from './extent-reader.ts'

export interface PartitionRead {
  readonly log: PartitionLog
  readonly offset: number
  /** Bytes wanted of this partition. */
  readonly maxBytes: number
  /** Records at or after this offset are not returned. */
  readonly endOffset: number
}

export type PartitionReadResult =
  | { readonly records: readonly Buffer[]; readonly bytes: number }
  | { readonly error: Error }

const NOTHING: PartitionReadResult = { records: [], bytes: 0 }

export class LogReader {
  readonly #extents: ExtentReader

  constructor(extents: ExtentReader) {
    this.#extents = extents
  }

  /** One result per read, in order. `maxBytes` bounds all of them together but for the first batch. */
  async read(reads: readonly PartitionRead[], maxBytes: number): Promise<PartitionReadResult[]> {
    const plans = planExtents(reads, maxBytes)
    const next = reads.flatMap((read, index) => this.#next(read, plans[index]?.at(-1)))
    const loaded = this.#extents.load(plans.flat())
    this.#extents.loadAhead(next)
    const blocks = await loaded
    let left = maxBytes
    let empty = true
    let at = 0
    return reads.map((read, index) => {
      const plan = plans[index] ?? []
      const own = blocks.slice(at, at + plan.length)
      at += plan.length
      if (plan.length === 0) return NOTHING
      const result = cut(own, read, Math.min(read.maxBytes, left), empty)
      if ('bytes' in result) {
        left = Math.max(0, left - result.bytes)
        if (result.bytes > 0) empty = false
      }
      return result
    })
  }

  /** What to load ahead when `last` is the last extent that this read wants: nothing unless it goes on from an earlier one. */
  #next({ log, offset, maxBytes }: PartitionRead, last: Extent | undefined): Extent[] {
    if (last === undefined || last.baseOffset + last.count >= log.nextOffset) return []
    const { extents } = log
    const index = extents.find(offset)
    const before = extents.at(index).baseOffset < offset ? index : index - 1
    return before >= 0 && this.#extents.isAtHand(extents.at(before)) ? extentsAfter(log, last, maxBytes) : []
  }
}

/** From the extent after `last` on, as many as `bytes` hold; one at least. */
function extentsAfter({ extents }: PartitionLog, last: Extent, bytes: number): Extent[] {
  const after: Extent[] = []
  let left = bytes
  for (let index = extents.find(last.baseOffset) + 1; index < extents.size && left > 0; index++) {
    const extent = extents.at(index)
    after.push(extent)
    left -= extent.length
  }
  return after
}

/** The extents that the limits allow, per read; at least one for the first read that has any. */
export function planExtents(reads: readonly PartitionRead[], maxBytes: number): Extent[][] {
  let left = maxBytes
  let empty = true
  return reads.map(({ log, offset, maxBytes: own, endOffset }) => {
    const plan: Extent[] = []
    const { extents } = log
    let limit = Math.min(own, left)
    for (let index = extents.find(offset); index < extents.size; index++) {
      const extent = extents.at(index)
      if (extent.baseOffset >= endOffset || (limit <= 0 && !(empty && plan.length === 0))) break
      plan.push(extent)
      // What lies before the wanted offset does not count, as far as offsets can tell.
      const share = (extent.baseOffset + extent.count - Math.max(offset, extent.baseOffset)) / extent.count
      limit -= Math.ceil(extent.length * share)
      left -= Math.ceil(extent.length * share)
    }
    if (plan.length > 0) empty = false
    return plan
  })
}

/** Whole batches from `offset` on, up to `limit` bytes; one at least when `always`. */
function cut(
  blocks: readonly (Block | Error)[],
  read: PartitionRead,
  limit: number,
  always: boolean,
): PartitionReadResult {
  const records: Buffer[] = []
  let bytes = 0
  for (const block of blocks) {
    if (block instanceof Error) return bytes > 0 ? { records, bytes } : { error: block }
    for (const buffer of block) {
      const from = bytes === 0 ? firstBatchAt(buffer, read.offset) : 0
      const end = lastBatchEnd(buffer, from, limit - bytes, always && bytes === 0, read.endOffset)
      if (end > from) records.push(from === 0 && end === buffer.length ? buffer : buffer.subarray(from, end))
      bytes += end - from
      if (end < buffer.length) return { records, bytes }
    }
  }
  return { records, bytes }
}

/** Position of the first batch that holds `offset` or comes after it. */
function firstBatchAt(buffer: Buffer, offset: number): number {
  let at = 0
  while (at < buffer.length && batchLastOffset(buffer, at) < offset) at += batchLength(buffer, at)
  return at
}

/** Where the batches that fit into `limit` bytes end. */
function lastBatchEnd(buffer: Buffer, from: number, limit: number, always: boolean, endOffset: number): number {
  // The common case: everything fits and nothing is cut off by offset.
  if (buffer.length - from <= limit && endOffset === Number.POSITIVE_INFINITY) return buffer.length
  let at = from
  while (at < buffer.length) {
    const length = batchLength(buffer, at)
    const fits = at + length - from <= limit || (always && at === from)
    if (!fits || batchLastOffset(buffer, at) >= endOffset) break
    at += length
  }
  return at
}
