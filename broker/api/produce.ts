/**
 * Produce: validates batches, hands them to the write path in the order in which they came, and answers when the ledger
 * has decided. acks=1 waits like acks=all: an acknowledgement always means durable. With acks=0 nothing is answered, and
 * a refusal closes the connection, which is all that Kafka can say then too. A broker that is cut off from the ledger sends
 * its producers to the others, those too that have been waiting for the ledger since before.
 */
import type { Timer } from '../clock.ts'
import { prepareBatch } from '../data/prepare-batch.ts'
import type { Topic } from '../state/catalog.ts'
import { topicSettings } from '../state/topic-settings.ts'
import { errorCode, errorMessage, KafkaError } from '../wire/errors.ts'
import {
  newProduceResponse,
  newProduceResponsePartition,
  newProduceResponseTopic,
  type ProduceRequest,
  type ProduceRequestPartition,
  type ProduceRequestTopic,
  type ProduceResponsePartition,
} from '../wire/messages.gen.ts'
import { isSuperseded } from './brokers.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { type Found, findPartition, findTopic } from './topic-lookup.ts'

type ProduceParts = Pick<Parts, 'clock' | 'replica' | 'ingest' | 'traffic'>

export function produce(parts: ProduceParts): Handler<'Produce'> {
  return async (request, { version }) => {
    const appended = appendAll(parts, request, version)
    const topics = await withinTimeout(parts, request, appended)
    if (request.acks !== 0) return newProduceResponse({ responses: topics })
    const failed = topics.flatMap(topic => topic.partitionResponses).find(answer => answer.errorCode !== errorCode.NONE)
    if (failed !== undefined) throw new KafkaError(failed.errorCode)
    return null
  }
}

type TopicAnswer = ReturnType<typeof newProduceResponseTopic>

/** Everything up to the write path happens before this returns, so requests of a connection keep their order. */
function appendAll(parts: ProduceParts, request: ProduceRequest, version: number): Promise<TopicAnswer[]> {
  return Promise.all(
    request.topicData.map(async data => {
      const partitionResponses = await Promise.all(appendTopic(parts, request, data, version))
      return newProduceResponseTopic({ name: data.name, topicId: data.topicId, partitionResponses })
    }),
  )
}

function appendTopic(
  parts: ProduceParts,
  request: ProduceRequest,
  data: ProduceRequestTopic,
  version: number,
): (ProduceResponsePartition | Promise<ProduceResponsePartition>)[] {
  const topic = findTopic(parts.replica.state.catalog, data.name, data.topicId)
  return data.partitionData.map(partition => {
    const problem = isSuperseded(parts.replica) ? errorCode.NOT_LEADER_OR_FOLLOWER : requestProblem(request)
    if (problem !== errorCode.NONE) return refusal(partition.index, problem)
    return appendPartition(parts, topic, partition, version)
  })
}

function requestProblem({ acks, transactionalId }: ProduceRequest): number {
  if (acks !== 0 && acks !== 1 && acks !== -1) return errorCode.INVALID_REQUIRED_ACKS
  return transactionalId === null ? errorCode.NONE : errorCode.INVALID_PRODUCER_ID_MAPPING
}

function appendPartition(
  { clock, replica, ingest, traffic }: ProduceParts,
  topic: Found<Topic>,
  { index, records }: ProduceRequestPartition,
  version: number,
): ProduceResponsePartition | Promise<ProduceResponsePartition> {
  const found = findPartition(topic, index)
  if ('errorCode' in found || 'errorCode' in topic) {
    return refusal(index, 'errorCode' in found ? found.errorCode : errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
  const settings = topicSettings(replica.state.catalog, topic.value)
  const now = clock.now()
  const prepared = prepareBatch(records, settings, now, version)
  if ('errorCode' in prepared) return refusal(index, prepared.errorCode, prepared.message)
  const { batch } = prepared
  const logAppendTimeMs = settings.logAppendTime ? now : -1
  return ingest.append(found.value, batch).then(
    outcome => {
      // A duplicate was stored before; its producer is told so by getting the same offset again (KIP-98).
      const stored = outcome.errorCode === errorCode.NONE || outcome.errorCode === errorCode.DUPLICATE_SEQUENCE_NUMBER
      if (!stored) return refusal(index, outcome.errorCode)
      if (outcome.errorCode === errorCode.NONE) traffic.produced(topic.value.name, batch.bytes.length, batch.records)
      const { baseOffset, logStartOffset } = outcome
      return newProduceResponsePartition({
        index,
        errorCode: errorCode.NONE,
        baseOffset,
        logAppendTimeMs,
        logStartOffset,
      })
    },
    cause => refusal(index, cause instanceof KafkaError ? cause.code : errorCode.UNKNOWN_SERVER_ERROR),
  )
}

function refusal(index: number, code: number, message: string = errorMessage(code)): ProduceResponsePartition {
  return newProduceResponsePartition({ index, errorCode: code, baseOffset: -1, errorMessage: message })
}

/** Between two looks whether a request that waits is better off with another broker. */
const LOOK_MS = 1000

/**
 * The producer is told REQUEST_TIMED_OUT when its time is up, and NOT_LEADER_OR_FOLLOWER once other brokers may have taken
 * this one's place; what it sent may still become durable, as in Kafka.
 */
async function withinTimeout(
  { clock, replica }: ProduceParts,
  request: ProduceRequest,
  appended: Promise<TopicAnswer[]>,
): Promise<TopicAnswer[]> {
  if (request.acks === 0) return appended
  const deadline = clock.monotonic() + Math.max(0, request.timeoutMs)
  const givenUp = Promise.withResolvers<TopicAnswer[]>()
  const look = (): Timer => {
    const left = deadline - clock.monotonic()
    return clock.setTimeout(
      () => {
        if (left <= LOOK_MS) givenUp.resolve(sameAnswers(request, errorCode.REQUEST_TIMED_OUT))
        else if (isSuperseded(replica)) givenUp.resolve(sameAnswers(request, errorCode.NOT_LEADER_OR_FOLLOWER))
        else timer = look()
      },
      Math.min(left, LOOK_MS),
    )
  }
  let timer = look()
  try {
    return await Promise.race([appended, givenUp.promise])
  } finally {
    clock.clearTimeout(timer)
  }
}

function sameAnswers(request: ProduceRequest, code: number): TopicAnswer[] {
  return request.topicData.map(({ name, topicId, partitionData }) => {
    const partitionResponses = partitionData.map(({ index }) => refusal(index, code))
    return newProduceResponseTopic({ name, topicId, partitionResponses })
  })
}
