/** ConsumerGroupHeartbeat (key 68): the one call of a member of a consumer group (KIP-848). */

import { api, array, int16, int32, object, shared, string, uuid } from './notation.ts'

const topicPartitions = shared('TopicPartitions', {
  topicId: uuid(),
  partitions: array(int32()),
})

export const consumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string({ nullableSince: 0, default: null }),
    rackId: string({ nullableSince: 0, default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: array(string(), { nullableSince: 0, default: null }),
    subscribedTopicRegex: string({ since: 1, nullableSince: 1, default: null }),
    serverAssignor: string({ nullableSince: 0, default: null }),
    topicPartitions: array(
      {
        topicId: uuid(),
        partitions: array(int32()),
      },
      { nullableSince: 0, default: null },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableSince: 0, default: null }),
    memberId: string({ nullableSince: 0, default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: object(
      {
        topicPartitions: array(topicPartitions),
      },
      { nullableSince: 0, default: null },
    ),
  },
})
