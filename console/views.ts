/** From the address of a page to what it shows: asks the cluster with the session's login, and hands the answers to a page. */
import { AuthenticationFailed } from '../broker/security/sasl.ts'
import { errorCode } from '../broker/wire/errors.ts'
import { BadRequest } from './answer.ts'
import { Refused } from './cluster/cluster.ts'
import { group, resetOffsets } from './cluster/groups.ts'
import { readRecords } from './cluster/records.ts'
import { topic, topicConfig, visibleTopics } from './cluster/topics.ts'
import { type Content, type Html, html } from './html.ts'
import type { MetricsView } from './metrics.ts'
import { costPage } from './pages/cost.ts'
import { groupPage, groupsPage, wantedReset } from './pages/groups.ts'
import { GROUP_PATH, groupPath, type Place } from './pages/layout.ts'
import { overviewPage } from './pages/overview.ts'
import { recordsPage, wantedRecords } from './pages/records.ts'
import { NOT_ON_KUBERNETES, scalingPage } from './pages/scaling.ts'
import { topicPage, topicsPage } from './pages/topics.ts'
import type { ScaledCluster } from './scaled-cluster.ts'
import type { Session } from './sessions.ts'

export interface Sources {
  /** ms of a monotonic clock. */
  readonly now: () => number
  readonly metrics: MetricsView | undefined
  /** Undefined when the console was not told of a KafScaleCluster. */
  readonly scaledCluster: (() => Promise<ScaledCluster>) | undefined
  readonly allowsChanges: boolean
  readonly onChange: (change: { readonly group: string; readonly topic: string; readonly to: string }) => void
}

export interface View {
  readonly title: string
  readonly place: Place
  readonly body: Html
}

/** AclOperation DESCRIBE, as a bit of KIP-430. */
const DESCRIBE_CLUSTER = 1 << 8

/** Undefined when there is no such page. Rejects with what the cluster answers. */
export async function viewOf(url: URL, session: Session, sources: Sources): Promise<View | undefined> {
  const [first = '', name, last, more] = url.pathname.slice(1).split('/').map(decoded)
  if (more !== undefined) return undefined
  if (first === '' && name === undefined) return overview(session, sources)
  if (first === 'topics' && name === undefined) return topicList(session)
  if (first === 'topics' && name && last === undefined) return oneTopic(session, name, sources)
  if (first === 'topics' && name && last === 'records') return records(session, name, url.searchParams)
  if (first === 'groups' && name === undefined) return groupList(session, sources)
  const id = url.searchParams.get('name')
  if (url.pathname === GROUP_PATH && id !== null) {
    const done = url.searchParams.get('reset')
    const notice = done === null ? '' : html`<p class="done" role="status">${done} was put elsewhere.</p>`
    return oneGroup(session, id, { ...sources, notice })
  }
  if (first === 'cost' && name === undefined) {
    return { title: 'Cost', place: 'cost', body: costPage(await metricsFor(session, sources)) }
  }
  if (first === 'scaling' && name === undefined) return scaling(session, sources)
  return undefined
}

/** Resolves with where to go next. Rejects with Refused or BadRequest. */
export async function reset(session: Session, id: string, form: URLSearchParams, sources: Sources): Promise<string> {
  if (!sources.allowsChanges) throw new BadRequest(403, 'The console was begun without --allow-changes.')
  const wanted = wantedReset(form)
  if (typeof wanted === 'string') throw new BadRequest(400, wanted)
  const done = await resetOffsets(session.cluster, id, wanted)
  sources.onChange({
    group: id,
    topic: wanted.topic,
    to: done.map(({ partition, offset }) => `${partition}:${offset}`).join(' '),
  })
  return `${groupPath(id)}&reset=${encodeURIComponent(wanted.topic)}`
}

/** Throws BadRequest. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new BadRequest(400, 'The address is not encoded as addresses are.')
  }
}

async function overview(session: Session, sources: Sources): Promise<View> {
  const { views } = session
  const [facts, extent, groups, metrics] = await Promise.all([
    views.facts.get(),
    views.extent.get(),
    views.groups.get(),
    metricsFor(session, sources),
  ])
  const body = overviewPage({ cluster: facts.value, extent: extent.value, groups: groups.value, metrics })
  return { title: 'Overview', place: 'overview', body }
}

async function topicList({ views, rates }: Session): Promise<View> {
  const { value, at } = await views.topics.get()
  return { title: 'Topics', place: 'topics', body: topicsPage(value, rates.of(value, at)) }
}

async function oneTopic({ cluster, rates }: Session, name: string, { now }: Sources): Promise<View> {
  const at = now()
  const found = await topic(cluster, name)
  const config = await topicConfig(cluster, name).catch(cause => {
    if (cause instanceof Refused) return cause.message
    throw cause
  })
  return { title: name, place: 'topics', body: topicPage(found, config, rates.of([found], at)) }
}

async function records({ cluster }: Session, name: string, query: URLSearchParams): Promise<View> {
  const found = await topic(cluster, name)
  const wanted = wantedRecords(query, found)
  const page = typeof wanted === 'string' ? wanted : await readRecords(cluster, found, wanted).catch(refusedWords)
  return { title: `Records of ${name}`, place: 'topics', body: recordsPage(found, query, page) }
}

function refusedWords(cause: unknown): string {
  if (cause instanceof Refused) return cause.message
  throw cause
}

async function groupList({ views }: Session, { metrics }: Sources): Promise<View> {
  const { groups, positions } = (await views.groupList.get()).value
  const body = groupsPage(groups, positions, metrics?.lagSeconds)
  return { title: 'Groups', place: 'groups', body }
}

async function oneGroup(
  { cluster }: Session,
  id: string,
  { metrics, allowsChanges, notice }: Sources & { readonly notice: Content },
): Promise<View> {
  const found = await group(cluster, id)
  const body = groupPage({ group: found, lagSeconds: metrics?.lagSeconds, allowsChanges, notice })
  return { title: id, place: 'groups', body }
}

async function scaling(session: Session, { scaledCluster }: Sources): Promise<View> {
  const { operations } = (await session.views.facts.get()).value
  const body = !mayDescribe(operations)
    ? NOT_ALLOWED
    : scaledCluster === undefined
      ? NOT_ON_KUBERNETES
      : await scalingSeenBy(session, await scaledCluster())
  return { title: 'Scaling', place: 'scaling', body }
}

/** The operator sees every group and topic; of these only those are shown that the brokers show to this user. */
async function scalingSeenBy({ cluster, views }: Session, scaled: ScaledCluster): Promise<Html> {
  const lag = scaled.status?.lag?.groups ?? []
  const [shownTopics, { value: shownGroups }] = await Promise.all([
    visibleTopics(
      cluster,
      lag.flatMap(({ topic }) => topic ?? []),
    ),
    views.groups.get(),
  ])
  const ids = new Set(shownGroups.map(({ id }) => id))
  const shown = lag.filter(({ group, topic }) => ids.has(group) && (topic === undefined || shownTopics.has(topic)))
  return scalingPage(scaled, shown)
}

const NOT_ALLOWED = html`<h1>Scaling</h1><p class="empty">This is for users who may Describe the cluster.</p>`

/** What concerns the whole cluster is only for those who may describe it. */
async function metricsFor(session: Session, { metrics }: Sources): Promise<MetricsView | undefined> {
  return metrics && mayDescribe((await session.views.facts.get()).value.operations) ? metrics : undefined
}

/** Brokers without an authorizer answer that everybody may do everything (KIP-430). */
const mayDescribe = (operations: number): boolean => (operations & DESCRIBE_CLUSTER) !== 0

/** HTTP status and words for what a cluster answers; undefined when that is a fault of ours. */
export function problemOf(cause: unknown): { readonly status: number; readonly message: string } | undefined {
  if (cause instanceof BadRequest) return cause
  if (cause instanceof AuthenticationFailed) return { status: 401, message: cause.message }
  if (cause instanceof Refused) return { status: STATUS.get(cause.code) ?? 502, message: cause.message }
  return undefined
}

const STATUS: ReadonlyMap<number, number> = new Map([
  [errorCode.UNKNOWN_TOPIC_OR_PARTITION, 404],
  [errorCode.INVALID_TOPIC_EXCEPTION, 404],
  [errorCode.GROUP_ID_NOT_FOUND, 404],
  [errorCode.NON_EMPTY_GROUP, 409],
  [errorCode.TOPIC_AUTHORIZATION_FAILED, 403],
  [errorCode.GROUP_AUTHORIZATION_FAILED, 403],
  [errorCode.CLUSTER_AUTHORIZATION_FAILED, 403],
])
