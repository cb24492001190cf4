import { expect, test } from '@jest/globals'
import { seriesOf } from './exposition.ts'

const PAGE = `# HELP a_total What it is
# TYPE a_total counter
a_total{topic="x",kind="with \\"quotes\\", a comma and \\\\"} 12
a_total{topic="y"} 3.5e2 1700000000000
b NaN
c +Inf
d{le="0.5"} 7
not a line
unwanted 5
`

test('the wanted series are read, with their labels, and nothing else', () => {
  const found = seriesOf(PAGE, new Set(['a_total', 'b', 'c', 'missing']))
  expect(found).toEqual(
    new Map([
      [
        'a_total',
        [
          { labels: { topic: 'x', kind: 'with "quotes", a comma and \\' }, value: 12 },
          { labels: { topic: 'y' }, value: 350 },
        ],
      ],
      ['c', [{ labels: {}, value: Number.POSITIVE_INFINITY }]],
    ]),
  )
})

test('whatever comes, nothing is thrown', () => {
  for (const page of ['', '\n\n', '{', 'a_total', 'a_total{', 'a_total{x="', 'a_total x', '\0', 'a_total{} 1']) {
    const found = seriesOf(page, new Set(['a_total']))
    expect(found.size).toBe(page === 'a_total{} 1' ? 1 : 0)
  }
})
