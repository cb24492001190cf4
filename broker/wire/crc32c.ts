/**
 * CRC-32C (Castagnoli), which covers record batches, WAL objects and ledger records.
 *
 * The native add-on `@node-rs/crc32` does it where it is installed; otherwise, and for short inputs where calling it
 * costs more than it saves, our own tables, eight bytes a step ("slicing-by-8").
 */

const POLYNOMIAL = 0x82f63b78
/** Below this many bytes the tables win (measured). */
const NATIVE_FROM = 256

/** Table `k` (256 entries from 256 k) carries a byte over `k` more bytes of zeros. */
const tables = makeTables()
const native = await import('@node-rs/crc32').then(
  addOn => addOn.crc32c,
  () => undefined,
)

/** The checksum of `data`; `crc` is that of the bytes before it, so that a sum can be made piece by piece. */
export function crc32c(data: Buffer, crc = 0): number {
  return native === undefined || data.length < NATIVE_FROM ? crc32cByTable(data, crc) : native(data, crc)
}

/** The same without the add-on. */
export function crc32cByTable(data: Buffer, crc = 0): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const length = data.length
  let sum = ~crc
  let at = 0
  for (const end = length - 7; at < end; at += 8) {
    const low = sum ^ view.getInt32(at, true)
    const high = view.getInt32(at + 4, true)
    sum =
      entry(0x700 + (low & 0xff)) ^
      entry(0x600 + ((low >>> 8) & 0xff)) ^
      entry(0x500 + ((low >>> 16) & 0xff)) ^
      entry(0x400 + (low >>> 24)) ^
      entry(0x300 + (high & 0xff)) ^
      entry(0x200 + ((high >>> 8) & 0xff)) ^
      entry(0x100 + ((high >>> 16) & 0xff)) ^
      entry(high >>> 24)
  }
  for (; at < length; at++) sum = entry((sum ^ view.getUint8(at)) & 0xff) ^ (sum >>> 8)
  return ~sum >>> 0
}

function entry(index: number): number {
  return tables[index] ?? 0
}

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 0 ? sum >>> 1 : (sum >>> 1) ^ POLYNOMIAL
    made[byte] = sum
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256] ?? 0
    made[i] = (made[before & 0xff] ?? 0) ^ (before >>> 8)
  }
  return made
}
