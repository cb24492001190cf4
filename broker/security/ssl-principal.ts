/**
 * The principal of a client that shows a certificate: its distinguished name as RFC 2253 writes it, or what mapping rules
 * make of that name (`ssl.principal.mapping.rules`, KIP-371). The first rule whose pattern fits the whole name counts.
 */
import type { X509Certificate } from 'node:crypto'

export type PrincipalMapping = (distinguishedName: string) => string

interface Rule {
  readonly pattern: RegExp
  readonly replacement: string
  readonly changed: (name: string) => string
}

const RULE = /^RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?)$/
/** Between rules; a comma inside a pattern belongs to it, because a rule has a known end. */
const NEXT = /^\s*(DEFAULT|RULE:(?:\\.|[^\\/])*\/(?:\\.|[^\\/])*\/[LU]?)\s*(?:,|$)/

const CASES: Readonly<Record<string, (name: string) => string>> = {
  '': name => name,
  L: name => name.toLowerCase(),
  U: name => name.toUpperCase(),
}

/** `DEFAULT` and `RULE:pattern/replacement/[LU]`, several by commas. Throws RangeError with what is wrong. */
export function principalMapping(rules: string): PrincipalMapping {
  const parsed = split(rules).map(parse)
  return distinguishedName => {
    for (const { pattern, replacement, changed } of parsed) {
      if (pattern.test(distinguishedName)) return changed(distinguishedName.replace(pattern, replacement))
    }
    throw new RangeError(`no rule fits the name ${distinguishedName}`)
  }
}

function split(rules: string): string[] {
  const found: string[] = []
  for (let rest = rules; rest.trim() !== ''; ) {
    const next = NEXT.exec(rest)
    if (next?.[1] === undefined) throw new RangeError(`no rule begins at "${rest.slice(0, 40)}"`)
    found.push(next[1])
    rest = rest.slice(next[0].length)
  }
  if (found.length === 0) throw new RangeError('there is no rule')
  return found
}

function parse(text: string): Rule {
  if (text === 'DEFAULT') return { pattern: /^.*$/s, replacement: '$&', changed: name => name }
  const [, pattern = '', replacement = '', letters = ''] = RULE.exec(text) ?? []
  try {
    // A backslash takes its meaning from the character behind it, as in Java's replacements.
    const literal = replacement.replace(/\\(.)/g, (_, character: string) => (character === '$' ? '$$' : character))
    return { pattern: new RegExp(`^(?:${pattern})$`), replacement: literal, changed: CASES[letters] ?? (name => name) }
  } catch {
    throw new RangeError(`"${pattern}" is no regular expression`)
  }
}

/** Names of attributes that RFC 2253 does not know stand as Node writes them. */
const RFC_NAMES: Readonly<Record<string, string>> = { S: 'ST' }

/** For example `CN=client,OU=team,O=Example`. */
export function distinguishedName({ subject }: Pick<X509Certificate, 'subject'>): string {
  return subject
    .split('\n')
    .reverse()
    .map(part => {
      const at = part.indexOf('=')
      const name = part.slice(0, at)
      return `${RFC_NAMES[name] ?? name}=${part.slice(at + 1)}`
    })
    .join(',')
}
