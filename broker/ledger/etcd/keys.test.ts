import { describe, expect, test } from '@jest/globals'
import { afterKey, Keys } from './keys.ts'

const keys = new Keys('kafscale/a')

const within = (key: Buffer, range: { readonly key: Buffer; readonly range_end: Buffer }): boolean =>
  Buffer.compare(key, range.key) >= 0 && Buffer.compare(key, range.range_end) < 0

describe('keys of a ledger in etcd', () => {
  test('tell what they name', () => {
    expect(keys.parse(keys.session('1'))).toEqual({ kind: 'session', name: '1' })
    expect(keys.parse(keys.open('1', '42'))).toEqual({ kind: 'open', name: '1' })
    expect(keys.parse(keys.close(7))).toEqual({ kind: 'close', epoch: 7 })
    expect(keys.parse(keys.entry(7, 12))).toEqual({ kind: 'entry', epoch: 7, number: 12 })
    expect(keys.parse(keys.mark)).toEqual({ kind: 'mark' })
    expect(keys.progressEpoch(keys.progress(9))).toBe(9)
  })

  test('hold any name', () => {
    for (const name of ['a/b', 'ü', '%', 'a b', '/']) {
      expect(keys.parse(keys.session(name))).toEqual({ kind: 'session', name })
      expect(keys.parse(keys.open(name, '1'))).toEqual({ kind: 'open', name })
      expect(within(keys.open(name, '1'), keys.opensOf(name))).toBe(true)
    }
    expect(within(keys.open('ab', '1'), keys.opensOf('a'))).toBe(false)
  })

  test('sort as their numbers do', () => {
    const numbers = [1, 2, 9, 10, 99, 100, 4096, Number.MAX_SAFE_INTEGER]
    const sorted = numbers.map(number => keys.entry(3, number).toString())
    expect([...sorted].sort()).toEqual(sorted)
    expect(Buffer.compare(keys.entry(2, Number.MAX_SAFE_INTEGER), keys.entry(3, 1))).toBeLessThan(0)
  })

  test('lie in the ranges of their kind, and those under log/ in what is watched', () => {
    const logged = [
      [keys.session('1'), keys.sessions],
      [keys.open('1', '2'), keys.opens],
      [keys.close(1), keys.closes],
      [keys.entry(1, 2), keys.entries],
    ] as const
    for (const [key, range] of logged) {
      expect(within(key, range)).toBe(true)
      expect(within(key, keys.log)).toBe(true)
      expect(logged.filter(([, other]) => within(key, other))).toHaveLength(1)
    }
    expect(within(keys.mark, keys.log)).toBe(true)
    for (const key of [keys.head, keys.checkpoint, keys.progress(1)]) expect(within(key, keys.log)).toBe(false)
  })

  test('of ledgers with similar prefixes do not meet', () => {
    const other = new Keys('kafscale/ab')
    expect(within(other.entry(1, 1), keys.log)).toBe(false)
    expect(within(other.mark, keys.log)).toBe(false)
  })

  test('are the same with and without slashes around the prefix', () => {
    expect(new Keys('/kafscale/a/').head).toEqual(keys.head)
  })

  test('that are not known are refused', () => {
    for (const name of ['log/other', 'log/entry/1/2', 'log/close/x', 'log/entry/0000000000000001', 'log/session/a/b']) {
      expect(() => keys.parse(Buffer.from(`kafscale/a/${name}`))).toThrow(/does not know|damaged/)
    }
  })

  test('have a next one', () => {
    const key = keys.entry(1, 2)
    expect(Buffer.compare(key, afterKey(key))).toBeLessThan(0)
    expect(Buffer.compare(afterKey(key), keys.entry(1, 3))).toBeLessThan(0)
  })
})
