/**
 * The pages of the documentation site, from Markdown to HTML: pure. Links between pages are turned to their HTML, links to other
 * files of the repository to its files; headings get the names that GitHub gives them, so that both kinds of reader agree.
 */
import { posix } from 'node:path'
import { Marked, type Tokens } from 'marked'

/** A Markdown file of the repository. */
export interface Source {
  /** From the root of the repository, with slashes: docs/scaling.md. */
  readonly path: string
  readonly text: string
}

export interface Page {
  /** From the root of the site: scaling.html. */
  readonly path: string
  readonly source: string
  readonly title: string
  readonly body: string
  /** What its links lead to: other pages, with the part behind the hash, and files. */
  readonly links: readonly Link[]
  /** Names of the headings. */
  readonly anchors: ReadonlySet<string>
  /** Without markup, for the search. */
  readonly words: string
}

export interface Link {
  readonly text: string
  /** From the root of the repository; undefined for a link to elsewhere, and for one within the page. */
  readonly target: string | undefined
  readonly anchor: string | undefined
}

/** docs/README.md is the first page, docs/x/README.md that of its folder. */
export function pagePath(source: string): string {
  return source
    .replace(/^docs\//, '')
    .replace(/(^|\/)README\.md$/, '$1index.md')
    .replace(/\.md$/, '.html')
}

/** `pages` are the sources that have a page of their own; other files are linked to under `files`. */
export function renderPage(source: Source, pages: ReadonlySet<string>, files: string): Page {
  const links: Link[] = []
  const anchors = new Set<string>()
  const own = pagePath(source.path)
  let title = ''
  const markdown = new Marked({ gfm: true })
  markdown.use({
    renderer: {
      heading(this: { parser: { parseInline(tokens: Tokens.Generic[]): string } }, { tokens, depth, text }) {
        const anchor = free(anchorOf(text), anchors)
        anchors.add(anchor)
        if (depth === 1 && title === '') title = plain(text)
        return `<h${depth} id="${anchor}">${this.parser.parseInline(tokens)} <a class="self" href="#${anchor}" aria-label="Link to this part">#</a></h${depth}>\n`
      },
    },
    walkTokens: token => {
      if (token.type !== 'link') return
      const link = linkOf(String(token.href), source.path, plain(String(token.text)))
      if (link === undefined) return
      links.push(link)
      token.href = hrefOf(link, own, pages, files)
    },
  })
  const body = markdown.parse(source.text, { async: false })
  return { path: own, source: source.path, title, body, links, anchors, words: wordsOf(body) }
}

/** Undefined for one that leads out of the repository. */
function linkOf(href: string, from: string, text: string): Link | undefined {
  if (/^[a-z]+:/i.test(href)) return undefined
  const [path = '', anchor] = href.split('#', 2)
  const target = path === '' ? undefined : posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(path)))
  return { text, target: target?.replace(/\/$/, ''), anchor }
}

function hrefOf({ target, anchor }: Link, own: string, pages: ReadonlySet<string>, files: string): string {
  const hash = anchor === undefined ? '' : `#${anchor}`
  if (target === undefined) return hash
  const page = pages.has(target) ? target : pages.has(`${target}/README.md`) ? `${target}/README.md` : undefined
  if (page === undefined) return `${files}${target}${hash}`
  return `${posix.relative(posix.dirname(own), pagePath(page)) || pagePath(page)}${hash}`
}

/** As GitHub names headings: lower case, without punctuation, spaces as dashes. */
export function anchorOf(heading: string): string {
  return plain(heading)
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

function free(anchor: string, taken: ReadonlySet<string>): string {
  for (let n = 0; ; n++) {
    const name = n === 0 ? anchor : `${anchor}-${n}`
    if (!taken.has(name)) return name
  }
}

const plain = (markdown: string): string => markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '')

function wordsOf(body: string): string {
  return body
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
