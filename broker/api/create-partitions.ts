/** CreatePartitions (KIP-195): topics grow, they never shrink. */
import type { Topic } from '../state/catalog.ts'
import { errorCode } from '../wire/errors.ts'
import {
  type CreatePartitionsRequestTopic,
  newCreatePartitionsResponse,
  newCreatePartitionsResponseResult,
} from '../wire/messages.gen.ts'
import { assignmentProblem } from './assignment.ts'
import { liveBrokers } from './brokers.ts'
import { failure, type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import { partitionCountProblem } from './topic-creation.ts'
import type { Turns } from './turns.ts'

type GrowParts = Pick<Parts, 'replica' | 'settings'>

export function createPartitions(parts: GrowParts, turns: Turns): Handler<'CreatePartitions'> {
  return (request, { client }) =>
    turns.run(async () => {
      const unavailable = await parts.replica.barrier().then(() => undefined, failure)
      const brokers = new Set(liveBrokers(parts.replica, client.listener).map(({ nodeId }) => nodeId))
      const twice = namedTwice(request.topics)
      let others = 0
      const judged = request.topics.map(wanted => {
        if (unavailable !== undefined) return unavailable
        if (twice.has(wanted.name)) return problem(errorCode.INVALID_REQUEST, 'Duplicate topic name.')
        const topic = judge(parts, wanted, brokers, others)
        if ('partitions' in topic) others += wanted.count - topic.partitions.length
        return topic
      })
      const results = request.topics.map(async ({ name, count }, index) => {
        const topic = judged[index]
        const wrong =
          topic === undefined || 'errorCode' in topic ? topic : await grow(parts, topic, count, request.validateOnly)
        const { errorCode: code, message } = wrong ?? { errorCode: errorCode.NONE, message: null }
        return newCreatePartitionsResponseResult({ name, errorCode: code, errorMessage: message })
      })
      return newCreatePartitionsResponse({ throttleTimeMs: 0, results: await Promise.all(results) })
    })
}

function namedTwice(topics: readonly CreatePartitionsRequestTopic[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const { name } of topics) {
    if (seen.has(name)) twice.add(name)
    seen.add(name)
  }
  return twice
}

function judge(
  { replica, settings }: GrowParts,
  { name, count, assignments }: CreatePartitionsRequestTopic,
  brokers: ReadonlySet<number>,
  others: number,
): Topic | Problem {
  const topic = replica.state.catalog.byName.get(name)
  if (topic === undefined) return problem(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const current = topic.partitions.length
  if (count === current) {
    return problem(errorCode.INVALID_PARTITIONS, `Topic already has ${current} partition(s).`)
  }
  if (count < current) {
    const message = `The topic ${name} currently has ${current} partition(s); ${count} would not be an increase.`
    return problem(errorCode.INVALID_PARTITIONS, message)
  }
  const added = count - current
  if (assignments !== null && assignments.length !== added) {
    const message = `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`
    return problem(errorCode.INVALID_REPLICA_ASSIGNMENT, message)
  }
  return (
    assignmentProblem(assignments ?? [], brokers, topic.replicationFactor) ??
    partitionCountProblem(replica, settings, count, added + others) ??
    topic
  )
}

async function grow(
  { replica }: GrowParts,
  { id }: Topic,
  partitions: number,
  validateOnly: boolean,
): Promise<Problem | undefined> {
  if (validateOnly) return undefined
  try {
    const outcome = await replica.submit({ type: 'growTopic', body: { topicId: id, partitions } })
    return outcome.errorCode === errorCode.NONE ? undefined : problem(outcome.errorCode)
  } catch (cause) {
    return failure(cause)
  }
}
