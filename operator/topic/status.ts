// The status of a KafScaleTopic: a pure function of what was wanted, found and refused.

import { type Finding, mergeConditions } from '../types/condition.ts'
import { finder, TOPIC_CONDITIONS } from '../types/conditions.ts'
import type { KafScaleTopic, TopicStatus } from '../types/kaf-scale-topic.ts'
import { figuresShown, type Shown, type Sighting } from './figures.ts'
import { type LiveTopic, topicNameOf } from './plan.ts'
import type { Refusal } from './topic-admin.ts'

/** What became of a topic in a pass. */
export type TopicResult =
  | { readonly kind: 'cluster-missing' }
  | { readonly kind: 'cluster-not-ready'; readonly message: string }
  /** `holder` is the KafScaleTopic that has the topic. */
  | { readonly kind: 'conflict'; readonly holder: string }
  | { readonly kind: 'unmanaged' }
  | { readonly kind: 'deleting'; readonly refusal: Refusal | undefined }
  /** Left as it is. `hasWork`: it is not as its spec says. */
  | {
      readonly kind: 'paused'
      readonly live: LiveTopic | undefined
      readonly message: string
      readonly hasWork: boolean
    }
  | {
      readonly kind: 'reconciled'
      readonly live: LiveTopic | undefined
      readonly refusal: Refusal | undefined
      readonly foreign: readonly string[]
    }

type Say = ReturnType<typeof finder<typeof TOPIC_CONDITIONS>>

/** The topic as it was found, if it was. */
export const liveOf = (result: TopicResult): LiveTopic | undefined =>
  result.kind === 'reconciled' || result.kind === 'paused' ? result.live : undefined

/** `now` in ms since 1970; `sighting`: what was seen of the records of the topic, if anything. */
export function topicStatus(
  now: number,
  topic: KafScaleTopic,
  result: TopicResult,
  sighting: Sighting | undefined,
): TopicStatus {
  const say = finder(TOPIC_CONDITIONS, topic.metadata.generation)
  const found = findings(say, topic, result)
  const live = liveOf(result)
  const { generation } = topic.metadata
  const { bytes, offsets, groups, unanswered, ...known } = topic.status ?? {}
  return {
    ...known,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: found.find(({ type }) => type === 'Ready')?.reason,
    conditions: [...mergeConditions(topic.status?.conditions ?? [], found, now)],
    topicName: topicNameOf(topic),
    ...(live === undefined
      ? {}
      : { topicId: live.id, partitionCount: live.partitions, replicationFactor: 1, config: { ...live.config } }),
    ...figures(topic.status ?? {}, live, sighting),
  }
}

/** Those of a topic that was deleted and made anew do not count for the new one. */
function figures(status: TopicStatus, live: LiveTopic | undefined, sighting: Sighting | undefined): Shown {
  const { bytes, offsets, groups, unanswered } = status
  const isSame = live === undefined || status.topicId === undefined || status.topicId === live.id
  const shown = isSame ? { bytes, offsets, groups, unanswered } : {}
  return live === undefined || sighting === undefined ? shown : figuresShown(shown, sighting)
}

function findings(say: Say, topic: KafScaleTopic, result: TopicResult): Finding[] {
  const paused = say('Paused', 'NotPaused')
  switch (result.kind) {
    case 'cluster-missing':
      return [say('Ready', 'ClusterMissing'), say('Reconciling', 'Progressing'), say('Stalled', 'NotStalled'), paused]
    case 'cluster-not-ready': {
      const ready = say('Ready', 'ClusterNotReady', result.message)
      return [ready, say('Reconciling', 'Progressing'), say('Stalled', 'NotStalled'), paused]
    }
    case 'conflict': {
      const words = `KafScaleTopic ${result.holder} is older and describes the same topic: delete one of the two, or give this one another topicName.`
      return [
        say('Ready', 'ResourceConflict', words),
        say('Reconciling', 'Settled'),
        say('Stalled', 'ResourceConflict', words),
        paused,
      ]
    }
    case 'unmanaged':
      return [say('Ready', 'NotManaged'), say('Reconciling', 'Settled'), say('Stalled', 'NotStalled'), paused]
    case 'paused': {
      const isAsWanted = result.live !== undefined && !result.hasWork
      const ready = isAsWanted ? say('Ready', 'Ready') : say('Ready', 'Progressing', result.message)
      const sync = result.hasWork
        ? say('ConfigInSync', 'Drifted', 'The topic is not as the spec says, and is left so while it is paused.')
        : say('ConfigInSync', 'InSync')
      const calm = [say('Reconciling', 'Settled'), say('Stalled', 'NotStalled')]
      return [ready, ...calm, sync, say('Paused', 'Paused', result.message)]
    }
    case 'deleting':
      return [deletion(say, result.refusal), say('Reconciling', 'Progressing'), say('Stalled', 'NotStalled'), paused]
    case 'reconciled':
      return [...reconciled(say, topic, result), paused]
  }
}

const deletion = (say: Say, refusal: Refusal | undefined): Finding =>
  refusal === undefined ? say('Ready', 'Deleting') : say('Ready', 'DeletionFailed', refusal.message)

function reconciled(
  say: Say,
  { spec }: KafScaleTopic,
  { live, refusal, foreign }: Extract<TopicResult, { kind: 'reconciled' }>,
): Finding[] {
  if (refusal?.retriable === true) {
    return [
      say('Ready', 'Progressing', refusal.message),
      say('Reconciling', 'Progressing'),
      say('Stalled', 'NotStalled'),
      drift(say, foreign, true),
    ]
  }
  if (refusal !== undefined) {
    const words = refusal.message
    return [
      say('Ready', 'InvalidSpec', words),
      say('Reconciling', 'Settled'),
      say('Stalled', 'InvalidSpec', words),
      drift(say, foreign, true),
    ]
  }
  if (live === undefined) {
    return [
      say('Ready', 'Progressing'),
      say('Reconciling', 'Progressing'),
      say('Stalled', 'NotStalled'),
      drift(say, foreign, true),
    ]
  }
  const isLarger = live.partitions > spec.partitions
  const ready = isLarger
    ? say(
        'Ready',
        'PartitionsExceedSpec',
        `The topic has ${live.partitions} partitions, which cannot become fewer: set spec.partitions to that.`,
      )
    : say('Ready', 'Ready')
  return [ready, say('Reconciling', 'Settled'), say('Stalled', 'NotStalled'), drift(say, foreign, false)]
}

function drift(say: Say, foreign: readonly string[], isPending: boolean): Finding {
  if (isPending) return say('ConfigInSync', 'Drifted')
  if (foreign.length === 0) return say('ConfigInSync', 'InSync')
  return say('ConfigInSync', 'ForeignKeys', `Not in the spec, and kept: ${foreign.join(', ')}.`)
}
