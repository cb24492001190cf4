/**
 * The documentation as static HTML: every page of docs/, in groups, with navigation and search. `brokenLinks` tells what a
 * reader would stumble over; a site with broken links is not written.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Group } from './frame.ts'
import { type Page, renderPage, type Source } from './pages.ts'

/** Folders of docs/ by the name of their group; what is in none of them is reference. */
const GROUPS: readonly (readonly [folder: string, title: string])[] = [
  ['docs/tutorial/', 'Tutorial'],
  ['docs/production/', 'Production'],
  ['docs/reference/', 'Kinds'],
  ['docs/claims/', 'Claims'],
  ['docs/runbooks/', 'Runbooks'],
]

export interface Site {
  readonly pages: readonly Page[]
  readonly groups: readonly Group[]
}

/** `files` is where a link to another file of the repository leads, with a slash at its end. */
export async function readSite(root: string, files: string): Promise<Site> {
  const entries = await readdir(join(root, 'docs'), { recursive: true, withFileTypes: true })
  const paths = entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.md'))
    .map(({ parentPath, name }) => posix.join('docs', join(parentPath, name).slice(join(root, 'docs').length + 1)))
    .sort()
  const sources = await Promise.all(paths.map(async path => ({ path, text: await readFile(join(root, path), 'utf8') })))
  return siteOf(sources, files)
}

export function siteOf(sources: readonly Source[], files: string): Site {
  const paths = new Set(sources.map(({ path }) => path))
  const pages = sources.map(source => renderPage(source, paths, files))
  const start = pages.filter(({ source }) => source === 'docs/README.md')
  const folders = GROUPS.map(([folder, title]) => ({
    title,
    pages: pages.filter(({ source }) => source.startsWith(folder)),
  }))
  const placed = new Set([...start, ...folders.flatMap(group => group.pages)])
  const reference = { title: 'Reference', pages: pages.filter(page => !placed.has(page)) }
  const groups = [{ title: 'Documentation', pages: start }, ...folders.slice(0, 2), reference, ...folders.slice(2)]
  return { pages, groups: groups.filter(group => group.pages.length > 0) }
}

/** One sentence for each link that leads nowhere. `exists`: whether a path of the repository does. */
export function brokenLinks({ pages }: Site, exists: (path: string) => boolean): readonly string[] {
  const bySource = new Map(pages.map(page => [page.source, page]))
  return pages.flatMap(page =>
    page.links.flatMap(({ text, target, anchor }) => {
      const other = target === undefined ? page : (bySource.get(target) ?? bySource.get(`${target}/README.md`))
      const where = `${page.source}: "${text}" leads to ${target ?? ''}${anchor === undefined ? '' : `#${anchor}`}`
      if (other === undefined) return target !== undefined && exists(target) ? [] : [`${where}, which there is not`]
      return anchor === undefined || other.anchors.has(anchor) ? [] : [`${where}, where no heading has that name`]
    }),
  )
}

export const searchIndex = ({ pages }: Site): string =>
  JSON.stringify(pages.map(({ path, title, words }) => ({ path, title, words })))
