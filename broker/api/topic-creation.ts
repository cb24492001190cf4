/** Creating topics, by request or on first use: which names and sizes are taken, and the command that does it. */
import type { Replica } from '../ledger/replica.ts'
import { errorCode } from '../wire/errors.ts'
import type { Problem } from './failure.ts'
import type { ApiSettings, Parts } from './parts.ts'

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Checked already. */
  readonly configs: readonly { readonly name: string; readonly value: string }[]
}

const NAME_LENGTH = 249

/** Kafka's rule: 1 to 249 letters, digits, dots, dashes and underscores, and neither "." nor "..". */
export function topicNameProblem(name: string): Problem | undefined {
  if (name === '') return invalidName('Topic name is invalid: the empty string is not allowed')
  if (name === '.' || name === '..') return invalidName(`Topic name is invalid: '${name}' is not allowed`)
  if (name.length > NAME_LENGTH) {
    return invalidName(
      `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${NAME_LENGTH}`,
    )
  }
  if (/^[A-Za-z0-9._-]+$/.test(name)) return undefined
  const others = "characters other than ASCII alphanumerics, '.', '_' and '-'"
  return invalidName(`Topic name is invalid: '${name}' contains one or more ${others}`)
}

function invalidName(message: string): Problem {
  return { errorCode: errorCode.INVALID_TOPIC_EXCEPTION, message }
}

/** Why no topic can be made of that name, from the name and the topics there are. */
export function takenNameProblem(replica: Replica, name: string): Problem | undefined {
  const { catalog } = replica.state
  const nameProblem = topicNameProblem(name)
  if (nameProblem !== undefined) return nameProblem
  if (catalog.byName.has(name)) {
    return { errorCode: errorCode.TOPIC_ALREADY_EXISTS, message: `Topic '${name}' already exists.` }
  }
  const twin = catalog.twinOf(name)
  return twin === undefined ? undefined : invalidName(`Topic '${name}' collides with existing topic: ${twin}`)
}

/** What stands against a new topic, from the state and the limits; undefined when nothing does. */
export function newTopicProblem(replica: Replica, settings: ApiSettings, topic: NewTopic): Problem | undefined {
  const taken = takenNameProblem(replica, topic.name)
  if (taken !== undefined) return taken
  if (topic.replicationFactor < 1) {
    return { errorCode: errorCode.INVALID_REPLICATION_FACTOR, message: 'the replication factor must be at least 1' }
  }
  return partitionCountProblem(replica, settings, topic.partitions, topic.partitions)
}

/** `added` partitions more make `partitions` of one topic. */
export function partitionCountProblem(
  replica: Replica,
  settings: ApiSettings,
  partitions: number,
  added: number,
): Problem | undefined {
  const refuse = (message: string): Problem => ({ errorCode: errorCode.INVALID_PARTITIONS, message })
  if (partitions < 1) return refuse('the number of partitions must be at least 1')
  if (partitions > settings.maxPartitionsPerTopic) {
    return refuse(`a topic may have ${settings.maxPartitionsPerTopic} partitions at most`)
  }
  if (replica.state.catalog.partitionCount + added <= settings.maxPartitions) return undefined
  return refuse(`the cluster may have ${settings.maxPartitions} partitions at most`)
}

/** Resolves with the error code of the ledger: TOPIC_ALREADY_EXISTS when somebody else was faster. */
export async function createTopic(
  parts: Pick<Parts, 'replica' | 'newTopicId'>,
  topic: NewTopic,
): Promise<{ readonly errorCode: number; readonly topicId: string }> {
  const topicId = parts.newTopicId()
  const { name, partitions, replicationFactor, configs } = topic
  const body = { topicId, name, partitions, replicationFactor, configs }
  const outcome = await parts.replica.submit({ type: 'createTopic', body })
  return { errorCode: outcome.errorCode, topicId }
}
