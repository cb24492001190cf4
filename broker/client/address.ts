/**
 * Where brokers are, as users write it: HOST:PORT, several by commas with blanks around them as bootstrap.servers has them. An
 * IPv6 address has brackets around it.
 */
import { isIPv6 } from 'node:net'

export interface Address {
  readonly host: string
  /** At most 65535. */
  readonly port: number
}

/** A place that is none; the message ends a sentence that begins with where it was written. */
export class BadAddress extends Error {
  override readonly name = 'BadAddress'
}

/** At least one; as in Kafka a comma too many does not matter. Throws BadAddress. */
export function addressesOf(text: string): readonly Address[] {
  const places = text.split(',').map(place => place.trim())
  const named = places.filter(place => place !== '')
  return (named.length === 0 ? places.slice(0, 1) : named).map(place => addressOf(place))
}

/** `least`: 0 for a place to listen at, where it is any free port. Throws BadAddress. */
export function addressOf(place: string, least: 0 | 1 = 1): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]\s]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(place) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  const isHost = host !== undefined && (bracketed === undefined || isIPv6(bracketed))
  if (!isHost || port < least || port > 65_535) throw new BadAddress(`must be HOST:PORT, and is ${place}`)
  return { host, port }
}

/** As it has to be written. */
export const addressText = ({ host, port }: Address): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`
