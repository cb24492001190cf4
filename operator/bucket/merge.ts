// Brings policy and lifecycle of a bucket to where they are wanted, statement by statement and rule by rule: what others have
// written stays as it is, to the byte. Pure: texts in, texts out.

import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { childText, parseXml, type XmlElement } from '../../broker/objects/s3/xml.ts'
import type { LifecycleRule, Statement } from './wanted.ts'

export interface Difference {
  /** `policy/SID`, `lifecycle/ID`, `publicAccessBlock/NAME`. */
  readonly path: string
  readonly found?: string
  readonly wanted?: string
}

export interface Merged {
  readonly differences: readonly Difference[]
  /** The whole document as it should be; undefined when there should be none. */
  readonly document: string | undefined
}

const policySchema = z.looseObject({
  Version: z.string().optional(),
  Statement: z.union([z.array(z.looseObject({})), z.looseObject({})]).default([]),
})

/** `own`: Sids that nobody else writes; those of them that are not wanted any more go. Throws for what is no policy. */
export function mergePolicy(found: string | undefined, wanted: readonly Statement[], own: readonly string[]): Merged {
  const policy = found === undefined ? undefined : policySchema.parse(JSON.parse(found))
  const present = [policy?.Statement ?? []].flat()
  const names = new Set([...own, ...wanted.map(({ Sid }) => Sid)])
  const kept = present.filter(({ Sid }) => !names.has(Sid))
  const differences = [...names].flatMap((sid): Difference[] => {
    const [has, wants] = [present, wanted].map(list => list.find(({ Sid }) => Sid === sid))
    if (isDeepStrictEqual(canonical(has), canonical(wants))) return []
    return [{ path: `policy/${sid}`, ...texts(asText(has), asText(wants)) }]
  })
  const statements = [...kept, ...wanted]
  const document =
    statements.length === 0 ? undefined : JSON.stringify({ Version: '2012-10-17', ...policy, Statement: statements })
  return { differences, document }
}

/** The same as above for the rules of a lifecycle. Throws XmlProblem. */
export function mergeLifecycle(
  found: string | undefined,
  wanted: readonly LifecycleRule[],
  own: readonly string[],
): Merged {
  const present = (found?.match(/<Rule>[\s\S]*?<\/Rule>/g) ?? []).map(xml => ({ id: idOf(xml), xml }))
  const names = new Set([...own, ...wanted.map(({ id }) => id)])
  const kept = present.filter(({ id }) => !names.has(id))
  const differences = [...names].flatMap((id): Difference[] => {
    const [has, wants] = [present, wanted].map(list => list.find(one => one.id === id)?.xml)
    if (isDeepStrictEqual(canonicalRule(has), canonicalRule(wants))) return []
    return [{ path: `lifecycle/${id}`, ...texts(has, wants) }]
  })
  const rules = [...kept, ...wanted].map(({ xml }) => xml)
  const document =
    rules.length === 0
      ? undefined
      : `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rules.join('')}</LifecycleConfiguration>`
  return { differences, document }
}

export const PUBLIC_ACCESS = [
  'BlockPublicAcls',
  'IgnorePublicAcls',
  'BlockPublicPolicy',
  'RestrictPublicBuckets',
] as const

/** Nobody from outside of the account, whatever somebody writes into the policy. */
export function mergePublicAccess(found: string | undefined): Merged {
  const present = found === undefined ? undefined : parseXml(found)
  const differences = PUBLIC_ACCESS.flatMap((name): Difference[] => {
    const value = present === undefined ? undefined : childText(present, name)
    return value === 'true' ? [] : [{ path: `publicAccessBlock/${name}`, ...texts(value, 'true') }]
  })
  const settings = PUBLIC_ACCESS.map(name => `<${name}>true</${name}>`).join('')
  const document = `<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${settings}</PublicAccessBlockConfiguration>`
  return { differences, document }
}

const idOf = (xml: string): string => childText(parseXml(xml), 'ID') ?? ''

const texts = (found: string | undefined, wanted: string | undefined) => ({
  ...(found === undefined ? {} : { found: found.slice(0, 2000) }),
  ...(wanted === undefined ? {} : { wanted: wanted.slice(0, 2000) }),
})

const asText = (statement: Statement | undefined): string | undefined =>
  statement === undefined ? undefined : JSON.stringify(statement)

/** S3 writes lists of one as a value, and lists in another order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical)
    return items.length === 1 ? items[0] : items.map(item => JSON.stringify(item)).sort()
  }
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? String(value) : value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, canonical(inner)]),
  )
}

/** S3 orders elements by itself, and gives empty ones back. */
function canonicalRule(xml: string | undefined): unknown {
  return xml === undefined ? undefined : element(parseXml(xml))
}

function element({ name, text, children }: XmlElement): unknown {
  if (children.length === 0) return [name, text.trim()]
  return [
    name,
    children
      .map(element)
      .map(child => JSON.stringify(child))
      .sort(),
  ]
}
