import { describe, expect, test } from '@jest/globals'
import { lines } from './json-lines.ts'

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function cut(text: string, size: number): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines(inPieces(Buffer.from(text), size), 1000)) found.push(line)
  return found
}

describe('lines', () => {
  const text = '{"a":"é€😀"}\n\n{"b":2}\n'

  test('are the same wherever the bytes are cut', async () => {
    for (let size = 1; size <= Buffer.byteLength(text); size++) {
      expect(await cut(text, size)).toEqual(['{"a":"é€😀"}', '{"b":2}'])
    }
  })

  test('without their end are none', async () => {
    expect(await cut(`${text}{"half":`, 4)).toEqual(['{"a":"é€😀"}', '{"b":2}'])
  })

  test('that never end are refused', async () => {
    await expect(cut('x'.repeat(2000), 100)).rejects.toThrow(RangeError)
  })
})
