/** Topics in a table, and one of them with its partitions and configuration. */
import type { ConfigFacts, PartitionFacts, TopicFacts } from '../cluster/topics.ts'
import { type Content, type Html, html } from '../html.ts'
import { bytes, count, rate, settingWords, UNKNOWN } from '../words.ts'
import { badge, crumbs, facts, filterField, live, table, topicLink, topicPath } from './layout.ts'

/** Records per second since the last look; undefined at the first. */
export type TopicRate = (topic: string) => number | undefined

const NUMBER = { isNumber: true } as const

export function topicsPage(topics: readonly TopicFacts[], rateOf: TopicRate): Html {
  const rows = topics.map(({ name, isInternal, partitions }) => [
    [topicLink(name), isInternal ? [' ', badge('plain', 'internal')] : ''],
    count(partitions.length),
    count(recordsOf(partitions)),
    bytes(bytesOf(partitions)),
    rate(rateOf(name)),
    html`<a href="${recordsPath(name)}">Records</a>`,
  ])
  return html`<h1>Topics</h1>${filterField('topics')}
${live(
  'topics',
  table(
    [
      { name: 'Topic' },
      { name: 'Partitions', ...NUMBER },
      { name: 'Records', ...NUMBER },
      { name: 'Size', ...NUMBER },
      { name: 'Records in', ...NUMBER },
      { name: '' },
    ],
    rows,
    'There is no topic that you may see. A first record creates one, or: kafka-topics --create --topic NAME.',
  ),
)}`
}

export function topicPage(topic: TopicFacts, config: readonly ConfigFacts[] | string, rateOf: TopicRate): Html {
  const { name, id, partitions } = topic
  return html`${crumbs(html`<a href="/topics">Topics</a>`)}<h1>${name}</h1>
<p class="actions"><a class="button" href="${recordsPath(name)}">Look at records</a></p>
${live('topic', [
  facts([
    ['Id', html`<code>${id}</code>`],
    ['Records', count(recordsOf(partitions))],
    ['Size', bytes(bytesOf(partitions))],
    ['Records in', rate(rateOf(name))],
  ]),
  html`<h2>Partitions</h2>`,
  table(
    [
      { name: 'Partition', ...NUMBER },
      { name: 'First offset', ...NUMBER },
      { name: 'End', ...NUMBER },
      { name: 'Offsets', ...NUMBER },
      { name: 'Size', ...NUMBER },
      { name: '' },
    ],
    partitions.map(({ partition, begin, end, bytes: size }) => [
      partition,
      count(begin),
      count(end),
      count(begin === undefined || end === undefined ? undefined : end - begin),
      bytes(size),
      html`<a href="${recordsPath(name, partition)}">Records</a>`,
    ]),
    'It has no partitions.',
  ),
])}
<h2>Configuration</h2>
${typeof config === 'string' ? html`<p class="empty">${config}</p>` : configTable(config)}`
}

/** What somebody chose for this topic; all else is as it is everywhere. */
function configTable(config: readonly ConfigFacts[]): Content {
  const [own, others] = [config.filter(({ isOwn }) => isOwn), config.filter(({ isOwn }) => !isOwn)]
  return [
    table(CONFIG_COLUMNS, own.map(configRow), 'Nothing is set on the topic itself.'),
    html`<details class="more"><summary>${count(others.length)} settings that it has from the brokers</summary>
${table(CONFIG_COLUMNS, others.map(configRow), 'It has none.')}</details>`,
  ]
}

const CONFIG_COLUMNS = [{ name: 'Key' }, { name: 'Value' }, { name: '' }]

function configRow({ name, value, isSensitive, documentation }: ConfigFacts): readonly Content[] {
  return [
    html`<code${documentation === null ? '' : html` title="${documentation}"`}>${name}</code>`,
    html`<code>${isSensitive ? '(secret)' : (value ?? UNKNOWN)}</code>`,
    isSensitive ? '' : html`<span class="soft">${settingWords(name, value)}</span>`,
  ]
}

/** Offsets between begin and end: compaction leaves fewer records. */
function recordsOf(partitions: readonly PartitionFacts[]): number | undefined {
  return sum(partitions.map(({ begin, end }) => (begin === undefined || end === undefined ? undefined : end - begin)))
}

const bytesOf = (partitions: readonly PartitionFacts[]): number | undefined =>
  sum(partitions.map(partition => partition.bytes))

function sum(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0)
}

export const recordsPath = (topic: string, partition?: number): string =>
  `${topicPath(topic)}/records${partition === undefined ? '' : `?partition=${partition}`}`
