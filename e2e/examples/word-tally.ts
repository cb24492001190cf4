// What E30 and E40 have to count of records, told once more in another language.

import type { Message } from 'kafkajs'

/** `field | word` and how often it must have come. */
export type Tally = ReadonlyMap<string, number>

export function tallyOf(messages: readonly Message[]): Tally {
  const counts = new Map<string, number>()
  const add = (field: string, text: string): void => {
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []) {
      const counted = `${field} | ${word}`
      counts.set(counted, (counts.get(counted) ?? 0) + 1)
    }
  }
  const stat = (name: string): void => {
    counts.set(`stats | ${name}`, (counts.get(`stats | ${name}`) ?? 0) + 1)
  }
  for (const { headers = {}, key, value } of messages) {
    const names = Object.keys(headers)
    for (const name of names) add('header', name)
    if (names.length === 0) stat('no-headers')
    if (key === null || key === undefined) stat('no-key')
    else add('key', String(key))
    if (value === null) stat('no-value')
    else add('value', String(value))
  }
  return counts
}

export const linesOf = (tally: Tally): string[] => [...tally].map(([counted, count]) => `${counted} => ${count}`)

/** The lines among these that are counts, as `field | word` and count. */
export function countsIn(lines: readonly string[]): [string, number][] {
  return lines.flatMap((line): [string, number][] => {
    const found = /^((?:header|key|value|stats) \| \S+) => (\d+)$/.exec(line)
    return found === null ? [] : [[found[1] ?? '', Number(found[2])]]
  })
}

const WORDS = ['widget', 'gadget', 'one', 'two', 'some', 'größe']

/** `count` records about orders: with and without headers, keys and values. */
export function sampleMessages(count: number, from = 0): Message[] {
  return Array.from({ length: count }, (_, index) => {
    const i = from + index
    return {
      key: i % 5 === 4 ? null : `order-${i % 7}`,
      value: i % 11 === 10 ? null : `${WORDS[i % WORDS.length]} ${WORDS[(i + 2) % WORDS.length]}`,
      headers: i % 3 === 0 ? { authorization: 'secret', 'trace-id': String(i) } : {},
    }
  })
}
