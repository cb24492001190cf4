// Reads the few XML answers of S3 (lists, results of deletes, errors) and escapes text for the one that we send.
// Strict: what is not plain well-formed XML of elements and text is refused, so a page of a proxy or half an answer is
// never taken for an empty list. No DTD, so no entities but the predefined ones and characters by number.

export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  /** All character data directly inside, entities resolved. */
  readonly text: string
}

/** The text is not XML as S3 sends it. */
export class XmlProblem extends Error {
  override name = 'XmlProblem'
}

const deepest = 16
const namedEntities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const openTag = /<([A-Za-z_][\w.:-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const closeTag = /<\/([A-Za-z_][\w.:-]*)\s*>/y
const declaration = /^\uFEFF?(?:<\?xml[^?<>]*\?>)?\s*/

interface Building {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

/** The root element. Throws XmlProblem. */
export const parseXml = (source: string): XmlElement => {
  let at = declaration.exec(source)?.[0].length ?? 0
  const open: Building[] = []
  let root: XmlElement | undefined

  const close = (element: XmlElement): void => {
    const parent = open.at(-1)
    if (parent !== undefined) parent.children.push(element)
    else root = element
  }

  while (root === undefined) {
    const tag = source.indexOf('<', at)
    if (tag < 0) throw new XmlProblem('the text ends inside an element')
    const inside = open.at(-1)
    const text = source.slice(at, tag)
    if (inside !== undefined) inside.text += resolved(text)
    else if (text !== '') throw new XmlProblem('text before the first element')

    closeTag.lastIndex = openTag.lastIndex = tag
    const closing = closeTag.exec(source)
    if (closing !== null) {
      const ended = open.pop()
      if (ended === undefined || ended.name !== closing[1]) throw new XmlProblem(`</${closing[1]}> closes nothing`)
      close(ended)
      at = closeTag.lastIndex
      continue
    }
    const opening = openTag.exec(source)
    if (opening?.[1] === undefined) throw new XmlProblem(`no tag at character ${tag}`)
    if (open.length === deepest) throw new XmlProblem('elements are nested too deeply')
    const element: Building = { name: opening[1], children: [], text: '' }
    if (opening[3] === '/') close(element)
    else open.push(element)
    at = openTag.lastIndex
  }
  if (source.slice(at).trim() !== '') throw new XmlProblem('text after the last element')
  return root
}

/** The text of a child; undefined when there is none of that name. */
export const childText = (element: XmlElement, name: string): string | undefined =>
  element.children.find(child => child.name === name)?.text

export const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter(child => child.name === name)

export const escapeXml = (text: string): string => text.replace(/[<>&"']/g, char => `&#${char.charCodeAt(0)};`)

const resolved = (text: string): string =>
  text.includes('&') ? text.replace(/&([^;]{0,10};?)/g, (_, reference: string) => character(reference)) : text

const character = (reference: string): string => {
  const numeric = /^#(?:(\d{1,7})|x([0-9A-Fa-f]{1,6}));$/.exec(reference)
  const code = numeric === null ? Number.NaN : Number.parseInt(numeric[1] ?? numeric[2] ?? '', numeric[1] ? 10 : 16)
  const named = namedEntities[reference.slice(0, -1)]
  if (reference.endsWith(';') && named !== undefined) return named
  if (code > 0 && code <= 0x10ffff) return String.fromCodePoint(code)
  throw new XmlProblem(`unknown entity &${reference}`)
}
