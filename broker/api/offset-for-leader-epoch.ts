/** OffsetForLeaderEpoch (KIP-320). There is one leader epoch, 0, and it reaches to the end of the log. */

import type { Topic } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import {
  newOffsetForLeaderEpochResponse,
  newOffsetForLeaderEpochResponsePartition,
  newOffsetForLeaderEpochResponseTopic,
  type OffsetForLeaderEpochRequestPartition,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { type Found, findPartition, findTopic, leaderEpochProblem } from './topic-lookup.ts'

const NOTHING = { leaderEpoch: -1, endOffset: -1 }

export function offsetForLeaderEpoch(parts: Pick<Parts, 'replica'>): Handler<'OffsetForLeaderEpoch'> {
  return request =>
    newOffsetForLeaderEpochResponse({
      topics: request.topics.map(({ topic, partitions }) => {
        const found = findTopic(parts.replica.state.catalog, topic, ZERO_UUID)
        return newOffsetForLeaderEpochResponseTopic({ topic, partitions: partitions.map(one => answer(found, one)) })
      }),
    })
}

function answer(topic: Found<Topic>, wanted: OffsetForLeaderEpochRequestPartition) {
  const { partition, currentLeaderEpoch, leaderEpoch } = wanted
  const found = findPartition(topic, partition)
  const code = 'errorCode' in found ? found.errorCode : leaderEpochProblem(currentLeaderEpoch)
  const end = 'value' in found && leaderEpoch === 0 ? { leaderEpoch: 0, endOffset: found.value.nextOffset } : NOTHING
  const result = code === errorCode.NONE ? end : NOTHING
  return newOffsetForLeaderEpochResponsePartition({ partition, errorCode: code, ...result })
}
