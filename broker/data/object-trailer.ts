/**
 * How objects end: footer | CRC-32C u32 of the footer | length u32 of the footer | magic, eight characters. Read from the
 * back, so an object says itself what it is and where its parts lie.
 */
import { crc32c } from '../wire/crc32c.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'

/** Bytes behind the footer. */
export const TRAILER_BYTES = 16

/** The footer that `write` makes, with its trailer. `magic` has eight characters. */
export function encodeTrailer(magic: string, write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  const footer = Buffer.concat(writer.finish().buffers)
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.writeUInt32BE(crc32c(footer), 0)
  trailer.writeUInt32BE(footer.length, 4)
  trailer.write(magic, 8, 'latin1')
  return Buffer.concat([footer, trailer])
}

/** A reader of the footer of a whole object. Throws WireError when it is not an object of that kind, or damaged. */
export function footerReader(object: Buffer, magic: string): Reader {
  const trailer = object.length - TRAILER_BYTES
  if (trailer < 0 || object.toString('latin1', trailer + 8) !== magic) throw new WireError(`not an object of ${magic}`)
  const start = trailer - object.readUInt32BE(trailer + 4)
  if (start < 0 || crc32c(object.subarray(start, trailer)) !== object.readUInt32BE(trailer)) {
    throw new WireError(`the footer of an object of ${magic} is damaged`)
  }
  return new Reader(object, start, trailer)
}
