/**
 * Snappy as Kafka clients send it: raw blocks, or a stream of them in the framing of xerial's snappy-java, which is what
 * the Java clients write and what consumers expect.
 */

import { ByteSink } from './byte-sink.ts'
import { WireError } from './wire-error.ts'

/** Magic, then version and oldest compatible version as int32. */
const XERIAL_HEADER = Buffer.from('82534e4150505900' + '00000001' + '00000001', 'hex')
const XERIAL_MAGIC = XERIAL_HEADER.subarray(0, 8)
/** Input bytes per block, snappy-java's default. */
const XERIAL_BLOCK = 32 * 1024

export function xerialFrame(data: Buffer, compressBlock: (block: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER]
  for (let at = 0; at < data.length; at += XERIAL_BLOCK) {
    const block = compressBlock(data.subarray(at, at + XERIAL_BLOCK))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Throws `WireError` when the data are damaged or would give more than `maxBytes`. */
export function snappyDecompress(data: Buffer, maxBytes: number): Buffer {
  if (!startsWithMagic(data, 0)) {
    const sink = new ByteSink(uvarint(data, 0).value, maxBytes)
    decompressBlock(data, sink)
    return sink.finish()
  }
  const sink = new ByteSink(data.length * 3, maxBytes)
  let at = 0
  while (at < data.length) {
    if (startsWithMagic(data, at)) {
      at += XERIAL_HEADER.length
      continue
    }
    if (data.length - at < 4) throw new WireError('snappy stream that ends too early')
    const length = data.readInt32BE(at)
    at += 4
    if (length < 0 || length > data.length - at) throw new WireError(`snappy block of ${length} bytes`)
    decompressBlock(data.subarray(at, at + length), sink)
    at += length
  }
  return sink.finish()
}

function startsWithMagic(data: Buffer, at: number): boolean {
  return data.length - at >= XERIAL_HEADER.length && XERIAL_MAGIC.equals(data.subarray(at, at + XERIAL_MAGIC.length))
}

/** One raw block: its length, then literals and references back into what it gave already. */
function decompressBlock(block: Buffer, sink: ByteSink): void {
  const { value: length, next } = uvarint(block, 0)
  const start = sink.written
  let at = next
  while (at < block.length) {
    const tag = byteAt(block, at++)
    const kind = tag & 3
    if (kind === 0) {
      let count = (tag >> 2) + 1
      if (count > 60) {
        const bytes = count - 60
        count = littleEndian(block, at, bytes) + 1
        at += bytes
      }
      sink.append(block, at, at + count)
      at += count
      continue
    }
    let count = (tag >> 2) + 1
    let distance: number
    if (kind === 1) {
      count = ((tag >> 2) & 7) + 4
      distance = ((tag >> 5) << 8) | byteAt(block, at)
      at += 1
    } else {
      const bytes = kind === 2 ? 2 : 4
      distance = littleEndian(block, at, bytes)
      at += bytes
    }
    if (distance > sink.written - start) throw new WireError('snappy block that refers to what is not in it')
    sink.repeat(distance, count)
  }
  if (sink.written - start !== length) throw new WireError('snappy block of another length than it says')
}

function uvarint(data: Buffer, from: number): { value: number; next: number } {
  let value = 0
  let at = from
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    const byte = byteAt(data, at++)
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, next: at }
  }
  throw new WireError('snappy block with an endless length')
}

function littleEndian(data: Buffer, at: number, bytes: number): number {
  let value = 0
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + byteAt(data, at + i)
  return value
}

function byteAt(data: Buffer, at: number): number {
  const byte = data[at]
  if (byte === undefined) throw new WireError('snappy block that ends too early')
  return byte
}
