/**
 * Segment objects: what compaction writes. Few large extents per partition, sorted, with their offsets in place.
 *
 * Layout: body (extents, by topic, partition and offset) | footer (SegmentFooter message, version 0) | trailer of
 * magic "KFSSEG01" (object-trailer.ts).
 */
import type { ReplaceExtent } from '../state/commands.gen.ts'
import { MAX_EXTENT_COUNT } from '../state/extents.ts'
import { crc32c } from '../wire/crc32c.ts'
import { readSegmentFooter, type SegmentFooter, writeSegmentFooter } from './formats.gen.ts'
import { encodeTrailer, footerReader } from './object-trailer.ts'

const MAGIC = 'KFSSEG01'

/** Adjacent batches of a partition, with their offsets in place. */
export interface SegmentRun {
  readonly topicId: string
  readonly partition: number
  readonly pieces: readonly SegmentPiece[]
}

export interface SegmentPiece {
  readonly baseOffset: number
  readonly count: number
  readonly maxTimestamp: number
  readonly bytes: readonly Buffer[]
}

export interface SegmentObject {
  readonly buffers: readonly Buffer[]
  /** Bytes. */
  readonly size: number
  /** Per run, the extents that its pieces became. */
  readonly extents: readonly (readonly ReplaceExtent[])[]
}

/** Neighbouring pieces of a run become one extent up to `extentBytes`, the unit in which readers load segments. */
export function buildSegmentObject(
  epoch: number,
  number: number,
  runs: readonly SegmentRun[],
  extentBytes: number,
): SegmentObject {
  const buffers: Buffer[] = []
  const extents: ReplaceExtent[][] = []
  const footerRuns: SegmentFooter['runs'][number][] = []
  let position = 0
  for (const { topicId, partition, pieces } of runs) {
    const own = joinPieces(pieces, extentBytes).map(piece => {
      const length = piece.bytes.reduce((sum, { length }) => sum + length, 0)
      const checksum = piece.bytes.reduce((sum, bytes) => crc32c(bytes, sum), 0)
      const { baseOffset, count, maxTimestamp } = piece
      const extent = { baseOffset, count, position, length, maxTimestamp, checksum }
      buffers.push(...piece.bytes)
      position += length
      return extent
    })
    footerRuns.push({ topicId, partition, extents: own })
    extents.push(own.map(({ checksum: _, ...extent }) => extent))
  }
  const footer = encodeTrailer(MAGIC, writer => writeSegmentFooter(writer, { epoch, number, runs: footerRuns }, 0))
  buffers.push(footer)
  return { buffers, size: position + footer.length, extents }
}

function joinPieces(pieces: readonly SegmentPiece[], extentBytes: number): SegmentPiece[] {
  const joined: SegmentPiece[] = []
  let room = 0
  for (const piece of pieces) {
    const length = piece.bytes.reduce((sum, { length }) => sum + length, 0)
    const last = joined.at(-1)
    if (last !== undefined && length <= room && last.count + piece.count <= MAX_EXTENT_COUNT) {
      joined[joined.length - 1] = {
        baseOffset: last.baseOffset,
        count: last.count + piece.count,
        maxTimestamp: Math.max(last.maxTimestamp, piece.maxTimestamp),
        bytes: [...last.bytes, ...piece.bytes],
      }
      room -= length
    } else {
      joined.push(piece)
      room = extentBytes - length
    }
  }
  return joined
}

/** Reads the footer from a whole object. Throws WireError when it is not one. */
export function parseSegmentFooter(object: Buffer): SegmentFooter {
  return readSegmentFooter(footerReader(object, MAGIC), 0)
}
