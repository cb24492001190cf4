/** The message viewer: records of a topic from where one asks, with key, value, headers and time. */
import type { From, RecordPage, SeenRecord, Wanted } from '../cluster/records.ts'
import type { TopicFacts } from '../cluster/topics.ts'
import { type Content, type Html, html } from '../html.ts'
import { type Shown, time } from '../words.ts'
import { crumbs, table, topicLink } from './layout.ts'

export const COUNTS = [20, 50, 200] as const
const KINDS = [
  ['newest', 'the newest'],
  ['oldest', 'the oldest'],
  ['offset', 'an offset'],
  ['time', 'a time'],
] as const

/** What the form or an address of the page asks for; a sentence when that makes no sense. */
export function wantedRecords(query: URLSearchParams, topic: TopicFacts): Wanted | string {
  const partition = optionalNumber(query.get('partition'))
  if (partition !== undefined && !topic.partitions.some(known => known.partition === partition)) {
    return `The topic has no partition ${query.get('partition')}.`
  }
  const count = COUNTS.find(allowed => String(allowed) === query.get('count')) ?? COUNTS[0]
  const from = fromOf(query)
  return typeof from === 'string' ? from : { partition, from, count }
}

function fromOf(query: URLSearchParams): From | string {
  switch (query.get('from')) {
    case 'oldest':
      return { kind: 'oldest' }
    case 'offset': {
      const offset = optionalNumber(query.get('offset'))
      if (offset === undefined || !Number.isSafeInteger(offset) || offset < 0)
        return 'The offset must be a whole number from 0 on.'
      return { kind: 'offset', offset }
    }
    case 'time': {
      const timestamp = timestampOf(query.get('time') ?? '')
      return timestamp === undefined ? NO_TIME : { kind: 'time', timestamp }
    }
    default:
      return { kind: 'newest' }
  }
}

export const NO_TIME = 'The time must be one like 2026-01-31T09:30, in UTC, or milliseconds since 1970.'

/** The last millisecond that JavaScript's calendar has. */
const LATEST_TIME = 8.64e15

/** ms since 1970. Browsers send times without a zone: they are meant in UTC, as they are shown. */
export function timestampOf(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) return Number(text) <= LATEST_TIME ? Number(text) : undefined
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/.test(text)) return undefined
  const found = Date.parse(`${text}Z`)
  return Number.isNaN(found) ? undefined : found
}

function optionalNumber(text: string | null): number | undefined {
  return text === null || text === '' ? undefined : Number(text)
}

export function recordsPage(topic: TopicFacts, query: URLSearchParams, found: RecordPage | string): Html {
  return html`${crumbs(html`<a href="/topics">Topics</a>`, topicLink(topic.name))}<h1>Records</h1>
${form(topic, query)}
${
  typeof found === 'string'
    ? html`<p class="problem" role="alert">${found}</p>`
    : [found.problems.map(problem => html`<p class="problem">${problem}</p>`), recordTable(found.records)]
}`
}

function form({ partitions }: TopicFacts, query: URLSearchParams): Html {
  const chosen = (name: string, value: string): Content => (query.get(name) === value ? html` selected` : '')
  return html`<form class="query" method="get">
<label>Partition <select name="partition"><option value="">all</option>
${partitions.map(({ partition }) => html`<option${chosen('partition', String(partition))}>${partition}</option>`)}</select></label>
<label>From <select name="from">${KINDS.map(([kind, words]) => html`<option value="${kind}"${chosen('from', kind)}>${words}</option>`)}</select></label>
<label data-for="offset">Offset <input name="offset" inputmode="numeric" pattern="[0-9]*" size="12" value="${query.get('offset')}"></label>
<label data-for="time">Time, UTC <input name="time" type="datetime-local" step="1" value="${query.get('time')}"></label>
<label>At most <select name="count">${COUNTS.map(count => html`<option${chosen('count', String(count))}>${count}</option>`)}</select></label>
<button>Show</button>
</form>`
}

function recordTable(records: readonly SeenRecord[]): Html {
  return table(
    [
      { name: 'Partition', isNumber: true },
      { name: 'Offset', isNumber: true },
      { name: 'Time, UTC' },
      { name: 'Key' },
      { name: 'Value' },
      { name: 'Headers' },
    ],
    records.map(({ partition, offset, timestamp, key, value, headers }) => [
      partition,
      offset,
      html`<time>${time(timestamp)}</time>`,
      data(key),
      data(value),
      headers.map(header => html`<div class="header"><code>${header.key}</code> ${data(header.value)}</div>`),
    ]),
    'There are no records there.',
    'cards',
  )
}

/** Short ones as they are, long ones behind their first line. */
function data({ kind, text, isCut }: Shown): Html {
  if (kind === 'null') return html`<em>null</em>`
  const [first = ''] = text.split('\n')
  const rest = isCut ? '\n… and more' : ''
  if (first.length === text.length && text.length <= ONE_LINE) return html`<code class="${kind}">${text}${rest}</code>`
  const summary = kind === 'json' ? oneLine(text) : first
  return html`<details><summary><code class="${kind}">${cut(summary)}</code></summary><pre>${text}${rest}</pre></details>`
}

const ONE_LINE = 80
const oneLine = (text: string): string => text.slice(0, 4 * ONE_LINE).replace(/\s*\n\s*/g, ' ')
const cut = (text: string): string => (text.length > ONE_LINE ? `${text.slice(0, ONE_LINE)}…` : text)
