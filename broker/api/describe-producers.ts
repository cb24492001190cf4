/** DescribeProducers (KIP-664): the idempotent producers that a partition remembers. */
import type { PartitionLog } from '../state/partition-log.ts'
import { errorCode, errorMessage } from '../wire/errors.ts'
import {
  newDescribeProducersResponse,
  newDescribeProducersResponseActiveProducer,
  newDescribeProducersResponsePartition,
  newDescribeProducersResponseTopic,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { findPartition, findTopic } from './topic-lookup.ts'

export function describeProducers(parts: Pick<Parts, 'replica'>): Handler<'DescribeProducers'> {
  return request =>
    newDescribeProducersResponse({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitionIndexes }) => {
        const topic = findTopic(parts.replica.state.catalog, name, ZERO_UUID)
        const partitions = partitionIndexes.map(partitionIndex => {
          const found = findPartition(topic, partitionIndex)
          const code = 'errorCode' in found ? found.errorCode : errorCode.NONE
          return newDescribeProducersResponsePartition({
            partitionIndex,
            errorCode: code,
            errorMessage: code === errorCode.NONE ? null : errorMessage(code),
            activeProducers: 'value' in found ? producersOf(found.value) : [],
          })
        })
        return newDescribeProducersResponseTopic({ name, partitions })
      }),
    })
}

function producersOf(log: PartitionLog) {
  return [...log.producers.histories].map(([producerId, history]) =>
    newDescribeProducersResponseActiveProducer({
      producerId,
      producerEpoch: history.epoch,
      lastSequence: history.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: history.lastTimestamp,
      coordinatorEpoch: -1,
    }),
  )
}
