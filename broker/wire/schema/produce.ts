/** Produce (key 0): record batches from producers; answers carry the base offset of each partition. */

import { api, array, int16, int32, int64, object, records, string, uuid } from './notation.ts'

export const produce = api({
  key: 0,
  name: 'Produce',
  versions: [3, 13],
  flexibleSince: 9,
  request: {
    transactionalId: string({ nullableSince: 3, default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array(
      {
        name: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitionData: array(
          {
            index: int32(),
            records: records(),
          },
          { name: 'Partition' },
        ),
      },
      { name: 'Topic' },
    ),
  },
  response: {
    responses: array(
      {
        name: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitionResponses: array(
          {
            index: int32(),
            errorCode: int16(),
            baseOffset: int64(),
            logAppendTimeMs: int64({ default: -1, ignorable: true }),
            logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
            recordErrors: array(
              {
                batchIndex: int32(),
                batchIndexErrorMessage: string({ nullableSince: 8, default: null }),
              },
              { since: 8, ignorable: true },
            ),
            errorMessage: string({ since: 8, nullableSince: 8, default: null, ignorable: true }),
            currentLeader: object(
              {
                leaderId: int32({ default: -1 }),
                leaderEpoch: int32({ default: -1 }),
              },
              { since: 10, tag: 0 },
            ),
          },
          { name: 'Partition' },
        ),
      },
      { name: 'Topic' },
    ),
    throttleTimeMs: int32({ ignorable: true }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullableSince: 10, default: null }),
      },
      { since: 10, tag: 0 },
    ),
  },
})
