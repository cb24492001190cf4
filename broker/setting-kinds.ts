/** The kinds of values that settings have, as they are written and as the broker gets them. */
import { isIPv6 } from 'node:net'
import { z } from 'zod'

export interface Address {
  /** Undefined for all addresses. */
  readonly host: string | undefined
  readonly port: number
}

export const MIB = 1024 * 1024

export const address = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context): Address => {
      const parts = /^(?:\[([^\]\s]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text)
      const port = Number(parts?.[3])
      if (parts === null || port > 65535) {
        context.addIssue({ code: 'custom', message: 'must be HOST:PORT or :PORT' })
        return z.NEVER
      }
      const host = parts[1] ?? parts[2]
      return { host: host === '' ? undefined : host, port }
    })

/** The environment knows only text. Nothing else is taken for a number: an empty value in a file is not 0. */
export const number = <Schema extends z.ZodNumber>(schema: Schema) =>
  z.preprocess(value => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value), schema)

export const whole = (fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  number(z.number().int('must be a whole number').min(min).max(max)).default(fallback)

/** US dollars. */
export const price = (fallback: number) => number(z.number().min(0)).default(fallback)

export const flagValue = z.union([
  z.boolean(),
  z.enum(['true', 'false', '1', '0']).transform(text => text === 'true' || text === '1'),
])

export const flag = (fallback: boolean) => flagValue.default(fallback)

/** Several values, separated by commas; in a file also as a list. None of them is empty. */
const several = z
  .union([z.array(z.string()), z.string().transform(text => text.split(',').map(part => part.trim()))])
  .refine(parts => parts.length > 0 && parts.every(part => part !== ''), 'must be values separated by commas')

export const names = several.refine(
  parts => parts.every(part => /^[A-Z0-9_]{1,40}$/.test(part)),
  'must be names of capital letters, digits and underscores',
)

export const urls = several.refine(
  parts => parts.every(part => URL.canParse(part) && /^https?:$/.test(new URL(part).protocol)),
  'must be URLs that begin with http:// or https://, separated by commas',
)

export const url = z
  .string()
  .refine(
    text => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be a URL, http://... or https://...',
  )

/** A listener's name and an address of it. */
export interface NamedAddress {
  readonly name: string
  readonly host: string | undefined
  readonly port: number
}

/** `NAME://HOST:PORT`, several by commas; names differ. As in Kafka an IPv6 address may go without brackets. */
export const namedAddresses = several.transform((parts, context): NamedAddress[] => {
  const addresses = parts.flatMap((part): NamedAddress[] => {
    const found = /^([A-Z0-9_]{1,40}):\/\/(?:\[([^\]\s]+)\]|([^[\]\s]*)):(\d{1,5})$/.exec(part)
    const port = Number(found?.[4])
    if (found?.[1] === undefined || port > 65535) return []
    const host = found[2] ?? found[3]
    if (host?.includes(':') && !isIPv6(host)) return []
    return [{ name: found[1], host: host === '' ? undefined : host, port }]
  })
  if (addresses.length === parts.length && new Set(addresses.map(({ name }) => name)).size === parts.length) {
    return addresses
  }
  context.addIssue({ code: 'custom', message: 'must be NAME://HOST:PORT, several by commas, each name once' })
  return z.NEVER
})

/** `User:NAME`, several by semicolons, because names of certificates have commas; in a file also as a list. */
export const principals = z
  .union([z.array(z.string()), z.string().transform(text => text.split(';').map(part => part.trim()))])
  .refine(
    parts => parts.length > 0 && parts.every(part => /^User:.+$/.test(part)),
    'must be principals, User:NAME, separated by semicolons',
  )
