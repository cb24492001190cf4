/** What all pages have: head, navigation, who is signed in, and the pieces that several of them use. */
import { type Content, type Html, html } from '../html.ts'

export interface Frame {
  readonly title: string
  /** The place in the navigation. */
  readonly place: Place | undefined
  /** Undefined while nobody is signed in, or nobody needs to be. */
  readonly user: string | undefined
  readonly body: Content
}

export const PLACES = {
  overview: { path: '/', name: 'Overview', key: 'o' },
  topics: { path: '/topics', name: 'Topics', key: 't' },
  groups: { path: '/groups', name: 'Groups', key: 'g' },
  cost: { path: '/cost', name: 'Cost', key: 'c' },
  scaling: { path: '/scaling', name: 'Scaling', key: 's' },
} as const

export type Place = keyof typeof PLACES

export function page({ title, place, user, body }: Frame): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · KafScale</title>
<link rel="stylesheet" href="/console.css">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<script type="module" src="/console.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<span class="brand">KafScale</span>
<nav aria-label="Pages">${Object.entries(PLACES).map(
    ([name, { path, name: words, key }]) =>
      html`<a href="${path}" data-key="${key}"${name === place ? html` aria-current="page"` : ''}>${words}</a>`,
  )}</nav>
${
  user === undefined
    ? ''
    : html`<form class="user" method="post" action="/sign-out"><span>${user}</span> <button>Sign out</button></form>`
}
</header>
<p class="stale" role="status" hidden>No answer: what is shown is from before.</p>
<main id="main">${body}</main>
<dialog id="keys" aria-label="Keys">
<h2>Keys</h2>
<dl>
${Object.values(PLACES).map(({ name, key }) => html`<dt><kbd>g</kbd> <kbd>${key}</kbd></dt><dd>${name}</dd>`)}
<dt><kbd>/</kbd></dt><dd>Filter the table</dd>
<dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>Next, previous row</dd>
<dt><kbd>Enter</kbd></dt><dd>Open the row</dd>
<dt><kbd>?</kbd></dt><dd>These keys</dd>
</dl>
<form method="dialog"><button>Close</button></form>
</dialog>
</body>
</html>
`.text
}

export interface Column {
  readonly name: string
  /** Right-aligned, with digits of one width. */
  readonly isNumber?: boolean
}

/** `narrow` for few short columns, whose ends would be too far apart otherwise; `cards` are shown one below the other by phones. */
export type TableKind = 'narrow' | 'cards'

export function table(
  columns: readonly Column[],
  rows: readonly (readonly Content[])[],
  empty: Content,
  kind?: TableKind,
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  return html`<div class="scroll${kind === undefined ? '' : ` ${kind}`}"><table>
<thead><tr>${columns.map(({ name, isNumber }) => html`<th scope="col"${numeric(isNumber)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    cells => html`<tr>${cells.map((cell, index) => html`<td${numeric(columns[index]?.isNumber)}>${cell}</td>`)}</tr>\n`,
  )}</tbody>
</table></div>`
}

const numeric = (isNumber: boolean | undefined): Content => (isNumber === true ? html` class="number"` : '')

export const filterField = (what: string): Html =>
  html`<input type="search" class="filter" placeholder="Filter ${what}  ( / )" aria-label="Filter ${what}">`

/** Looked at again every few seconds, while nobody is typing in it. */
export const live = (name: string, body: Content): Html => html`<section data-live="${name}">${body}</section>`

export const facts = (list: readonly (readonly [string, Content])[]): Html =>
  html`<dl class="facts">${list.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`

export const badge = (kind: 'good' | 'bad' | 'warn' | 'plain', words: string): Html =>
  html`<span class="badge ${kind}">${words}</span>`

/** Where the page belongs, above its heading. */
export const crumbs = (...links: readonly Content[]): Html =>
  html`<nav class="crumbs" aria-label="Where this is">${links.map(link => html`${link}<span> / </span>`)}</nav>`

/** A line of values over time, from nothing up; the last one is the newest. */
export function line(name: string, values: readonly number[]): Html {
  const most = HEADROOM * Math.max(...values, 1e-9)
  const step = values.length > 1 ? WIDTH / (values.length - 1) : WIDTH
  const points = values.map(
    (value, index) => `${(index * step).toFixed(1)},${(HEIGHT - (value / most) * HEIGHT).toFixed(1)}`,
  )
  return html`<svg class="line" viewBox="0 -2 ${WIDTH} ${HEIGHT + 4}" preserveAspectRatio="none" role="img" aria-label="${name}">
<polygon points="0,${HEIGHT} ${points.join(' ')} ${values.length > 1 ? WIDTH : 0},${HEIGHT}"/><polyline points="${points.join(' ')}"/></svg>`
}

/** A line at the very top would look as if there was more. */
const HEADROOM = 1.25
const WIDTH = 300
const HEIGHT = 40

/** Kafka allows a topic no name that would not stand in a path. */
export const topicPath = (topic: string): string => `/topics/${encodeURIComponent(topic)}`
export const topicLink = (topic: string): Html => html`<a href="${topicPath(topic)}">${topic}</a>`

/** A group may be called anything, `..` too, which is no part of a path for a browser however it is written. */
export const GROUP_PATH = '/group'
export const RESET_PATH = '/group/reset'
const named = (path: string, group: string): string => `${path}?name=${encodeURIComponent(group)}`
export const groupPath = (group: string): string => named(GROUP_PATH, group)
export const resetPath = (group: string): string => named(RESET_PATH, group)
export const groupLink = (group: string): Html => html`<a href="${groupPath(group)}">${shownName(group)}</a>`

/** Blanks alone would show as nothing. */
export const shownName = (name: string): string => (name.trim() === name && name !== '' ? name : JSON.stringify(name))
