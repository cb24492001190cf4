/** DeleteRecords (KIP-107): moves log starts up. -1 means the high watermark. */
import { topicSettings } from '../state/topic-settings.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type DeleteRecordsRequest,
  newDeleteRecordsResponse,
  newDeleteRecordsResponsePartition,
  newDeleteRecordsResponseTopic,
} from '../wire/messages.gen.ts'
import { ZERO_UUID } from '../wire/uuid.ts'
import { failureCode } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { findPartition, findTopic } from './topic-lookup.ts'

interface Verdict {
  readonly code: number
  readonly topicId: string
  readonly partition: number
  readonly logStartOffset: number
}

export function deleteRecords({ replica }: Pick<Parts, 'replica'>): Handler<'DeleteRecords'> {
  return async request => {
    const judged = await judgeAfterBarrier(replica, request)
    const trims = [...judged.values()].flat().filter(({ code }) => code === errorCode.NONE)
    const failure = trims.length === 0 ? errorCode.NONE : await trim(replica, trims)
    return newDeleteRecordsResponse({
      throttleTimeMs: 0,
      topics: [...judged].map(([name, verdicts]) =>
        newDeleteRecordsResponseTopic({
          name,
          partitions: verdicts.map(({ code, topicId, partition }) => {
            const result = code === errorCode.NONE ? failure : code
            const log = replica.state.catalog.partition(topicId, partition)
            const lowWatermark = result === errorCode.NONE ? (log?.logStartOffset ?? -1) : -1
            return newDeleteRecordsResponsePartition({ partitionIndex: partition, lowWatermark, errorCode: result })
          }),
        }),
      ),
    })
  }
}

async function judgeAfterBarrier(
  replica: Parts['replica'],
  request: DeleteRecordsRequest,
): Promise<Map<string, Verdict[]>> {
  const unavailable = await replica.barrier().then(() => errorCode.NONE, failureCode)
  const { catalog } = replica.state
  return new Map(
    request.topics.map(({ name, partitions }) => {
      const topic = findTopic(catalog, name, ZERO_UUID)
      const deletable = !('value' in topic) || topicSettings(catalog, topic.value).deleted
      const verdicts = partitions.map(({ partitionIndex, offset }): Verdict => {
        const found = findPartition(topic, partitionIndex)
        const refusal = (code: number): Verdict => ({
          code,
          topicId: ZERO_UUID,
          partition: partitionIndex,
          logStartOffset: -1,
        })
        if ('errorCode' in found) return refusal(found.errorCode)
        if (unavailable !== errorCode.NONE) return refusal(unavailable)
        if (!deletable) return refusal(errorCode.POLICY_VIOLATION)
        const logStartOffset = offset === -1 ? found.value.highWatermark : offset
        if (logStartOffset < 0 || logStartOffset > found.value.highWatermark)
          return refusal(errorCode.OFFSET_OUT_OF_RANGE)
        return { code: errorCode.NONE, topicId: found.value.topicId, partition: partitionIndex, logStartOffset }
      })
      return [name, verdicts]
    }),
  )
}

async function trim(replica: Parts['replica'], partitions: readonly Verdict[]): Promise<number> {
  const body = {
    partitions: partitions.map(({ topicId, partition, logStartOffset }) => ({ topicId, partition, logStartOffset })),
  }
  return replica.submit({ type: 'trim', body }).then(outcome => outcome.errorCode, failureCode)
}
