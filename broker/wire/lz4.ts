/**
 * LZ4 frames (magic 184D2204), read in plain TypeScript: the WebAssembly decoder cannot be told a limit, keeps its largest
 * input and output for ever, and stops with a trap on damaged data. Checksums inside the frame are skipped, since the
 * record batch around it has its own.
 */

import { ByteSink } from './byte-sink.ts'
import { WireError } from './wire-error.ts'

const MAGIC = 0x184d2204
const STORED = 0x80000000
const LEAST_MATCH = 4

/** Throws `WireError` when the data are damaged or would give more than `maxBytes`. */
export function lz4Decompress(data: Buffer, maxBytes: number): Buffer {
  if (data.length < 7 || data.readUInt32LE(0) !== MAGIC) throw new WireError('no lz4 frame')
  const flags = data.readUInt8(4)
  if (flags >> 6 !== 1) throw new WireError(`lz4 frame of version ${flags >> 6}`)
  if ((flags & 0x01) !== 0) throw new WireError('lz4 frame with a dictionary')
  const blockChecksum = (flags & 0x10) === 0 ? 0 : 4
  const contentSize = (flags & 0x08) === 0 ? 0 : 8
  const sink = new ByteSink(data.length * 3, maxBytes)
  let at = 6 + contentSize + 1
  for (;;) {
    if (data.length - at < 4) throw new WireError('lz4 frame that ends too early')
    const size = data.readUInt32LE(at)
    at += 4
    if (size === 0) return sink.finish()
    const end = at + (size % STORED)
    if (end > data.length) throw new WireError('lz4 frame that ends too early')
    if (size >= STORED) sink.append(data, at, end)
    else decompressBlock(data, at, end, sink)
    at = end + blockChecksum
  }
}

/** Literals and matches in turn; the last sequence has no match. */
function decompressBlock(data: Buffer, from: number, end: number, sink: ByteSink): void {
  let at = from
  while (at < end) {
    const token = data[at++] ?? 0
    let literals = token >> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        more = byteBefore(data, at++, end)
        literals += more
      }
    }
    if (literals > end - at) throw new WireError('lz4 block that ends too early')
    sink.append(data, at, at + literals)
    at += literals
    if (at === end) return
    const distance = byteBefore(data, at, end) | (byteBefore(data, at + 1, end) << 8)
    at += 2
    let match = (token & 15) + LEAST_MATCH
    if ((token & 15) === 15) {
      let more = 255
      while (more === 255) {
        more = byteBefore(data, at++, end)
        match += more
      }
    }
    sink.repeat(distance, match)
  }
}

function byteBefore(data: Buffer, at: number, end: number): number {
  if (at >= end) throw new WireError('lz4 block that ends too early')
  return data[at] ?? 0
}
