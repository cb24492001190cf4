/**
 * What classic consumers put into JoinGroup metadata and SyncGroup assignments, after a two-byte version.
 * A reader meets newer versions with its newest one: fields are only ever added at the end.
 */

import { array, bytes, int32, message, string } from './notation.ts'

export const consumerProtocolSubscription = message(
  'ConsumerProtocolSubscription',
  { versions: [0, 3] },
  {
    topics: array(string()),
    userData: bytes({ nullableSince: 0, default: null }),
    ownedPartitions: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      { since: 1, ignorable: true },
    ),
    generationId: int32({ since: 2, default: -1, ignorable: true }),
    rackId: string({ since: 3, nullableSince: 3, default: null, ignorable: true }),
  },
)

export const consumerProtocolAssignment = message(
  'ConsumerProtocolAssignment',
  { versions: [0, 3] },
  {
    assignedPartitions: array({
      topic: string(),
      partitions: array(int32()),
    }),
    userData: bytes({ nullableSince: 0, default: null }),
  },
)
