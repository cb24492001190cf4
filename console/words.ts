/** Numbers, sizes, times and bytes of records as people read them. */

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(count: number | undefined): string {
  if (count === undefined) return UNKNOWN
  let value = count
  let unit = 0
  while (value >= 1024 && unit < SIZES.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value.toFixed(0) : value.toFixed(value < 10 ? 2 : 1)} ${SIZES[unit]}`
}

export const UNKNOWN = '–'

export const count = (value: number | undefined): string =>
  value === undefined ? UNKNOWN : Math.round(value).toLocaleString('en-US')

/** Per second: few as they are, many without digits that nobody reads. */
export function rate(value: number | undefined, unit = ''): string {
  if (value === undefined) return UNKNOWN
  return `${value < 10 ? value.toFixed(1) : count(value)}${unit}/s`
}

export const byteRate = (value: number | undefined): string => (value === undefined ? UNKNOWN : `${bytes(value)}/s`)

const LEAST_DOLLARS = 0.0001

export function dollars(value: number | undefined): string {
  if (value === undefined) return UNKNOWN
  if (value > 0 && value < LEAST_DOLLARS) return `< $${LEAST_DOLLARS}`
  return `$${value < 1 ? value.toFixed(4) : exact(value)}`
}

const exact = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

export function seconds(value: number | undefined): string {
  if (value === undefined) return UNKNOWN
  if (value < 120) return `${value.toFixed(value < 10 ? 1 : 0)} s`
  if (value < 7200) return `${(value / 60).toFixed(0)} min`
  return value < 172_800 ? `${(value / 3600).toFixed(1)} h` : `${(value / 86_400).toFixed(1)} days`
}

/** What Kafka's settings mean by "never": the largest number that it has. */
const ENDLESS = '9223372036854775807'

/** A number of milliseconds or bytes in words; undefined for settings that read best as they are. */
export function settingWords(key: string, value: string | null): string | undefined {
  if (value === ENDLESS || (value === '-1' && key.startsWith('retention.'))) return 'no limit'
  if (value === null || !/^[1-9]\d{3,}$/.test(value)) return undefined
  if (/\.ms$/.test(key)) return seconds(Number(value) / 1000).replace('.0 ', ' ')
  return /\.bytes$/.test(key) ? bytes(Number(value)).replace(/\.0+ /, ' ') : undefined
}

/** 0–2, 5: what stands in a row is told by its ends. */
export function ranges(numbers: readonly number[]): string {
  const found: [number, number][] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = found.at(-1)
    if (last !== undefined && number === last[1] + 1) last[1] = number
    else found.push([number, number])
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
}

/** Of a record's timestamp, ms since 1970, in UTC; one that no calendar has is shown as it is. */
export function time(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString().replace('T', ' ').replace('Z', '')
}

export interface Shown {
  readonly kind: 'null' | 'json' | 'text' | 'bytes'
  readonly text: string
  /** Not all of it is there. */
  readonly isCut: boolean
}

/** A value of a megabyte helps nobody in a table; what is kept of one must not keep the rest of it in memory. */
const MOST_SHOWN = 16 * 1024
const HEX_SHOWN = 512
/** Control characters but for those of a text with lines. */
const CONTROL = /[^\P{Cc}\t\n\r]/u

/** Key, value or header of a record: JSON in lines, text as it is, everything else in hexadecimal digits. */
export function shown(data: Buffer | null): Shown {
  if (data === null) return { kind: 'null', text: 'null', isCut: false }
  const isCut = data.length > MOST_SHOWN
  const text = utf8(data.subarray(0, MOST_SHOWN), isCut)
  if (text === undefined || CONTROL.test(text)) {
    const digits = data
      .subarray(0, HEX_SHOWN)
      .toString('hex')
      .replace(/(..)(?=.)/g, '$1 ')
    return { kind: 'bytes', text: digits, isCut: data.length > HEX_SHOWN }
  }
  return isCut ? { kind: 'text', text, isCut } : { ...asJson(text), isCut }
}

function asJson(text: string): Pick<Shown, 'kind' | 'text'> {
  // A number or a word is JSON too, but is read best as it stands.
  if (!/^\s*[{[]/.test(text)) return { kind: 'text', text }
  try {
    JSON.parse(text)
    const lines = indented(text)
    // Brackets in brackets in brackets: the blanks would be more than the text.
    return lines.length > 4 * MOST_SHOWN ? { kind: 'text', text } : { kind: 'json', text: lines }
  } catch {
    return { kind: 'text', text }
  }
}

/** Deeper than this is not indented further: a line of blanks shows nothing. */
const MOST_DEPTH = 40

/** Without reading numbers, of which JavaScript would lose digits. */
function indented(json: string): string {
  const out: string[] = []
  let depth = 0
  let before = ''
  const line = (): string => `\n${'  '.repeat(Math.min(depth, MOST_DEPTH))}`
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const closes = token === '}' || token === ']'
    const isFirst = before === '{' || before === '['
    if (closes) depth--
    if (closes ? !isFirst : isFirst || before === ',') out.push(line())
    if (token === '{' || token === '[') depth++
    out.push(token === ':' ? ': ' : token)
    before = token
  }
  return out.join('')
}

/** Undefined for what is none. The last character may be cut off where more comes. */
function utf8(data: Buffer, isCut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data, { stream: isCut })
  } catch {
    return undefined
  }
}
