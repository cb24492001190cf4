/** Consumer groups in a table, and one of them with members, lag and, where changes are allowed, its reset. */
import { type GroupFacts, type GroupSummary, lagOf, type Position, type ResetTo } from '../cluster/groups.ts'
import { type Content, type Html, html } from '../html.ts'
import { lagKey, type MetricsView } from '../metrics.ts'
import { count, ranges, seconds, UNKNOWN } from '../words.ts'
import { badge, crumbs, facts, filterField, groupLink, live, resetPath, shownName, table, topicLink } from './layout.ts'
import { NO_TIME, timestampOf } from './records.ts'

type LagSeconds = MetricsView['lagSeconds'] | undefined

const NUMBER = { isNumber: true } as const

export function groupsPage(
  groups: readonly GroupSummary[],
  positions: ReadonlyMap<string, readonly Position[]>,
  lagSeconds: LagSeconds,
): Html {
  const rows = groups.map(({ id, state, type }) => {
    const known = positions.get(id)
    return [
      groupLink(id),
      stateBadge(state),
      type,
      count(known && new Set(known.map(({ topic }) => topic)).size),
      count(known && lagOf(known)),
      behind(id, known, lagSeconds),
    ]
  })
  return html`<h1>Groups</h1>${filterField('groups')}
${live(
  'groups',
  table(
    [
      { name: 'Group' },
      { name: 'State' },
      { name: 'Protocol' },
      { name: 'Topics', ...NUMBER },
      { name: 'Lag', ...NUMBER },
      { name: 'Behind', ...NUMBER },
    ],
    rows,
    'There is no group that you may see.',
  ),
)}`
}

export interface GroupView {
  readonly group: GroupFacts
  readonly lagSeconds: LagSeconds
  readonly allowsChanges: boolean
  /** Of a reset that has just been done or refused. */
  readonly notice: Content
}

export function groupPage({ group, lagSeconds, allowsChanges, notice }: GroupView): Html {
  const { id, state, type, members, positions } = group
  return html`${crumbs(html`<a href="/groups">Groups</a>`)}<h1>${shownName(id)}</h1>${notice}
${live('group', [
  facts([
    ['State', stateBadge(state)],
    ['Protocol', type],
    ['Members', count(members.length)],
    ['Lag', count(lagOf(positions))],
    ['Behind', behind(id, positions, lagSeconds)],
  ]),
  html`<h2>Positions</h2>`,
  table(
    [
      { name: 'Topic' },
      { name: 'Partition', ...NUMBER },
      { name: 'Committed', ...NUMBER },
      { name: 'End', ...NUMBER },
      { name: 'Lag', ...NUMBER },
      { name: 'Member' },
    ],
    positions.map(({ topic, partition, committed, end }) => [
      topicLink(topic),
      partition,
      count(committed),
      end === undefined ? 'gone' : count(end),
      count(end === undefined || committed === undefined ? undefined : Math.max(0, end - committed)),
      memberOf(group, topic, partition),
    ]),
    'It has committed nothing.',
  ),
  html`<h2>Members</h2>`,
  table(
    [{ name: 'Client' }, { name: 'Host' }, { name: 'Partitions' }, { name: 'Id' }],
    members.map(({ id: member, clientId, host, partitions }) => [
      clientId,
      html`<code>${host}</code>`,
      partitionWords(partitions),
      html`<code>${member}</code>`,
    ]),
    'Nobody is in it.',
  ),
])}
${allowsChanges ? resetForm(group) : ''}`
}

function resetForm({ id, state, positions }: GroupFacts): Html {
  const topics = [...new Set(positions.map(({ topic }) => topic))]
  if (state !== 'Empty') {
    return html`<h2>Reset</h2><p class="empty">Only a group without members can be put elsewhere: end its consumers first.</p>`
  }
  return html`<h2>Reset</h2>
<form class="query" method="post" action="${resetPath(id)}">
<label>Topic <select name="topic">${topics.map(topic => html`<option>${topic}</option>`)}</select></label>
<label>To <select name="to"><option value="earliest">the first record</option><option value="latest">the end</option><option value="time">a time</option></select></label>
<label data-for="time">Time, UTC <input name="time" type="datetime-local" step="1"></label>
<button data-confirm="Put ${id} elsewhere in all partitions of the topic?">Reset</button>
</form>`
}

/** What the form of a reset asks for; a sentence when that makes no sense. */
export function wantedReset(form: URLSearchParams): { readonly topic: string; readonly to: ResetTo } | string {
  const topic = form.get('topic') ?? ''
  if (topic === '') return 'Name the topic.'
  const kind = form.get('to')
  if (kind === 'earliest' || kind === 'latest') return { topic, to: { kind } }
  if (kind !== 'time') return 'A group is put to earliest, latest or a time.'
  const timestamp = timestampOf(form.get('time') ?? '')
  return timestamp === undefined ? NO_TIME : { topic, to: { kind, timestamp } }
}

const partitionWords = (partitions: GroupFacts['members'][number]['partitions']): Content =>
  [...Map.groupBy(partitions, ({ topic }) => topic)].map(
    ([topic, found]) => html`<div>${topic}: ${ranges(found.map(({ partition }) => partition))}</div>`,
  )

function memberOf({ members }: GroupFacts, topic: string, partition: number): Content {
  const found = members.find(member =>
    member.partitions.some(one => one.topic === topic && one.partition === partition),
  )
  return found === undefined ? UNKNOWN : found.clientId
}

function behind(group: string, positions: readonly Position[] | undefined, lagSeconds: LagSeconds): string {
  // The brokers' metrics are a few seconds old.
  if (positions !== undefined && positions.length > 0 && lagOf(positions) === 0) return seconds(0)
  const topics = new Set(positions?.map(({ topic }) => topic))
  const values = [...topics].flatMap(topic => lagSeconds?.get(lagKey(group, topic)) ?? [])
  return values.length === 0 ? UNKNOWN : seconds(Math.max(...values))
}

function stateBadge(state: string): Html {
  if (state === 'Stable') return badge('good', state)
  return badge(state === 'Empty' || state === 'Dead' ? 'plain' : 'warn', state)
}
