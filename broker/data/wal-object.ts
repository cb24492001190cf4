/**
 * WAL objects: the batches of many partitions in one immutable object, as they were received.
 *
 * Layout: body (record batches grouped by partition: one *run* per partition) | footer (WalFooter message, version 0) |
 * trailer of magic "KFSWAL01" (object-trailer.ts). The footer repeats what the ledger's Append command says, so that a
 * bucket can be audited and a ledger checked without each other.
 */

import type { AppendRun, AppendSpan } from '../state/commands.gen.ts'
import { crc32c } from '../wire/crc32c.ts'
import { readWalFooter, type WalFooter, writeWalFooter } from './formats.gen.ts'
import { encodeTrailer, footerReader } from './object-trailer.ts'

const MAGIC = 'KFSWAL01'

/** The batches of one partition on their way into an object. */
export interface RunContent {
  readonly topicId: string
  readonly partition: number
  readonly spans: readonly AppendSpan[]
  /** The spans' bytes in order; a slice may hold several batches, a batch is never cut. */
  readonly slices: readonly Buffer[]
  readonly batches: number
}

export interface WalObject {
  /** Body and footer, in order. */
  readonly buffers: readonly Buffer[]
  /** Bytes. */
  readonly size: number
  /** The runs as the Append command names them. */
  readonly runs: readonly AppendRun[]
}

export function buildWalObject(epoch: number, number: number, contents: readonly RunContent[]): WalObject {
  const buffers: Buffer[] = []
  const runs: AppendRun[] = []
  const footerRuns: WalFooter['runs'][number][] = []
  let position = 0
  for (const content of contents) {
    const { topicId, partition, spans, slices, batches } = content
    let length = 0
    let checksum = 0
    for (const slice of slices) {
      checksum = crc32c(slice, checksum)
      length += slice.length
      buffers.push(slice)
    }
    runs.push({ topicId, partition, position, spans })
    footerRuns.push({ topicId, partition, position, length, batches, checksum, ...totalsOf(spans), spans })
    position += length
  }
  const footer = encodeTrailer(MAGIC, writer => writeWalFooter(writer, { epoch, number, runs: footerRuns }, 0))
  buffers.push(footer)
  return { buffers, size: position + footer.length, runs }
}

function totalsOf(spans: readonly AppendSpan[]): { records: number; maxTimestamp: number } {
  let records = 0
  let maxTimestamp = -1
  for (const span of spans) {
    records += span.records
    maxTimestamp = Math.max(maxTimestamp, span.maxTimestamp)
  }
  return { records, maxTimestamp }
}

/** Reads the footer from a whole object. Throws WireError when it is not one. */
export function parseWalFooter(object: Buffer): WalFooter {
  return readWalFooter(footerReader(object, MAGIC), 0)
}
