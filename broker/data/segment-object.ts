/**
 * Segment objects: what compaction writes. Few large extents per partition, sorted, with their offsets in place.
 *
 * Layout: body (extents, by topic, partition and offset) | footer (SegmentFooter message, version 0) | CRC-32C u32 of the
 * footer | length u32 of the footer | magic "KFSSEG01".
 */
import type { ReplaceExtent } from '../state/commands.gen.ts'
import { MAX_EXTENT_COUNT } from '../state/extents.ts'
import { crc32c } from '../wire/crc32c.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import { readSegmentFooter, type SegmentFooter, writeSegmentFooter } from './formats.gen.ts'

const MAGIC = Buffer.from('KFSSEG01', 'latin1')
const TRAILER_BYTES = 16

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
  const footer = encodeFooter({ epoch, number, runs: footerRuns })
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

function encodeFooter(footer: SegmentFooter): Buffer {
  const writer = new Writer()
  writeSegmentFooter(writer, footer, 0)
  const body = Buffer.concat(writer.finish().buffers)
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.writeUInt32BE(crc32c(body), 0)
  trailer.writeUInt32BE(body.length, 4)
  MAGIC.copy(trailer, 8)
  return Buffer.concat([body, trailer])
}

/** Reads the footer from a whole object. Throws WireError when it is not one. */
export function parseSegmentFooter(object: Buffer): SegmentFooter {
  const trailer = object.length - TRAILER_BYTES
  if (trailer < 0 || !object.subarray(trailer + 8).equals(MAGIC)) throw new WireError('not a segment object')
  const start = trailer - object.readUInt32BE(trailer + 4)
  if (start < 0 || crc32c(object.subarray(start, trailer)) !== object.readUInt32BE(trailer)) {
    throw new WireError('the footer of a segment object is damaged')
  }
  return readSegmentFooter(new Reader(object, start, trailer), 0)
}
