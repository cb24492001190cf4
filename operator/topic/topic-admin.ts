// Topics as the brokers have them, over one connection: what lives, and the steps of a plan carried out. Everything is
// asked for many topics at once, so that a thousand of them cost a handful of requests.

import type { BrokerConnection } from '../../broker/client/connection.ts'
import { errorCode, errorMessage, errorName } from '../../broker/wire/errors.ts'
import {
  newCreatePartitionsRequest,
  newCreatePartitionsRequestTopic,
  newCreateTopicsRequest,
  newCreateTopicsRequestTopic,
  newDeleteTopicsRequest,
  newDeleteTopicsRequestTopic,
  newDescribeConfigsRequest,
  newIncrementalAlterConfigsRequest,
  newMetadataRequest,
  newMetadataRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { ZERO_UUID } from '../../broker/wire/uuid.ts'
import type { LiveTopic, TopicStep } from './plan.ts'

const TOPIC = 2
/** DescribeConfigsResponse.ConfigSource: set on the topic itself. */
const SET_ON_TOPIC = 1
const SET = 0
const DELETE = 1
/** The broker decides; records lie in the bucket. */
const ANY_REPLICATION = -1
const TIMEOUT_MS = 30_000

/** Why the brokers refused a step, in their words. */
export interface Refusal {
  readonly code: number
  readonly message: string
  /** It may succeed later without anybody changing anything. */
  readonly retriable: boolean
}

/** What can be done in one request of its kind. */
type StepOf<Kind extends TopicStep['kind']> = Extract<TopicStep, { kind: Kind }>

export class TopicAdmin {
  readonly #connection: BrokerConnection

  constructor(connection: BrokerConnection) {
    this.#connection = connection
  }

  /** The topics of these names that exist. Rejects with BrokerUnreachable. */
  async describe(names: readonly string[]): Promise<ReadonlyMap<string, LiveTopic>> {
    if (names.length === 0) return new Map()
    const topics = names.map(name => newMetadataRequestTopic({ name, topicId: ZERO_UUID }))
    const metadata = await this.#connection.call(
      'Metadata',
      newMetadataRequest({ topics, allowAutoTopicCreation: false }),
    )
    const found = metadata.topics.flatMap(({ name, topicId, partitions, errorCode: code }) =>
      code === errorCode.NONE && name !== null ? [{ name, id: topicId, partitions: partitions.length }] : [],
    )
    const configs = await this.#configs(found.map(({ name }) => name))
    return new Map(found.map(topic => [topic.name, { ...topic, config: configs.get(topic.name) ?? {} }]))
  }

  /** Carries out the steps, all of a kind in one request; the answer has the refusals by name of topic. */
  async execute(steps: readonly TopicStep[]): Promise<ReadonlyMap<string, Refusal>> {
    const refusals = new Map<string, Refusal>()
    const note = (name: string, code: number, message: string | null): void => {
      if (code !== errorCode.NONE && !refusals.has(name)) refusals.set(name, refusal(code, message))
    }
    await this.#create(only(steps, 'create'), note)
    await this.#grow(only(steps, 'grow'), note)
    await this.#alter(only(steps, 'alter'), note)
    await this.#delete(only(steps, 'delete'), note)
    return refusals
  }

  async #configs(names: readonly string[]): Promise<ReadonlyMap<string, Record<string, string>>> {
    if (names.length === 0) return new Map()
    const resources = names.map(resourceName => ({ resourceType: TOPIC, resourceName, configurationKeys: null }))
    const { results } = await this.#connection.call(
      'DescribeConfigs',
      newDescribeConfigsRequest({ resources, includeSynonyms: false }),
    )
    return new Map(
      results.map(({ resourceName, configs }) => {
        const own = configs.filter(({ configSource }) => configSource === SET_ON_TOPIC)
        return [resourceName, Object.fromEntries(own.map(({ name, value }) => [name, value ?? '']))]
      }),
    )
  }

  async #create(steps: readonly StepOf<'create'>[], note: Note): Promise<void> {
    if (steps.length === 0) return
    const topics = steps.map(({ name, partitions, config }) =>
      newCreateTopicsRequestTopic({
        name,
        numPartitions: partitions,
        replicationFactor: ANY_REPLICATION,
        assignments: [],
        configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
      }),
    )
    const request = newCreateTopicsRequest({ topics, validateOnly: false, timeoutMs: TIMEOUT_MS })
    const answer = await this.#connection.call('CreateTopics', request)
    for (const { name, errorCode: code, errorMessage: message } of answer.topics) note(name, code, message)
  }

  async #grow(steps: readonly StepOf<'grow'>[], note: Note): Promise<void> {
    if (steps.length === 0) return
    const topics = steps.map(({ name, partitions }) =>
      newCreatePartitionsRequestTopic({ name, count: partitions, assignments: null }),
    )
    const request = newCreatePartitionsRequest({ topics, validateOnly: false, timeoutMs: TIMEOUT_MS })
    const { results } = await this.#connection.call('CreatePartitions', request)
    for (const { name, errorCode: code, errorMessage: message } of results) note(name, code, message)
  }

  async #alter(steps: readonly StepOf<'alter'>[], note: Note): Promise<void> {
    if (steps.length === 0) return
    const resources = steps.map(({ name, set, remove }) => ({
      resourceType: TOPIC,
      resourceName: name,
      configs: [
        ...Object.entries(set).map(([key, value]) => ({ name: key, configOperation: SET, value })),
        ...remove.map(key => ({ name: key, configOperation: DELETE, value: null })),
      ],
    }))
    const request = newIncrementalAlterConfigsRequest({ resources, validateOnly: false })
    const { responses } = await this.#connection.call('IncrementalAlterConfigs', request)
    for (const { resourceName, errorCode: code, errorMessage: message } of responses) note(resourceName, code, message)
  }

  async #delete(steps: readonly StepOf<'delete'>[], note: Note): Promise<void> {
    if (steps.length === 0) return
    const topics = steps.map(({ name }) => newDeleteTopicsRequestTopic({ name, topicId: ZERO_UUID }))
    const request = newDeleteTopicsRequest({ topics, topicNames: steps.map(({ name }) => name), timeoutMs: TIMEOUT_MS })
    const { responses } = await this.#connection.call('DeleteTopics', request)
    for (const { name, errorCode: code, errorMessage: message } of responses) {
      // Gone already is what was wanted.
      if (name !== null && code !== errorCode.UNKNOWN_TOPIC_OR_PARTITION) note(name, code, message)
    }
  }
}

type Note = (name: string, code: number, message: string | null) => void

function only<Kind extends TopicStep['kind']>(steps: readonly TopicStep[], kind: Kind): StepOf<Kind>[] {
  return steps.filter((step): step is StepOf<Kind> => step.kind === kind)
}

const RETRIABLE: ReadonlySet<number> = new Set([
  errorCode.REQUEST_TIMED_OUT,
  errorCode.KAFKA_STORAGE_ERROR,
  errorCode.NOT_CONTROLLER,
  errorCode.NOT_LEADER_OR_FOLLOWER,
  errorCode.LEADER_NOT_AVAILABLE,
  errorCode.COORDINATOR_NOT_AVAILABLE,
  errorCode.THROTTLING_QUOTA_EXCEEDED,
])

export function refusal(code: number, message: string | null): Refusal {
  const words = message === null || message === '' ? errorMessage(code) : message
  return { code, message: `${errorName(code) ?? code}: ${words}`, retriable: RETRIABLE.has(code) }
}
