/**
 * CreateTopics: each topic of a request by itself, all in one entry of the ledger. Checks come in Kafka's order: twice in
 * the request, name, existence, settings, assignment or numbers, limits.
 */
import { errorCode } from '../wire/errors.ts'
import {
  type CreateTopicsRequestTopic,
  type CreateTopicsResponseTopic,
  newCreateTopicsResponse,
  newCreateTopicsResponseConfig,
  newCreateTopicsResponseTopic,
} from '../wire/messages.gen.ts'
import { assignmentProblem } from './assignment.ts'
import { liveBrokers } from './brokers.ts'
import { checkTopicConfigs, topicEntries } from './configs/topic.ts'
import { failure, type Problem, problem } from './failure.ts'
import type { Handler } from './handler.ts'
import type { Parts } from './parts.ts'
import {
  createTopic,
  type NewTopic,
  newTopicProblem,
  partitionCountProblem,
  takenNameProblem,
} from './topic-creation.ts'
import type { Turns } from './turns.ts'

type CreateParts = Pick<Parts, 'replica' | 'settings' | 'newTopicId'>

const DEFAULT = -1
const DEFAULT_REPLICATION_FACTOR = 1

export function createTopics(parts: CreateParts, turns: Turns): Handler<'CreateTopics'> {
  return (request, { client }) =>
    turns.run(async () => {
      const brokers = new Set(liveBrokers(parts.replica, client.listener).map(({ nodeId }) => nodeId))
      const { once, twice } = byOccurrence(request.topics)
      let partitions = 0
      const judged = once.map((wanted): { wanted: CreateTopicsRequestTopic; topic: NewTopic | Problem } => {
        const topic = judge(parts, wanted, brokers, partitions)
        if ('partitions' in topic) partitions += topic.partitions
        return { wanted, topic }
      })
      const answers = judged.map(({ wanted, topic }) =>
        'errorCode' in topic ? refusal(wanted.name, topic) : create(parts, topic, request.validateOnly),
      )
      const topics = await Promise.all(answers)
      const refusedTwice = twice.map(name => refusal(name, problem(errorCode.INVALID_REQUEST, 'Duplicate topic name.')))
      return newCreateTopicsResponse({ topics: [...topics, ...refusedTwice] })
    })
}

/** Topics named once, and the names of those named more often. */
function byOccurrence(topics: readonly CreateTopicsRequestTopic[]): {
  readonly once: readonly CreateTopicsRequestTopic[]
  readonly twice: readonly string[]
} {
  const counts = new Map<string, number>()
  for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1)
  return {
    once: topics.filter(({ name }) => counts.get(name) === 1),
    twice: [...counts].filter(([, count]) => count > 1).map(([name]) => name),
  }
}

/** `others`: partitions of the topics of the same request that were found good. */
function judge(
  { replica, settings }: CreateParts,
  wanted: CreateTopicsRequestTopic,
  brokers: ReadonlySet<number>,
  others: number,
): NewTopic | Problem {
  const { name, assignments } = wanted
  const taken = takenNameProblem(replica, name)
  if (taken !== undefined) return taken
  const configs = configsOf(wanted)
  if ('errorCode' in configs) return configs
  const byHand = assignments.length > 0
  const wrong = byHand ? handMadeProblem(wanted, brokers) : numbersProblem(wanted)
  if (wrong !== undefined) return wrong
  const partitions = byHand
    ? assignments.length
    : wanted.numPartitions === DEFAULT
      ? settings.autoCreatePartitions
      : wanted.numPartitions
  const replicationFactor = byHand
    ? (assignments[0]?.brokerIds.length ?? 0)
    : wanted.replicationFactor === DEFAULT
      ? DEFAULT_REPLICATION_FACTOR
      : wanted.replicationFactor
  const topic = { name, partitions, replicationFactor, configs: configs.list }
  return (
    newTopicProblem(replica, settings, topic) ??
    partitionCountProblem(replica, settings, partitions, partitions + others) ??
    topic
  )
}

function configsOf({ configs }: CreateTopicsRequestTopic): { readonly list: NewTopic['configs'] } | Problem {
  const nulls = configs.filter(({ value }) => value === null).map(({ name }) => name)
  if (nulls.length > 0) {
    return problem(errorCode.INVALID_CONFIG, `Null value not supported for topic configs: ${nulls.join(',')}`)
  }
  const checked = checkTopicConfigs(new Map(configs.map(({ name, value }) => [name, value ?? ''])))
  if ('problem' in checked) return problem(errorCode.INVALID_CONFIG, checked.problem)
  return { list: [...checked.values].map(([name, value]) => ({ name, value })) }
}

function handMadeProblem(wanted: CreateTopicsRequestTopic, brokers: ReadonlySet<number>): Problem | undefined {
  const besides = (what: string): Problem =>
    problem(errorCode.INVALID_REQUEST, `A manual partition assignment was specified, but ${what} was not set to -1.`)
  if (wanted.replicationFactor !== DEFAULT) return besides('replication factor')
  if (wanted.numPartitions !== DEFAULT) return besides('numPartitions')
  const invalid = (message: string): Problem => problem(errorCode.INVALID_REPLICA_ASSIGNMENT, message)
  const seen = new Set<number>()
  for (const { partitionIndex } of wanted.assignments) {
    if (seen.has(partitionIndex)) {
      return invalid(`Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    seen.add(partitionIndex)
  }
  const wrong = assignmentProblem(wanted.assignments, brokers, undefined)
  if (wrong !== undefined) return wrong
  const consecutive = wanted.assignments.every((_, index) => seen.has(index))
  return consecutive ? undefined : invalid('partitions should be a consecutive 0-based integer sequence')
}

function numbersProblem({ numPartitions, replicationFactor }: CreateTopicsRequestTopic): Problem | undefined {
  if (replicationFactor < 1 && replicationFactor !== DEFAULT) {
    const message = 'Replication factor must be larger than 0, or -1 to use the default value.'
    return problem(errorCode.INVALID_REPLICATION_FACTOR, message)
  }
  if (numPartitions < 1 && numPartitions !== DEFAULT) {
    const message = 'Number of partitions was set to an invalid non-positive value.'
    return problem(errorCode.INVALID_PARTITIONS, message)
  }
  return undefined
}

async function create(parts: CreateParts, topic: NewTopic, validateOnly: boolean): Promise<CreateTopicsResponseTopic> {
  const { catalog } = parts.replica.state
  const entries = topicEntries(catalog, new Map(topic.configs.map(({ name, value }) => [name, value])))
  const good = {
    name: topic.name,
    errorCode: errorCode.NONE,
    errorMessage: null,
    numPartitions: topic.partitions,
    replicationFactor: topic.replicationFactor,
    configs: entries.map(({ name, value, readOnly, source }) =>
      newCreateTopicsResponseConfig({ name, value, readOnly, configSource: source, isSensitive: false }),
    ),
  }
  if (validateOnly) return newCreateTopicsResponseTopic(good)
  try {
    const outcome = await createTopic(parts, topic)
    if (outcome.errorCode === errorCode.NONE) return newCreateTopicsResponseTopic({ ...good, topicId: outcome.topicId })
    return refusal(topic.name, problem(outcome.errorCode))
  } catch (cause) {
    return refusal(topic.name, failure(cause))
  }
}

function refusal(name: string, { errorCode: code, message }: Problem): CreateTopicsResponseTopic {
  return newCreateTopicsResponseTopic({ name, errorCode: code, errorMessage: message })
}
