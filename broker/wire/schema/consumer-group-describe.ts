/** ConsumerGroupDescribe (key 69): state, members and assignments of consumer groups (KIP-848). */

import { api, array, bool, int8, int16, int32, object, shared, string, uuid } from './notation.ts'

const topicPartitions = shared('TopicPartitions', {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
})

const assignment = shared('Assignment', {
  topicPartitions: array(topicPartitions),
})

export const consumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullableSince: 0, default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullableSince: 0, default: null }),
        rackId: string({ nullableSince: 0, default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullableSince: 0, default: null }),
        assignment: object(assignment),
        targetAssignment: object(assignment),
        memberType: int8({ since: 1, default: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
})
