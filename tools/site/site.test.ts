import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { framed } from './frame.ts'
import { anchorOf, pagePath } from './pages.ts'
import { brokenLinks, readSite, searchIndex, siteOf } from './site.ts'

const root = join(import.meta.dirname, '../..')

test('no link of the documentation leads nowhere', async () => {
  const site = await readSite(root, '../')
  expect(site.pages.length).toBeGreaterThan(20)
  expect(site.pages.filter(({ title }) => title === '').map(({ source }) => source)).toEqual([])
  expect(brokenLinks(site, path => existsSync(join(root, path)))).toEqual([])
})

describe('a site', () => {
  const of = (texts: Readonly<Record<string, string>>) =>
    siteOf(
      Object.entries(texts).map(([path, text]) => ({ path, text })),
      '../',
    )

  test('links pages to pages, from any folder, and other files to where they are', () => {
    const { pages } = of({
      'docs/README.md': '# All\n[one](a/one.md#part) [folder](a/)',
      'docs/a/README.md': '# A',
      'docs/a/one.md':
        '# One\n## Part\n[up](../README.md) [code](../../broker/main.ts) [out](https://kafka.apache.org) [here](#part)',
    })
    const hrefs = pages.map(({ body }) => [...body.matchAll(/<a href="([^"]*)">/g)].map(([, href]) => href))
    expect(hrefs).toEqual([
      ['a/one.html#part', 'a/index.html'],
      [],
      ['../index.html', '../broker/main.ts', 'https://kafka.apache.org', '#part'],
    ])
  })

  test('tells of links that lead nowhere', () => {
    const site = of({
      'docs/README.md': '# All\n[a](missing.md) [b](one.md#nothing) [c](#nowhere) [d](../LICENSE)',
      'docs/one.md': '# One',
    })
    expect(brokenLinks(site, path => path === 'LICENSE')).toEqual([
      'docs/README.md: "a" leads to docs/missing.md, which there is not',
      'docs/README.md: "b" leads to docs/one.md#nothing, where no heading has that name',
      'docs/README.md: "c" leads to #nowhere, where no heading has that name',
    ])
  })

  test('has every page in its navigation, and in its search', () => {
    const site = of({ 'docs/README.md': '# All', 'docs/tutorial/01.md': '# First', 'docs/x.md': '# <X> & more' })
    const [page] = site.pages
    if (page === undefined) throw new Error('there is no page')
    const text = framed(page, site.groups, '1.0.0')
    expect(text).toContain('<a href="./tutorial/01.html">First</a>')
    expect(text).toContain('<a href="./x.html">&lt;X&gt; &amp; more</a>')
    expect(JSON.parse(searchIndex(site))).toHaveLength(3)
  })
})

test.each([
  ['What it does, and why', 'what-it-does-and-why'],
  ['`make demo`: the start', 'make-demo-the-start'],
  ['A [link](x.md) in it', 'a-link-in-it'],
])('a heading is named as GitHub names it: %s', (heading, anchor) => {
  expect(anchorOf(heading)).toBe(anchor)
})

test('a folder has its README as its page', () => {
  expect(['docs/README.md', 'docs/a/README.md', 'docs/a/b.md'].map(pagePath)).toEqual([
    'index.html',
    'a/index.html',
    'a/b.html',
  ])
})
