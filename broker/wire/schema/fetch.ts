/** Fetch (key 1): record batches for consumers, with incremental fetch sessions (KIP-227). */

import { api, array, int8, int16, int32, int64, object, records, string, uuid } from './notation.ts'

export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexibleSince: 12,
  request: {
    clusterId: string({ since: 12, nullableSince: 12, tag: 0, default: null, ignorable: true }),
    replicaId: int32({ until: 14, default: -1 }),
    replicaState: object(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 }),
      },
      { since: 15, tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 2147483647, ignorable: true }),
    isolationLevel: int8({ ignorable: true }),
    sessionId: int32({ since: 7, ignorable: true }),
    sessionEpoch: int32({ since: 7, default: -1, ignorable: true }),
    topics: array({
      topic: string({ until: 12, ignorable: true }),
      topicId: uuid({ since: 13, ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, default: -1, ignorable: true }),
        fetchOffset: int64({ saturating: true }),
        lastFetchedEpoch: int32({ since: 12, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0, ignorable: true }),
        highWatermark: int64({
          since: 18,
          tag: 1,
          saturating: true,
          default: Number.MAX_SAFE_INTEGER,
          ignorable: true,
        }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitions: array(int32()),
      },
      { name: 'ForgottenTopic', since: 7 },
    ),
    rackId: string({ since: 11, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16({ since: 7, ignorable: true }),
    sessionId: int32({ since: 7 }),
    responses: array(
      {
        topic: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
          highWatermark: int64(),
          lastStableOffset: int64({ default: -1, ignorable: true }),
          logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
          divergingEpoch: object(
            {
              epoch: int32({ default: -1 }),
              endOffset: int64({ default: -1 }),
            },
            { since: 12, tag: 0 },
          ),
          currentLeader: object(
            {
              leaderId: int32({ default: -1 }),
              leaderEpoch: int32({ default: -1 }),
            },
            { since: 12, tag: 1 },
          ),
          snapshotId: object(
            {
              endOffset: int64({ default: -1 }),
              epoch: int32({ default: -1 }),
            },
            { since: 12, tag: 2 },
          ),
          abortedTransactions: array(
            {
              producerId: int64(),
              firstOffset: int64(),
            },
            { nullableSince: 4, ignorable: true },
          ),
          preferredReadReplica: int32({ since: 11, default: -1 }),
          records: records(),
        }),
      },
      { name: 'Topic' },
    ),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullableSince: 16, default: null }),
      },
      { since: 16, tag: 0 },
    ),
  },
})
