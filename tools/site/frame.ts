/** What stands around each page of the site: navigation and search. No script but that of the search, no font from elsewhere. */
import { posix } from 'node:path'
import type { Page } from './pages.ts'

export interface Group {
  readonly title: string
  readonly pages: readonly Page[]
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, found => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[found] ?? found)

export function framed(page: Page, groups: readonly Group[], version: string): string {
  const root = posix.relative(posix.dirname(page.path), '.') || '.'
  const item = (other: Page): string => {
    const current = other.path === page.path ? ' aria-current="page"' : ''
    return `<li><a href="${root}/${other.path}"${current}>${escaped(other.title)}</a></li>`
  }
  const navigation = groups
    .map(({ title, pages }) => `<h2>${escaped(title)}</h2>\n<ul>\n${pages.map(item).join('\n')}\n</ul>`)
    .join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(page.title)} · KafScale</title>
<link rel="stylesheet" href="${root}/site.css">
<script type="module" src="${root}/search.js"></script>
</head>
<body data-root="${root}">
<nav aria-label="Pages">
<p class="brand"><a href="${root}/index.html">KafScale</a> <span>${escaped(version)}</span></p>
<input type="search" placeholder="Search" aria-label="Search the documentation">
<ol id="found" hidden></ol>
${navigation}
</nav>
<main>
${page.body}
<footer>From <code>${escaped(page.source)}</code></footer>
</main>
</body>
</html>
`
}
