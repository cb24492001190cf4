/**
 * The codecs of record batches. A broker stores batches as they came and comes here only to look inside or to change the
 * codec. Every decompression is given the most bytes it may make, so that a small batch cannot fill the memory.
 */

import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import { lz4Decompress } from './lz4.ts'
import { snappyDecompress, xerialFrame } from './snappy.ts'
import { WireError } from './wire-error.ts'

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** In the order of their numbers in the batch attributes. */
const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Undefined for a number that stands for no codec. */
export function codecOf(compression: number): Codec | undefined {
  return codecs[compression]
}

export function compressionOf(codec: Codec): number {
  return codecs.indexOf(codec)
}

/** Snappy comes out in the framing of the Java clients. `level` is for gzip and zstd. */
export function compress(codec: Codec, data: Buffer, level?: number): Buffer {
  switch (codec) {
    case 'none':
      return data
    case 'gzip':
      return gzipSync(data, level === undefined ? {} : { level })
    case 'snappy':
      return xerialFrame(data, snappyCompress)
    case 'lz4':
      return lz4Compress(data)
    case 'zstd':
      return zstdCompressSync(
        data,
        level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
      )
  }
}

/** Throws `WireError` when the data are damaged or would give more than `maxBytes`. */
export function decompress(codec: Codec, data: Buffer, maxBytes: number): Buffer {
  switch (codec) {
    case 'none':
      if (data.length > maxBytes) throw new WireError(`${data.length} bytes, ${maxBytes} allowed`)
      return data
    case 'gzip':
      return damaged(codec, () => gunzipSync(data, { maxOutputLength: Math.max(1, maxBytes) }))
    case 'snappy':
      return snappyDecompress(data, maxBytes)
    case 'lz4':
      return lz4Decompress(data, maxBytes)
    case 'zstd':
      return damaged(codec, () => zstdDecompressSync(data, { maxOutputLength: Math.max(1, maxBytes) }))
  }
}

function damaged(codec: Codec, decompressed: () => Buffer): Buffer {
  try {
    return decompressed()
  } catch (cause) {
    throw new WireError(`${codec} data are damaged or too large`, { cause })
  }
}
