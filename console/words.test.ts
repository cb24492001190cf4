import { describe, expect, test } from '@jest/globals'
import { bytes, count, dollars, ranges, rate, seconds, settingWords, shown, time } from './words.ts'

describe('keys and values of records', () => {
  const of = (text: string) => shown(Buffer.from(text))

  test('JSON stands in lines, and keeps the digits that JavaScript would lose', () => {
    expect(of('{"id":12345678901234567890,"a":[1.10,{}],"b":[],"s":"x, {y}: \\"z\\""}')).toEqual({
      kind: 'json',
      text: '{\n  "id": 12345678901234567890,\n  "a": [\n    1.10,\n    {}\n  ],\n  "b": [],\n  "s": "x, {y}: \\"z\\""\n}',
      isCut: false,
    })
  })

  test.each([
    ['a word', 'hello', 'text'],
    ['a number', '42', 'text'],
    ['what only begins like JSON', '{"a":', 'text'],
    ['lines', 'one\n\ttwo\r\n', 'text'],
    ['nothing', '', 'text'],
    ['control characters', 'a\u0000b', 'bytes'],
  ])('%s', (_, text, kind) => {
    expect(of(text).kind).toBe(kind)
  })

  test('what is no UTF-8 stands in hexadecimal digits', () => {
    expect(shown(Buffer.from([0xff, 0x00, 0x1b]))).toEqual({ kind: 'bytes', text: 'ff 00 1b', isCut: false })
  })

  test('brackets in brackets are neither slow nor large', () => {
    const { text } = of('['.repeat(8000) + ']'.repeat(8000))
    expect(text.length).toBeLessThan(100_000)
    expect(of(`[${'{},'.repeat(5000)}{}]`).kind).toBe('json')
  })

  test('a character that is cut in two is left out', () => {
    expect(of('ä'.repeat(20_000)).text).toMatch(/^ä+$/)
    expect(of(`x${'ä'.repeat(20_000)}`).text).toMatch(/^xä+$/)
  })

  test('null is told from nothing', () => {
    expect(shown(null).kind).toBe('null')
  })

  test('a large value is cut, and says so', () => {
    const { text, isCut } = of('x'.repeat(1_000_000))
    expect([text.length < 50_000, isCut]).toEqual([true, true])
    expect(shown(Buffer.alloc(100_000, 1)).isCut).toBe(true)
  })
})

test('numbers read as people write them', () => {
  expect([bytes(0), bytes(1023), bytes(1536), bytes(5 * 1024 ** 4), bytes(undefined)]).toEqual([
    '0 B',
    '1023 B',
    '1.50 KiB',
    '5.00 TiB',
    '–',
  ])
  expect([count(1234567), rate(0.25), rate(12345), seconds(3.21), seconds(600), seconds(9000)]).toEqual([
    '1,234,567',
    '0.3/s',
    '12,345/s',
    '3.2 s',
    '10 min',
    '2.5 h',
  ])
  expect([dollars(0.00012), dollars(12.345)]).toEqual(['$0.0001', '$12.35'])
  expect([time(0), time(9e15)]).toEqual(['1970-01-01 00:00:00.000', '9000000000000000 ms'])
})

test.each([
  ['retention.ms', '604800000', '7 days'],
  ['retention.ms', '-1', 'no limit'],
  ['flush.messages', '9223372036854775807', 'no limit'],
  ['segment.bytes', '1073741824', '1 GiB'],
  ['segment.ms', '5400000', '90 min'],
  ['compression.gzip.level', '-1', undefined],
  ['min.insync.replicas', '1', undefined],
  ['segment.jitter.ms', '0', undefined],
  ['cleanup.policy', 'delete', undefined],
  ['follower.replication.throttled.replicas', null, undefined],
])('the setting %s of %s is %s', (key, value, words) => {
  expect(settingWords(key, value)).toBe(words)
})

test('numbers in a row are told by their ends', () => {
  expect([ranges([]), ranges([3]), ranges([2, 0, 1, 10, 5, 6])]).toEqual(['', '3', '0–2, 5–6, 10'])
})

test('dollars are never nothing when something was spent', () => {
  expect([dollars(0), dollars(0.000_004), dollars(0.0123), dollars(1234.5)]).toEqual([
    '$0.0000',
    '< $0.0001',
    '$0.0123',
    '$1,234.50',
  ])
})
