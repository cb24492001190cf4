// docs/operations.md names a test for each gap of the operator that this one replaces: they are there, and say which gap they are of.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '..')
const rows = [
  ...readFileSync(join(root, 'docs/operations.md'), 'utf8').matchAll(/^\| (\d+) \| [^|]+ \| (.+) \|$/gm),
].map(([, gap, tests = '']) => ({
  gap: Number(gap),
  tests: tests.split('; `').map(one => /^`?([^`]+)`: (.+)$/.exec(one)?.slice(1) ?? []),
}))

test('all twelve are listed', () => {
  expect(rows.map(({ gap }) => gap)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
})

test.each(rows)('gap $gap has the test that is named', ({ gap, tests }) => {
  for (const [file = '', name = ''] of tests) {
    const titles = [
      ...readFileSync(join(root, file), 'utf8').matchAll(/test(?:\.each[^']*)?\(\s*'(.+?) \(gaps? ([^)]+)\)/g),
    ]
    const found = titles.find(([, title]) => title === name)
    expect([file, name, found === undefined ? [] : gapsIn(found[2] ?? '')]).toEqual([
      file,
      name,
      expect.arrayContaining([gap]),
    ])
  }
})

/** `1 to 3`, `6 to 8, 11`. */
function gapsIn(text: string): number[] {
  return text.split(', ').flatMap(part => {
    const [from = 0, to = from] = part.split(' to ').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}
