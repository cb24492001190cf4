/** AddPartitionsToTxn (key 24): adds partitions to a transaction; from version 4 for several transactions at once. */

import { api, array, bool, int16, int32, int64, shared, string } from './notation.ts'

const addPartitionsToTxnTopic = shared('AddPartitionsToTxnTopic', {
  name: string(),
  partitions: array(int32()),
})

const addPartitionsToTxnPartitionResult = shared('AddPartitionsToTxnPartitionResult', {
  partitionIndex: int32(),
  partitionErrorCode: int16(),
})

const addPartitionsToTxnTopicResult = shared('AddPartitionsToTxnTopicResult', {
  name: string(),
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
})

export const addPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    transactions: array(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool(),
        topics: array(addPartitionsToTxnTopic),
      },
      { since: 4 },
    ),
    v3AndBelowTransactionalId: string({ until: 3 }),
    v3AndBelowProducerId: int64({ until: 3 }),
    v3AndBelowProducerEpoch: int16({ until: 3 }),
    v3AndBelowTopics: array(addPartitionsToTxnTopic, { until: 3 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 4, ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string(),
        topicResults: array(addPartitionsToTxnTopicResult),
      },
      { since: 4 },
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult, { until: 3 }),
  },
})
