// The topic of a chaos run. Brokers' clocks are an hour off now and then; that shall not get records refused for good, as
// Kafka's `message.timestamp.after.max.ms` would.

import { errorCode, errorName } from '../../broker/wire/errors.ts'
import {
  newCreateTopicsRequest,
  newCreateTopicsRequestConfig,
  newCreateTopicsRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { Link } from './link.ts'
import type { Place } from './workload.ts'

const DAY_MS = 86_400_000

export async function createTopic({ ports, topic, partitions }: Place): Promise<void> {
  const link = new Link(ports[0] ?? 0)
  const anyTime = newCreateTopicsRequestConfig({ name: 'message.timestamp.after.max.ms', value: String(DAY_MS) })
  const wanted = newCreateTopicsRequestTopic({
    name: topic,
    numPartitions: partitions.length,
    replicationFactor: 1,
    assignments: [],
    configs: [anyTime],
  })
  const request = newCreateTopicsRequest({ topics: [wanted], validateOnly: false })
  const { topics } = await link.call('CreateTopics', 7, request)
  link.close()
  const code = topics[0]?.errorCode ?? -1
  if (code !== errorCode.NONE) throw new Error(`the topic was not created: ${errorName(code)}`)
}
