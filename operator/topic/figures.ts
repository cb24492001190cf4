// What the status of a KafScaleTopic tells of its records: pure, from what was shown, what the last look found and what this
// one found.
//
// A figure that moves is written anew when it is off by a twentieth, or at a look that is exact; one that stands still, as
// soon as two looks agree on it. So a topic that nobody uses costs no write, a busy one few, and what is shown of a topic
// that came to rest is exact. What the brokers do not answer stays as it was shown last, and is named in `unanswered` when it
// was missing at two looks in a row: a roll of the brokers is not worth a write.

import { isDeepStrictEqual } from 'node:util'
import type { TopicStatus } from '../types/kaf-scale-topic.ts'

/** A group and how far it is behind in one topic, in records. */
export type TopicGroup = NonNullable<TopicStatus['groups']>[number]
export type Figure = NonNullable<TopicStatus['unanswered']>[number]
export type Shown = Pick<TopicStatus, 'bytes' | 'offsets' | 'groups' | 'unanswered'>

/** What a look found of a topic. What is undefined was not answered for all of its partitions. */
export interface Figures {
  readonly bytes: number | undefined
  /** First and next offsets of all partitions, added up. */
  readonly offsets: { readonly earliest: number; readonly latest: number } | undefined
  /** The groups that are the furthest behind first; undefined when no broker told of groups. */
  readonly groups: readonly TopicGroup[] | undefined
  /** Of some groups it is not known where they stand. */
  readonly lacksGroups: boolean
}

export interface Sighting {
  readonly before: Figures | undefined
  readonly now: Figures
  /** Whatever is off, however little, is written. */
  readonly isExact: boolean
}

const FAR = 0.05
const MOST_GROUPS = 5

/** What is to be shown. `shown` is of the same topic. */
export function figuresShown(shown: Shown, sighting: Sighting): Shown {
  const { before, now } = sighting
  const choose = chooser(sighting)
  const bytes = choose(shown.bytes, now.bytes, before?.bytes, areNear)
  const offsets = choose(shown.offsets, now.offsets, before?.offsets, areOffsetsNear)
  const last = before && groupsOf(shown, before)
  const groups = choose(shown.groups ?? [], groupsOf(shown, now), last, areGroupsNear)
  const unanswered = missingIn(now).filter(figure => before !== undefined && missingIn(before).includes(figure))
  return {
    ...(bytes === undefined ? {} : { bytes }),
    ...(offsets === undefined ? {} : { offsets }),
    // The API server lets nobody own an empty list of groups, so nothing is said of none.
    ...(groups === undefined || groups.length === 0 ? {} : { groups }),
    ...(unanswered.length === 0 ? {} : { unanswered }),
  }
}

/** The new value, or the one shown when that is good enough or there is no new one. `last` is of the look before. */
const chooser =
  ({ isExact }: Sighting) =>
  <Value>(
    shown: Value | undefined,
    now: Value | undefined,
    last: Value | undefined,
    isNear: (shown: Value, now: Value) => boolean,
  ): Value | undefined => {
    if (shown === undefined || now === undefined) return now ?? shown
    return !isExact && isNear(shown, now) && !isDeepStrictEqual(now, last) ? shown : now
  }

/** Everything was answered. */
export const isWhole = (figures: Figures): boolean => missingIn(figures).length === 0

function missingIn({ bytes, offsets, groups, lacksGroups }: Figures): Figure[] {
  return [
    ...(bytes === undefined ? (['bytes'] as const) : []),
    ...(offsets === undefined ? (['offsets'] as const) : []),
    ...(groups === undefined || lacksGroups ? (['groups'] as const) : []),
  ]
}

/** The groups to show; those that did not answer stay as they were shown. */
function groupsOf(shown: Shown, { groups, lacksGroups }: Figures): TopicGroup[] | undefined {
  if (groups === undefined) return undefined
  const known = new Set(groups.map(({ group }) => group))
  const kept = lacksGroups ? (shown.groups ?? []).filter(({ group }) => !known.has(group)) : []
  return [...groups, ...kept].toSorted(byLag).slice(0, MOST_GROUPS)
}

/** The furthest behind first, then by name, so that equals do not change places. */
export const byLag = (a: TopicGroup, b: TopicGroup): number =>
  b.lag - a.lag || (a.group < b.group ? -1 : Number(a.group > b.group))

function areNear(shown: number, now: number): boolean {
  // None or some is never a small difference.
  return (shown === 0) === (now === 0) && Math.abs(now - shown) <= FAR * shown
}

const areOffsetsNear = (shown: NonNullable<Shown['offsets']>, now: NonNullable<Shown['offsets']>): boolean =>
  areNear(shown.earliest, now.earliest) && areNear(shown.latest, now.latest)

function areGroupsNear(shown: readonly TopicGroup[], now: readonly TopicGroup[]): boolean {
  const known = new Map(shown.map(one => [one.group, one]))
  return (
    shown.length === now.length &&
    now.every(({ group, lag, state }) => {
      const old = known.get(group)
      return old !== undefined && old.state === state && areNear(old.lag, lag)
    })
  )
}
