/** Topics: where their partitions begin and end, what they take, how they are configured. */
import type { ResponseOf } from '../../broker/wire/api.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import {
  newDescribeConfigsRequest,
  newDescribeLogDirsRequest,
  newListOffsetsRequest,
  newListOffsetsRequestPartition,
  newListOffsetsRequestTopic,
  newMetadataRequest,
  newMetadataRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { ZERO_UUID } from '../../broker/wire/uuid.ts'
import { type Cluster, Refused, refuse } from './cluster.ts'

export interface PartitionFacts {
  readonly partition: number
  /** Offset of the first record that is left, and the one behind the last; undefined when the broker does not say. */
  readonly begin: number | undefined
  readonly end: number | undefined
  readonly bytes: number | undefined
}

export interface TopicFacts {
  readonly name: string
  readonly id: string
  readonly isInternal: boolean
  readonly partitions: readonly PartitionFacts[]
}

export interface ConfigFacts {
  readonly name: string
  readonly value: string | null
  /** Set on the topic itself. */
  readonly isOwn: boolean
  readonly isSensitive: boolean
  readonly documentation: string | null
}

/** ListOffsets' words for the ends (KIP-79). */
export const EARLIEST = -2
export const LATEST = -1
const TOPIC = 2
const SET_ON_TOPIC = 1
const PARTITIONS_AT_ONCE = 2000

interface Listed {
  readonly name: string
  readonly id: string
  readonly isInternal: boolean
  readonly partitions: readonly number[]
}

/** Every topic that the user may see, by name. */
export async function topics(cluster: Cluster): Promise<readonly TopicFacts[]> {
  return withFacts(cluster, await listed(cluster, null))
}

/** How much there is, without a look at each partition's offsets. */
export interface Extent {
  readonly topics: number
  readonly partitions: number
  /** Undefined for a user who may not see sizes. */
  readonly storedBytes: number | undefined
}

export async function extent(cluster: Cluster): Promise<Extent> {
  const found = await listed(cluster, null)
  const partitions = found.reduce((sum, topic) => sum + topic.partitions.length, 0)
  const known = await sizes(cluster, found)
  const stored = [...known.values()].reduce((sum, size) => sum + size, 0)
  return { topics: found.length, partitions, storedBytes: known.size === 0 && partitions > 0 ? undefined : stored }
}

/** Rejects with Refused when there is no such topic, or the user may not see it. */
export async function topic(cluster: Cluster, name: string): Promise<TopicFacts> {
  const [found] = await withFacts(cluster, await listed(cluster, name))
  if (found === undefined) throw new Refused(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  return found
}

export async function topicConfig(cluster: Cluster, name: string): Promise<readonly ConfigFacts[]> {
  const resources = [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }]
  const request = newDescribeConfigsRequest({ resources, includeSynonyms: false, includeDocumentation: true })
  const [result] = (await cluster.ask('DescribeConfigs', request)).results
  if (result === undefined) return []
  refuse(result.errorCode, result.errorMessage)
  return result.configs
    .map(({ name, value, configSource, isSensitive, documentation }) => ({
      name,
      value,
      isSensitive,
      documentation,
      isOwn: configSource === SET_ON_TOPIC,
    }))
    .sort((a, b) => Number(b.isOwn) - Number(a.isOwn) || a.name.localeCompare(b.name))
}

/** The offset for each partition, by `EARLIEST`, `LATEST` or the first record of a time or later, ms; those there are. */
export async function offsetsAt(
  cluster: Cluster,
  wanted: readonly { readonly name: string; readonly partitions: readonly number[] }[],
  timestamp: number,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const some of portions(wanted)) {
    const request = newListOffsetsRequest({
      replicaId: -1,
      topics: some.map(({ name, partitions }) =>
        newListOffsetsRequestTopic({
          name,
          partitions: partitions.map(partitionIndex => newListOffsetsRequestPartition({ partitionIndex, timestamp })),
        }),
      ),
    })
    for (const { name, partitions } of (await cluster.ask('ListOffsets', request)).topics) {
      for (const { partitionIndex, offset, errorCode: code } of partitions) {
        if (code === errorCode.NONE && offset >= 0) found.set(partitionKey(name, partitionIndex), offset)
      }
    }
  }
  return found
}

export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`

/** Of these, the topics that the user may describe, those that are gone among them. */
export async function visibleTopics(cluster: Cluster, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set()
  const answer = await metadata(cluster, [...new Set(names)])
  return new Set(answer.topics.flatMap(({ name, errorCode: code }) => (MAY_DESCRIBE.has(code) ? (name ?? []) : [])))
}

/** Whoever may not describe a topic is told TOPIC_AUTHORIZATION_FAILED, be it there or not. */
const MAY_DESCRIBE: ReadonlySet<number> = new Set([errorCode.NONE, errorCode.UNKNOWN_TOPIC_OR_PARTITION])

/** `names`: null for all. */
function metadata(cluster: Cluster, names: readonly string[] | null): Promise<ResponseOf<'Metadata'>> {
  const topics = names === null ? null : names.map(name => newMetadataRequestTopic({ name, topicId: ZERO_UUID }))
  return cluster.ask('Metadata', newMetadataRequest({ topics, allowAutoTopicCreation: false }))
}

async function listed(cluster: Cluster, name: string | null): Promise<readonly Listed[]> {
  const answer = await metadata(cluster, name === null ? null : [name])
  const found = answer.topics.flatMap(({ name: topic, topicId, isInternal, partitions, errorCode: code }) => {
    if (name !== null) refuse(code)
    if (topic === null || code !== errorCode.NONE) return []
    const indexes = partitions.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b)
    return [{ name: topic, id: topicId, isInternal, partitions: indexes }]
  })
  return found.sort((a, b) => a.name.localeCompare(b.name))
}

async function withFacts(cluster: Cluster, topics: readonly Listed[]): Promise<readonly TopicFacts[]> {
  const [begins, ends, bytes] = await Promise.all([
    offsetsAt(cluster, topics, EARLIEST),
    offsetsAt(cluster, topics, LATEST),
    sizes(cluster, topics),
  ])
  return topics.map(({ partitions, ...topic }) => ({
    ...topic,
    partitions: partitions.map(partition => {
      const key = partitionKey(topic.name, partition)
      return { partition, begin: begins.get(key), end: ends.get(key), bytes: bytes.get(key) }
    }),
  }))
}

/** Empty for a user who may not describe the cluster. */
async function sizes(cluster: Cluster, wanted: readonly Listed[]): Promise<ReadonlyMap<string, number>> {
  const topics = wanted.map(({ name, partitions }) => ({ topic: name, partitions }))
  const { results } = await cluster.ask('DescribeLogDirs', newDescribeLogDirsRequest({ topics }))
  return new Map(
    results.flatMap(({ topics: known }) =>
      known.flatMap(({ name, partitions }) =>
        partitions.map(
          ({ partitionIndex, partitionSize }) => [partitionKey(name, partitionIndex), partitionSize] as const,
        ),
      ),
    ),
  )
}

/** Topics together until they have this many partitions, so that no answer is large. */
function* portions<Wanted extends { readonly partitions: readonly number[] }>(
  wanted: readonly Wanted[],
): Iterable<readonly Wanted[]> {
  let some: Wanted[] = []
  let count = 0
  for (const one of wanted) {
    some.push(one)
    count += one.partitions.length
    if (count < PARTITIONS_AT_ONCE) continue
    yield some
    some = []
    count = 0
  }
  if (some.length > 0) yield some
}
