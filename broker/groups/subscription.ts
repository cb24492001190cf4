/** Which topics a classic consumer is subscribed to: the first field of what it tells the leader about itself. */
import { readConsumerProtocolSubscription } from '../wire/messages.gen.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'

export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** Null when one of them cannot be read: other protocols than the consumer's put anything there. */
export function subscribedTopics(subscriptions: Iterable<Buffer>): ReadonlySet<string> | null {
  const topics = new Set<string>()
  try {
    for (const subscription of subscriptions) for (const topic of topicsOf(subscription)) topics.add(topic)
  } catch (cause) {
    if (cause instanceof WireError || cause instanceof RangeError) return null
    throw cause
  }
  return topics
}

/** Version 0 is the beginning of every later version. */
function topicsOf(subscription: Buffer): readonly string[] {
  const reader = new Reader(subscription)
  const version = reader.int16()
  if (version < 0) throw new WireError(`a subscription of version ${version}`)
  return readConsumerProtocolSubscription(reader, 0).topics
}
