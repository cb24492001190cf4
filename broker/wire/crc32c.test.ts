import { expect, test } from '@jest/globals'
import { crc32c as nativeCrc32c } from '@node-rs/crc32'
import { crc32c, crc32cByTable } from './crc32c.ts'

test('gives the sums of RFC 3720, appendix B.4', () => {
  const ascending = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
  for (const crc of [crc32c, crc32cByTable]) {
    expect(crc(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc(ascending)).toBe(0x46dd794e)
    expect(crc(Buffer.alloc(0))).toBe(0)
  }
})

test('tables and add-on agree at every length and alignment, whole and in pieces', () => {
  const data = Buffer.from(Array.from({ length: 2100 }, (_, i) => (i * 167 + (i >> 3)) & 0xff))
  for (let length = 0; length < 600; length += 7) {
    for (const start of [0, 1, 5]) {
      const slice = data.subarray(start, start + length)
      const sum = nativeCrc32c(slice)
      expect(crc32cByTable(slice)).toBe(sum)
      expect(crc32c(slice)).toBe(sum)
      const cut = length >> 1
      expect(crc32c(slice.subarray(cut), crc32c(slice.subarray(0, cut)))).toBe(sum)
    }
  }
  expect(crc32c(data.subarray(900), crc32c(data.subarray(0, 900)))).toBe(nativeCrc32c(data))
})
