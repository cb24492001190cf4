import { describe, expect, test } from '@jest/globals'
import { Audits, agree, isOutvoted } from './audits.ts'

describe('audits', () => {
  test('note the digest as of the last event at or before each round position', () => {
    const audits = new Audits()
    let state = { position: 0, digest: 0 }
    for (const next of [1, 100, 128, 129, 130, 300, 700]) {
      audits.beforeEvent(state, next)
      state = { position: next, digest: next * 10 }
    }
    expect(audits.recent).toEqual([
      { position: 128, digest: 1280 },
      { position: 256, digest: 1300 },
      { position: 640, digest: 3000 },
    ])
  })

  test('are few, however many events there were', () => {
    const audits = new Audits()
    for (let next = 1; next < 100_000; next++) audits.beforeEvent({ position: next - 1, digest: next }, next)
    expect(audits.recent.length).toBe(8)
  })
})

describe('being outvoted', () => {
  const at = (position: number, digest: number) => ({ audits: [{ position, digest }] })
  test.each([
    ['alone', at(128, 1), [], false],
    ['among brokers that are elsewhere', at(128, 1), [at(256, 2), at(384, 3)], false],
    ['agreeing with one other', at(128, 1), [at(128, 1)], false],
    ['agreeing with most', at(128, 1), [at(128, 1), at(128, 2)], false],
    ['differing from the only other', at(128, 1), [at(128, 2)], true],
    ['differing from most', at(128, 1), [at(128, 2), at(128, 2)], true],
    ['differing from all, who differ too', at(128, 1), [at(128, 2), at(128, 3)], true],
  ])('%s', (_, own, others, outvoted) => expect(isOutvoted(own, others)).toBe(outvoted))

  test('the latest shared position decides', () => {
    const own = {
      audits: [
        { position: 128, digest: 1 },
        { position: 256, digest: 5 },
        { position: 384, digest: 9 },
      ],
    }
    expect(
      isOutvoted(own, [
        {
          audits: [
            { position: 128, digest: 1 },
            { position: 256, digest: 6 },
          ],
        },
      ]),
    ).toBe(true)
  })
})

test('brokers agree as long as no two differ at a position that both have', () => {
  const at = (position: number, digest: number) => ({ audits: [{ position, digest }] })
  expect(agree([])).toBe(true)
  expect(agree([at(128, 1), at(256, 2), at(128, 1)])).toBe(true)
  expect(agree([at(128, 1), at(256, 2), at(128, 3)])).toBe(false)
})
