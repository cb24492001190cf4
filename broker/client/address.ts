/**
 * Where brokers are, as users write it: HOST:PORT, an IPv6 address in brackets, several by commas with blanks around them as
 * bootstrap.servers has them.
 */

export interface Address {
  readonly host: string
  /** At most 65535. */
  readonly port: number
}

/** A place that is none; the message ends a sentence that begins with where it was written. */
export class BadAddress extends Error {
  override readonly name = 'BadAddress'
}

/** At least one. Throws BadAddress. */
export const addressesOf = (text: string): readonly Address[] => text.split(',').map(place => addressOf(place.trim()))

/** `least`: 0 for a place to listen at, where it is any free port. Throws BadAddress. */
export function addressOf(place: string, least: 0 | 1 = 1): Address {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(place) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port < least || port > 65_535) throw new BadAddress(`must be HOST:PORT, and is ${place}`)
  return { host, port }
}
