import { describe, expect, test } from '@jest/globals'
import { lz4Compress, lz4Decompress as referenceLz4, snappyCompress } from '@platformatic/wasm-utils'
import { type Codec, compress, decompress } from './compression.ts'
import { WireError } from './wire-error.ts'

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Data with runs, repetitions at all distances and noise. */
function data(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  let at = 0
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  while (at < length) {
    const count = Math.min(length - at, 1 + random(400))
    const kind = random(3)
    const distance = 1 + random(Math.max(1, at))
    for (let i = 0; i < count; i++) {
      if (kind === 0) bytes.writeUInt8(random(256), at + i)
      else if (kind === 1) bytes.writeUInt8(65, at + i)
      else bytes.writeUInt8(at + i >= distance ? bytes.readUInt8(at + i - distance) : 0, at + i)
    }
    at += count
  }
  return bytes
}

describe.each(codecs)('%s', codec => {
  test('gives back what went in, whatever its length', () => {
    for (const length of [0, 1, 15, 16, 17, 255, 1000, 32 * 1024, 32 * 1024 + 1, 300_000]) {
      const original = data(length, length + 1)
      expect(decompress(codec, compress(codec, original), length).equals(original)).toBe(true)
    }
  })

  test('stops at its limit, without making the bytes first', () => {
    const bomb = compress(codec, Buffer.alloc(40_000_000))
    const before = process.memoryUsage().rss
    expect(() => decompress(codec, bomb, 1_000_000)).toThrow(WireError)
    expect(process.memoryUsage().rss - before).toBeLessThan(30_000_000)
    expect(decompress(codec, compress(codec, Buffer.alloc(1000)), 1000).length).toBe(1000)
    expect(() => decompress(codec, compress(codec, Buffer.alloc(1001)), 1000)).toThrow(WireError)
  })

  test('damaged data are an error or other data, never a crash', () => {
    const whole = compress(codec, data(600, 3))
    for (let at = 0; at < whole.length; at++) {
      for (const flip of [1, 0x40, 0xff]) {
        const damaged = Buffer.from(whole)
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at)
        const cut = damaged.subarray(0, at)
        for (const bytes of [damaged, cut]) {
          try {
            decompress(codec, bytes, 10_000)
          } catch (cause) {
            expect(cause).toBeInstanceOf(WireError)
          }
        }
      }
    }
  })
})

test('snappy is read without framing too', () => {
  const original = data(100_000, 9)
  expect(decompress('snappy', snappyCompress(original), 100_000).equals(original)).toBe(true)
})

test('snappy is written in the framing of the Java clients', () => {
  expect(compress('snappy', Buffer.from('abc')).toString('hex')).toBe(
    `82534e415050590000000001000000010000000503${'08'}616263`,
  )
})

test('lz4 is written as others read it, and frames with sizes, checksums and stored blocks are read', () => {
  const original = data(50_000, 4)
  expect(referenceLz4(compress('lz4', original)).equals(original)).toBe(true)
  const plain = lz4Compress(original)
  const blocks = plain.subarray(7, plain.length - 4)
  const stored = Buffer.from('0500008068656c6c6f', 'hex')
  const withSize = Buffer.concat([
    Buffer.from('04224d18', 'hex'),
    Buffer.from([0x6c, 0x70]),
    Buffer.alloc(8),
    Buffer.alloc(1),
    blocks,
  ])
  const frame = Buffer.concat([withSize, stored, Buffer.alloc(4), Buffer.alloc(4)])
  expect(decompress('lz4', frame, 60_000).equals(Buffer.concat([original, Buffer.from('hello')]))).toBe(true)
})

test('lz4 frames of unknown kinds are refused', () => {
  for (const hex of ['', '04224d18', '04224d18a0400000000000', '04224d186140000000000000', '05224d18604000000000']) {
    expect(() => decompress('lz4', Buffer.from(hex, 'hex'), 1000)).toThrow(WireError)
  }
})
