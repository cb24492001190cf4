/** Consumer groups: who is in them, where they stand, and how to put an idle one elsewhere (KIP-122). */

import { BrokerUnreachable } from '../../broker/client/connection.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import {
  newDescribeGroupsRequest,
  newListGroupsRequest,
  newOffsetCommitRequest,
  newOffsetCommitRequestPartition,
  newOffsetCommitRequestTopic,
  newOffsetFetchRequest,
  newOffsetFetchRequestGroup,
  readConsumerProtocolAssignment,
} from '../../broker/wire/messages.gen.ts'
import { Reader } from '../../broker/wire/reader.ts'
import { WireError } from '../../broker/wire/wire-error.ts'
import { type Cluster, Refused, refuse } from './cluster.ts'
import { EARLIEST, LATEST, offsetsAt, partitionKey, visibleTopics } from './topics.ts'

export interface GroupSummary {
  readonly id: string
  /** As Kafka names it: Stable, Empty, PreparingRebalance, ... */
  readonly state: string
  readonly type: string
}

export interface Member {
  readonly id: string
  readonly clientId: string
  readonly host: string
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
}

export interface Position {
  readonly topic: string
  readonly partition: number
  /** Undefined for a partition that a member has and that nothing was committed for yet. */
  readonly committed: number | undefined
  /** Undefined when the partition is gone. */
  readonly end: number | undefined
}

export interface GroupFacts extends GroupSummary {
  readonly members: readonly Member[]
  readonly positions: readonly Position[]
}

/** Where an idle group is put, in all partitions of a topic. */
export type ResetTo = { readonly kind: 'earliest' | 'latest' } | { readonly kind: 'time'; readonly timestamp: number }

const GROUPS_AT_ONCE = 50
/** Later versions name topics by id alone. */
const LAST_OFFSETS_WITH_NAMES = 9
/** Of the classic protocol: who commits is no member. */
const NO_GENERATION = -1
const CLASSIC_WITHOUT_MEMBERS = new Set(['Empty', 'Dead'])

/** Every group that the user may see, by name. A broker that cannot be reached says nothing of those it looks after. */
export async function groups(cluster: Cluster): Promise<readonly GroupSummary[]> {
  const { brokers } = await cluster.facts()
  const answers = await Promise.all(
    brokers.map(broker =>
      cluster.askBroker(broker, 'ListGroups', newListGroupsRequest({})).catch(cause => {
        if (cause instanceof BrokerUnreachable) return undefined
        throw cause
      }),
    ),
  )
  const found = new Map<string, GroupSummary>()
  for (const answer of answers) {
    for (const { groupId: id, groupState: state, groupType: type } of answer?.groups ?? []) {
      found.set(id, { id, state, type: type === '' ? 'classic' : type })
    }
  }
  return [...found.values()].sort((a, b) => a.id.localeCompare(b.id))
}

/** Where groups stand, by their name. Groups that the user may not describe are left out. */
export async function positions(
  cluster: Cluster,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Position[]>> {
  const committed = new Map<string, readonly Omit<Position, 'end'>[]>()
  for (let from = 0; from < ids.length; from += GROUPS_AT_ONCE) {
    const wanted = ids.slice(from, from + GROUPS_AT_ONCE)
    const request = newOffsetFetchRequest({
      groups: wanted.map(groupId => newOffsetFetchRequestGroup({ groupId, topics: null })),
    })
    for (const { groupId, topics, errorCode: code } of (
      await cluster.ask('OffsetFetch', request, LAST_OFFSETS_WITH_NAMES)
    ).groups) {
      if (code !== errorCode.NONE) continue
      const found = topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ errorCode: problem, committedOffset }) => problem === errorCode.NONE && committedOffset >= 0)
          .map(({ partitionIndex, committedOffset }) => ({
            topic: name,
            partition: partitionIndex,
            committed: committedOffset,
          })),
      )
      committed.set(groupId, found)
    }
  }
  const ends = await offsetsAt(cluster, partitionsOf([...committed.values()].flat()), LATEST)
  return new Map(
    [...committed].map(([id, found]) => [
      id,
      found
        .map(position => ({ ...position, end: ends.get(partitionKey(position.topic, position.partition)) }))
        .sort(byPartition),
    ]),
  )
}

/** Records that are not committed yet; partitions that are gone have none. */
export const lagOf = (positions: readonly Position[]): number =>
  positions.reduce(
    (sum, { committed, end }) => sum + (committed === undefined ? 0 : Math.max(0, (end ?? committed) - committed)),
    0,
  )

/**
 * Rejects with Refused when there is no such group, or the user may not describe it. Members say by themselves which
 * partitions they have, so brokers tell of topics there that the user may not describe; these are left out.
 */
export async function group(cluster: Cluster, id: string): Promise<GroupFacts> {
  const [described, found] = await Promise.all([describe(cluster, id), positions(cluster, [id])])
  const committed = found.get(id) ?? []
  const assigned = described.members.flatMap(({ partitions }) => partitions)
  const visible = await visibleTopics(
    cluster,
    [...committed, ...assigned].map(({ topic }) => topic),
  )
  const isVisible = ({ topic }: { readonly topic: string }): boolean => visible.has(topic)
  const known = committed.filter(isVisible)
  const members = described.members.map(one => ({ ...one, partitions: one.partitions.filter(isVisible) }))
  const all = [...known, ...(await uncommitted(cluster, members, known))]
  return { ...described, members, positions: all.sort(byPartition) }
}

const byPartition = (a: Position, b: Position): number => a.topic.localeCompare(b.topic) || a.partition - b.partition

/** What members have and nothing was committed for yet. */
async function uncommitted(
  cluster: Cluster,
  members: readonly Member[],
  known: readonly Position[],
): Promise<readonly Position[]> {
  const present = new Set(known.map(({ topic, partition }) => partitionKey(topic, partition)))
  const missing = members
    .flatMap(({ partitions }) => partitions)
    .filter(({ topic, partition }) => !present.has(partitionKey(topic, partition)))
  const ends = await offsetsAt(cluster, partitionsOf(missing), LATEST)
  return missing.map(({ topic, partition }) => ({
    topic,
    partition,
    committed: undefined,
    end: ends.get(partitionKey(topic, partition)),
  }))
}

/** Rejects with Refused: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, or what the user may not do. Resolves with what was set. */
export async function resetOffsets(
  cluster: Cluster,
  id: string,
  { topic, to }: { readonly topic: string; readonly to: ResetTo },
): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
  const { state, positions: known } = await group(cluster, id)
  if (!CLASSIC_WITHOUT_MEMBERS.has(state)) throw new Refused(errorCode.NON_EMPTY_GROUP)
  const partitions = known.filter(position => position.topic === topic).map(({ partition }) => partition)
  if (partitions.length === 0) throw new Refused(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const targets = await targetsOf(cluster, { name: topic, partitions }, to)
  const request = newOffsetCommitRequest({
    groupId: id,
    generationIdOrMemberEpoch: NO_GENERATION,
    memberId: '',
    topics: [
      newOffsetCommitRequestTopic({
        name: topic,
        partitions: targets.map(({ partition, offset }) =>
          newOffsetCommitRequestPartition({
            partitionIndex: partition,
            committedOffset: offset,
            committedMetadata: 'kafscale console',
          }),
        ),
      }),
    ],
  })
  const answer = await cluster.askBroker(
    await cluster.coordinator(id),
    'OffsetCommit',
    request,
    LAST_OFFSETS_WITH_NAMES,
  )
  for (const { partitions: outcomes } of answer.topics) for (const { errorCode: code } of outcomes) refuse(code)
  return targets
}

/** After the last record of a partition there is no record of a time or later: its end is meant then. */
async function targetsOf(
  cluster: Cluster,
  wanted: { readonly name: string; readonly partitions: readonly number[] },
  to: ResetTo,
): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
  const timestamp = to.kind === 'time' ? to.timestamp : to.kind === 'earliest' ? EARLIEST : LATEST
  const [found, ends] = [await offsetsAt(cluster, [wanted], timestamp), await offsetsAt(cluster, [wanted], LATEST)]
  return wanted.partitions.flatMap(partition => {
    const key = partitionKey(wanted.name, partition)
    const offset = found.get(key) ?? ends.get(key)
    return offset === undefined ? [] : [{ partition, offset }]
  })
}

async function describe(cluster: Cluster, id: string): Promise<Omit<GroupFacts, 'positions'>> {
  const request = newDescribeGroupsRequest({ groups: [id], includeAuthorizedOperations: false })
  const { groups: answers } = await cluster.askBroker(await cluster.coordinator(id), 'DescribeGroups', request)
  const [found] = answers
  if (found === undefined) throw new Refused(errorCode.GROUP_ID_NOT_FOUND)
  refuse(found.errorCode, found.errorMessage)
  return {
    id,
    state: found.groupState,
    type: 'classic',
    members: found.members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
      id: memberId,
      clientId,
      host: clientHost,
      partitions: assignedPartitions(memberAssignment),
    })),
  }
}

/** By the consumers' own protocol; others may put what they like there. */
function assignedPartitions(assignment: Buffer): Member['partitions'] {
  if (assignment.length === 0) return []
  try {
    const reader = new Reader(assignment)
    const { assignedPartitions: found } = readConsumerProtocolAssignment(reader, reader.int16())
    return found.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
  } catch (cause) {
    if (cause instanceof WireError) return []
    throw cause
  }
}

function partitionsOf(
  positions: readonly { readonly topic: string; readonly partition: number }[],
): readonly { readonly name: string; readonly partitions: readonly number[] }[] {
  return [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, found]) => ({
    name,
    partitions: [...new Set(found.map(({ partition }) => partition))],
  }))
}
