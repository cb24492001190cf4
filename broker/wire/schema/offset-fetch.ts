/** OffsetFetch (key 9): returns the stored offsets of one group, or from version 8 of several. */

import { api, array, bool, int16, int32, int64, string, uuid } from './notation.ts'

export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexibleSince: 6,
  request: {
    groupId: string({ until: 7 }),
    topics: array(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { until: 7, nullableSince: 2 },
    ),
    groups: array(
      {
        groupId: string(),
        memberId: string({ since: 9, nullableSince: 9, default: null, ignorable: true }),
        memberEpoch: int32({ since: 9, default: -1, ignorable: true }),
        topics: array(
          {
            name: string({ until: 9, ignorable: true }),
            topicId: uuid({ since: 10, ignorable: true }),
            partitionIndexes: array(int32()),
          },
          { name: 'GroupTopic', nullableSince: 8 },
        ),
      },
      { since: 8 },
    ),
    requireStable: bool({ since: 7 }),
  },
  response: {
    throttleTimeMs: int32({ since: 3, ignorable: true }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, default: -1, ignorable: true }),
          metadata: string({ nullableSince: 1 }),
          errorCode: int16(),
        }),
      },
      { until: 7 },
    ),
    errorCode: int16({ since: 2, until: 7, ignorable: true }),
    groups: array(
      {
        groupId: string(),
        topics: array(
          {
            name: string({ until: 9, ignorable: true }),
            topicId: uuid({ since: 10, ignorable: true }),
            partitions: array(
              {
                partitionIndex: int32(),
                committedOffset: int64(),
                committedLeaderEpoch: int32({ default: -1, ignorable: true }),
                metadata: string({ nullableSince: 8 }),
                errorCode: int16(),
              },
              { name: 'GroupTopicPartition' },
            ),
          },
          { name: 'GroupTopic' },
        ),
        errorCode: int16(),
      },
      { since: 8 },
    ),
  },
})
