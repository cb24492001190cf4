import { describe, expect, test } from '@jest/globals'
import { FrameReader } from './frame-reader.ts'

const framed = (body: Buffer): Buffer => {
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(body.length)
  return Buffer.concat([prefix, body])
}

const body = (length: number, fill: number): Buffer => {
  const bytes = Buffer.alloc(length, fill)
  bytes.writeInt16BE(fill, 0)
  return bytes
}

/** Reads all frames of a stream that comes in the given chunks, with the head that was seen before each. */
const read = (chunks: Iterable<Buffer>): { frames: Buffer[]; heads: [number | null, number | null][] } => {
  const reader = new FrameReader()
  const [frames, heads]: [Buffer[], [number | null, number | null][]] = [[], []]
  for (const chunk of chunks) {
    reader.push(chunk)
    for (;;) {
      const head: [number | null, number | null] = [reader.length(), reader.apiKey()]
      const frame = reader.take()
      if (frame === null) break
      frames.push(frame)
      heads.push(head)
    }
  }
  expect(reader.midFrame).toBe(false)
  return { frames, heads }
}

const cut = function* (stream: Buffer, size: () => number): Generator<Buffer> {
  for (let at = 0; at < stream.length; ) {
    const end = Math.min(stream.length, at + size())
    // As from a socket: every chunk is a buffer of its own.
    yield Buffer.from(stream.subarray(at, end))
    at = end
  }
}

const bodies = [8, 9, 100, 8, 5000, 70_000, 8, 300_000, 10].map((length, i) => body(length, i + 1))
const stream = Buffer.concat(bodies.map(framed))

describe('frame reader', () => {
  test('gives the same frames however the stream is cut', () => {
    for (const size of [1, 2, 3, 4, 5, 6, 7, 11, 13, 64, 1000, 65_536, stream.length]) {
      const { frames } = read(cut(stream, () => size))
      expect([size, frames.length, frames.every((frame, i) => frame.equals(bodies[i] ?? stream))]).toEqual([
        size,
        9,
        true,
      ])
    }
    let seed = 1
    const random = (): number => (seed = (seed * 48271) % 2147483647) % 20_000 || 1
    for (let i = 0; i < 50; i++) {
      const { frames } = read(cut(stream, random))
      expect(frames.every((frame, i) => frame.equals(bodies[i] ?? stream))).toBe(true)
    }
  })

  test('tells length and api key of a frame before the rest of it is there', () => {
    const reader = new FrameReader()
    const bytes = framed(body(1000, 3))
    const seen: unknown[] = []
    for (let i = 0; i < 7; i++) {
      reader.push(bytes.subarray(i, i + 1))
      seen.push([reader.length(), reader.apiKey(), reader.midFrame])
    }
    expect(seen).toEqual([
      [null, null, true],
      [null, null, true],
      [null, null, true],
      [1000, null, true],
      [1000, null, true],
      [1000, 3, true],
      [1000, 3, true],
    ])
  })

  test('announces nonsense as it is', () => {
    const reader = new FrameReader()
    reader.push(Buffer.from([0x7f, 0xff, 0xff, 0xff]))
    expect([reader.length(), reader.apiKey(), reader.take()]).toEqual([2 ** 31 - 1, null, null])
    const negative = new FrameReader()
    negative.push(Buffer.from([0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0]))
    expect(negative.length()).toBe(-2)
  })

  test('keeps a large chunk alive only for frames that are much of it', () => {
    const chunk = Buffer.alloc(64 * 1024)
    framed(body(30_000, 1)).copy(chunk, 0)
    framed(body(100, 2)).copy(chunk, 30_004)
    const reader = new FrameReader()
    reader.push(chunk)
    expect(reader.take()?.buffer).toBe(chunk.buffer)
    expect(reader.take()?.buffer).not.toBe(chunk.buffer)
  })
})
