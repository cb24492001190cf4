import { describe, expect, test } from '@jest/globals'
import { type Figures, figuresShown, type Shown } from './figures.ts'

const figures = (more: Partial<Figures> = {}): Figures => ({
  bytes: 1000,
  offsets: { earliest: 100, latest: 2000 },
  groups: [{ group: 'billing', lag: 400, state: 'Stable' }],
  lacksGroups: false,
  ...more,
})
const SHOWN: Shown = {
  bytes: 1000,
  offsets: { earliest: 100, latest: 2000 },
  groups: [{ group: 'billing', lag: 400, state: 'Stable' }],
}
const NOTHING: Figures = { bytes: undefined, offsets: undefined, groups: undefined, lacksGroups: true }
const see = (now: Figures, before: Figures | undefined, isExact = false, shown = SHOWN): Shown =>
  figuresShown(shown, { now, before, isExact })

test('what was never shown is shown at once', () => {
  expect(see(figures(), undefined, false, {})).toEqual(SHOWN)
})

describe('a figure that moves', () => {
  const little: Partial<Figures> = {
    bytes: 1040,
    offsets: { earliest: 103, latest: 2090 },
    groups: [{ group: 'billing', lag: 390, state: 'Stable' }],
  }

  test('a little is left, so that it costs no write', () => {
    expect(see(figures(little), figures())).toEqual(SHOWN)
  })
  test('a little is shown at an exact look, and when it stands still', () => {
    const { lacksGroups: _, ...exact } = figures(little)
    expect(see(figures(little), figures(), true)).toEqual(exact)
    expect(see(figures(little), figures(little))).toEqual(exact)
  })
  test.each<[string, Partial<Figures>]>([
    ['bytes', { bytes: 1060 }],
    ['first offsets', { offsets: { earliest: 110, latest: 2000 } }],
    ['next offsets', { offsets: { earliest: 100, latest: 2200 } }],
    ['lag', { groups: [{ group: 'billing', lag: 500, state: 'Stable' }] }],
    ['the end of a lag', { groups: [{ group: 'billing', lag: 0, state: 'Stable' }] }],
    ['state', { groups: [{ group: 'billing', lag: 400, state: 'Empty' }] }],
    ['another group', { groups: [{ group: 'audit', lag: 400, state: 'Stable' }] }],
  ])('far is shown: %s', (_, more) => {
    expect(see(figures(more), figures())).toEqual({ ...SHOWN, ...more })
  })
  test('of groups that went nothing is said, for nobody could own an empty list', () => {
    expect(see(figures({ groups: [] }), figures())).toEqual({ bytes: SHOWN.bytes, offsets: SHOWN.offsets })
  })
  test('from nothing to little is far', () => {
    expect(see(figures({ bytes: 1 }), figures({ bytes: 0 }), false, { ...SHOWN, bytes: 0 }).bytes).toBe(1)
  })
})

describe('what the brokers do not answer', () => {
  test('stays as it was, at an exact look too', () => {
    for (const isExact of [true, false]) expect(see(NOTHING, figures(), isExact)).toEqual(SHOWN)
  })
  test('is named when it was missing twice, until it is answered', () => {
    const missing = see(NOTHING, NOTHING)
    expect(missing).toEqual({ ...SHOWN, unanswered: ['bytes', 'offsets', 'groups'] })
    expect(see(figures(), NOTHING, false, missing)).toEqual(SHOWN)
  })
  test('is not taken for nothing by a topic that was never looked at', () => {
    expect(see(NOTHING, undefined, true, {})).toEqual({})
  })
  test('leaves groups that nobody told of beside those that were told of', () => {
    const now = figures({ groups: [{ group: 'audit', lag: 500 }], lacksGroups: true })
    const groups = [{ group: 'audit', lag: 500 }, ...(SHOWN.groups ?? [])]
    expect(see(now, figures())).toEqual({ ...SHOWN, groups })
    expect(see({ ...now, lacksGroups: false }, figures()).groups).toEqual([{ group: 'audit', lag: 500 }])
  })
})

test('five groups are shown, the furthest behind first, equals by name', () => {
  const groups = ['f', 'b', 'a', 'e', 'd', 'c'].map((group, index) => ({ group, lag: index === 0 ? 9 : 3 }))
  const shown = see(figures({ groups }), undefined, true).groups
  expect(shown?.map(({ group }) => group)).toEqual(['f', 'a', 'b', 'c', 'd'])
})
