// docs/operations.md names commands that show what is promised: each of them runs something that is there.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const page = read('docs/operations.md')
const commands = [
  ...new Set([...page.matchAll(/^\|.* `((?:make|npm) [^`]+)` \|/gm)].map(([, command = '']) => command)),
]
const suites = globSync('{operator,e2e}/**/*.test.ts', { cwd: root })

test('there is a command for everything', () => {
  const rows = [...page.matchAll(/^\| (?:\*\*)?.+ \| `(?:make|npm) .+` \|$/gm)]
  expect(rows.length).toBeGreaterThan(20)
})

test.each(commands.filter(command => command.startsWith('npm test')))('`%s` has tests', command => {
  const paths = command.slice('npm test -- '.length).split(' ')
  // As jest does it: what a path begins with.
  expect(paths.filter(path => !suites.some(suite => suite.startsWith(path)))).toEqual([])
})

test.each(commands.filter(command => command.startsWith('make')))('`%s` is a target', command => {
  expect(read('Makefile')).toMatch(new RegExp(`^${command.slice('make '.length)}:`, 'm'))
})

test.each(commands.filter(command => command.startsWith('npm run')))('`%s` is a script', command => {
  const [, , script = ''] = command.split(' ')
  const { scripts }: { readonly scripts: object } = JSON.parse(read('package.json'))
  expect(scripts).toHaveProperty([script])
})

test('every suite that the page names is there', () => {
  const named = [...page.matchAll(/`((?:operator|e2e)\/[\w./-]+\.test\.ts)`/g)].map(([, path = '']) => path)
  expect(named.filter(path => !suites.includes(path))).toEqual([])
})
