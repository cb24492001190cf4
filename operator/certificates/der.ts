// DER, as far as an X.509 certificate needs it (ITU-T X.690): every function answers one encoded value.

/** `tag` and what is inside, which may be encoded values one after the other. */
export function tagged(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.of(tag), lengthOf(body.length), body])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.of(0x80 | bytes.length, ...bytes)
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => tagged(0x30, ...items)
export const set = (...items: readonly Uint8Array[]): Buffer => tagged(0x31, ...items)
export const octets = (content: Uint8Array): Buffer => tagged(0x04, content)
export const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text))
/** TRUE; false is said by leaving the value out. */
export const yes = (): Buffer => tagged(0x01, Buffer.of(0xff))
/** A value inside `[number]`, which says what it is for. */
export const explicit = (number: number, content: Uint8Array): Buffer => tagged(0xa0 | number, content)
/** Bytes inside `[number]`, in place of the tag that they would have. */
export const implicit = (number: number, content: Uint8Array): Buffer => tagged(0x80 | number, content)

/** A whole number that is not negative, most significant byte first. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const kept = bytes.subarray(start)
  // A first bit of 1 would mean a negative number.
  return tagged(0x02, ((kept[0] ?? 0) & 0x80) === 0 ? kept : Buffer.concat([Buffer.of(0), kept]))
}

/** Bits, the last `unused` of which do not count. */
export const bits = (content: Uint8Array, unused = 0): Buffer => tagged(0x03, Buffer.of(unused), content)

/** `2.5.29.17`. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const bytes = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128))
  return bytes
}

/** Milliseconds since 1970; seconds are kept. Years before 2050 are written with two digits (RFC 5280, 4.1.2.5). */
export function time(ms: number): Buffer {
  const text = `${new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')}`
  return text < '2050' ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text))
}
