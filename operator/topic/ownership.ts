// Several KafScaleTopics may describe the same topic: the oldest holds it, by time of creation and then by uid, so that the
// order in which they are seen does not matter. When it goes, the next one takes over by itself.

import type { KafScaleTopic } from '../types/kaf-scale-topic.ts'
import { topicNameOf } from './plan.ts'

/** What tells topics of one namespace apart in Kafka. */
export const topicKey = (topic: Pick<KafScaleTopic, 'metadata' | 'spec'>): string =>
  `${topic.spec.clusterRef}/${topicNameOf(topic)}`

/** The one of `candidates` that holds the topic; those that are being deleted hold it until they are gone. */
export function holderOf<Topic extends Pick<KafScaleTopic, 'metadata'>>(
  candidates: readonly Topic[],
): Topic | undefined {
  return candidates.toSorted((a, b) => compare(a, b))[0]
}

function compare(
  { metadata: a }: Pick<KafScaleTopic, 'metadata'>,
  { metadata: b }: Pick<KafScaleTopic, 'metadata'>,
): number {
  const byTime = text(a.creationTimestamp).localeCompare(text(b.creationTimestamp), 'en')
  return byTime !== 0 ? byTime : text(a.uid).localeCompare(text(b.uid), 'en')
}

const text = (value: string | undefined): string => value ?? ''
