import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { claimsOf, namedClaims, unprovedFigures } from './claims.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const texts = ['README.md', ...readdirSync(join(root, 'docs/tutorial')).map(name => `docs/tutorial/${name}`)]
const claims = claimsOf(read('docs/claims/claims.yaml'))

test.each(texts)('%s names only claims that are registered, and no figure without one', text => {
  const known = new Set(claims.map(({ id }) => id))
  expect(namedClaims(read(text)).filter(id => !known.has(id))).toEqual([])
  expect(unprovedFigures(read(text))).toEqual([])
})

test('every claim is made somewhere', () => {
  const named = new Set(texts.flatMap(text => namedClaims(read(text))))
  expect(claims.map(({ id }) => id).filter(id => !named.has(id))).toEqual([])
})

/** Folders whose tests `make test` runs all: those that jest.config.ts names. */
const tested = [...read('jest.config.ts').matchAll(/roots: \[([^\]]*)\]/g)].flatMap(([, list = '']) =>
  [...list.matchAll(/'(?:<rootDir>\/)?(\w+)'/g)].map(([, folder]) => folder),
)

describe.each(claims)('$id', ({ status, evidence }) => {
  test('is proved by more than words, unless it is planned', () => {
    expect(evidence.length > 0).toBe(status !== 'planned')
  })

  test('its tests are there, and are run', () => {
    for (const one of evidence) {
      if (!('test' in one)) continue
      expect({ ...one, exists: existsSync(join(root, one.test)) }).toMatchObject({ exists: true })
      expect(one.test).toMatch(/\.test\.ts$/)
      expect(tested).toContain(one.test.split('/')[0])
      // As the title of a test or of a group of them.
      expect([`'${one.name}'`, `"${one.name}"`, `\`${one.name}\``].some(title => read(one.test).includes(title))).toBe(
        true,
      )
    }
  })

  test('its figures are in the report, and the command that makes them exists', () => {
    const makefile = read('Makefile')
    for (const one of evidence) {
      if (!('bench' in one)) continue
      const [, target = '', what = ''] = /^make ([\w-]+) WHAT=([\w-]+)$/.exec(one.bench) ?? []
      expect(makefile).toContain(`\n${target}: `)
      expect(read(target === 'bench' ? 'bench/main.ts' : 'bench/cluster/main.ts')).toMatch(new RegExp(`\\b${what}\\b`))
      expect(read(one.report)).toContain(one.figure)
    }
  })
})

test('a figure in a text is noticed', () => {
  expect(
    unprovedFigures('It takes 5 ms.\n\nIt takes 5 ms. <!-- claim: KS-A-001 -->\n\n```\n5 ms\n```\n\nIt has 5 topics.'),
  ).toEqual(['It takes 5 ms.'])
  expect(unprovedFigures('ready in about a second')).toHaveLength(1)
})

test('a registry with an id twice, or an unknown status, is refused', () => {
  const one = (id: string, status: string) =>
    `- {id: ${id}, statement: s, scope: s, status: ${status}, reviewed: 2026-01-01, evidence: []}\n`
  expect(() => claimsOf(one('KS-A-001', 'planned') + one('KS-A-001', 'planned'))).toThrow('twice')
  expect(() => claimsOf(one('KS-A-001', 'believed'))).toThrow()
})
