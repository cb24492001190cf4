// Where groups stand and where their partitions end, by Kafka's own protocol: brokers -> groups of each -> committed offsets
// -> ends. Questions go out in portions, so that no answer is large; what is above the bounds is left out, and the answer
// says that it is not whole.
//
// Through a listener that all brokers share there is one broker to ask, and it asks the others.

import { BrokerConnection, type BrokerConnectionOptions, BrokerUnreachable } from '../../broker/client/connection.ts'
import type { Clock } from '../../broker/clock.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import {
  newListGroupsRequest,
  newListOffsetsRequest,
  newListOffsetsRequestPartition,
  newListOffsetsRequestTopic,
  newMetadataRequest,
  newOffsetFetchRequest,
  newOffsetFetchRequestGroup,
} from '../../broker/wire/messages.gen.ts'

/** Where a group stands in a partition. */
export interface GroupPosition {
  readonly group: string
  /** As Kafka names it: Stable, Empty, PreparingRebalance, ... */
  readonly state: string
  readonly topic: string
  readonly partition: number
  readonly committed: number
  readonly end: number
}

export interface LagPage {
  readonly positions: readonly GroupPosition[]
  /** False when a broker did not tell of its groups, or there are more than are looked at. */
  readonly isWhole: boolean
}

export interface LagReaderOptions {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly timeoutMs: number
  /** For a listener with TLS. */
  readonly tls?: NonNullable<BrokerConnectionOptions['tls']>
  /** For a listener with SASL. */
  readonly login?: NonNullable<BrokerConnectionOptions['login']>
  /** Nothing more is asked when it aborts. */
  readonly signal?: AbortSignal
}

const CLIENT = 'kafscale-operator'
const LARGEST_ANSWER = 16 * 1024 * 1024
const MOST_GROUPS = 1000
const MOST_PARTITIONS = 20_000
const GROUPS_AT_ONCE = 50
const PARTITIONS_AT_ONCE = 2000
const LATEST = -1
/** Later versions name topics by id alone. */
const LAST_WITH_NAMES = 9

interface Group {
  readonly id: string
  readonly state: string
}

type Committed = Omit<GroupPosition, 'end'>

/** Rejects with BrokerUnreachable. */
export async function readLag({ host, port, clock, timeoutMs, ...more }: LagReaderOptions): Promise<LagPage> {
  const open = (address: { host: string; port: number }): Promise<BrokerConnection> =>
    BrokerConnection.open({ ...address, ...more, clock, timeoutMs, clientId: CLIENT, largestAnswer: LARGEST_ANSWER })
  const connection = await open({ host, port })
  try {
    const listed = await listGroups(connection, open)
    const groups = listed.groups.slice(0, MOST_GROUPS)
    const committed = await committedOffsets(connection, groups)
    const some = committed.positions.slice(0, MOST_PARTITIONS)
    const ends = await endOffsets(connection, some)
    const positions = some.flatMap(position => {
      const end = ends.offsets.get(partitionKey(position))
      return end === undefined ? [] : [{ ...position, end }]
    })
    const isWhole =
      listed.isWhole &&
      committed.isWhole &&
      ends.isWhole &&
      groups.length === listed.groups.length &&
      some.length === committed.positions.length
    return { positions, isWhole }
  } finally {
    connection.close()
  }
}

const partitionKey = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${partition}`

/** A broker tells of the groups that it coordinates. */
async function listGroups(
  connection: BrokerConnection,
  open: (address: { host: string; port: number }) => Promise<BrokerConnection>,
): Promise<{ readonly groups: readonly Group[]; readonly isWhole: boolean }> {
  const { brokers } = await connection.call('Metadata', newMetadataRequest({ topics: [] }))
  const answers = await Promise.all(
    brokers.map(async ({ host, port }): Promise<readonly Group[] | undefined> => {
      const only = brokers.length === 1
      let own: BrokerConnection | undefined
      try {
        own = only ? undefined : await open({ host, port })
        const answer = await (own ?? connection).call('ListGroups', newListGroupsRequest({}))
        if (answer.errorCode !== errorCode.NONE) return undefined
        return answer.groups.map(({ groupId, groupState }) => ({ id: groupId, state: groupState }))
      } catch (cause) {
        if (cause instanceof BrokerUnreachable && !only) return undefined
        throw cause
      } finally {
        own?.close()
      }
    }),
  )
  const groups = new Map<string, Group>()
  for (const answer of answers) for (const group of answer ?? []) groups.set(group.id, group)
  return { groups: [...groups.values()], isWhole: answers.length > 0 && !answers.includes(undefined) }
}

async function committedOffsets(
  connection: BrokerConnection,
  groups: readonly Group[],
): Promise<{ readonly positions: readonly Committed[]; readonly isWhole: boolean }> {
  const positions: Committed[] = []
  let isWhole = true
  for (const some of portions(groups, GROUPS_AT_ONCE)) {
    const states = new Map(some.map(({ id, state }) => [id, state]))
    const request = newOffsetFetchRequest({
      groups: some.map(({ id }) => newOffsetFetchRequestGroup({ groupId: id, topics: null })),
    })
    const answer = await connection.call('OffsetFetch', request, { atMostVersion: LAST_WITH_NAMES })
    for (const { groupId, topics, errorCode: code } of answer.groups) {
      if (code !== errorCode.NONE) isWhole = false
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, committedOffset, errorCode: problem } of partitions) {
          if (problem !== errorCode.NONE) isWhole = false
          else if (committedOffset >= 0) {
            const state = states.get(groupId) ?? ''
            positions.push({
              group: groupId,
              state,
              topic: name,
              partition: partitionIndex,
              committed: committedOffset,
            })
          }
        }
      }
    }
  }
  return { positions, isWhole }
}

/** Partitions that are gone have none: a group may remember a topic that was deleted. */
async function endOffsets(
  connection: BrokerConnection,
  positions: readonly Committed[],
): Promise<{ readonly offsets: ReadonlyMap<string, number>; readonly isWhole: boolean }> {
  const wanted = [...new Map(positions.map(position => [partitionKey(position), position])).values()]
  const offsets = new Map<string, number>()
  let isWhole = true
  for (const some of portions(wanted, PARTITIONS_AT_ONCE)) {
    const topics = [...Map.groupBy(some, ({ topic }) => topic)].map(([name, partitions]) =>
      newListOffsetsRequestTopic({
        name,
        partitions: partitions.map(({ partition }) =>
          newListOffsetsRequestPartition({ partitionIndex: partition, timestamp: LATEST }),
        ),
      }),
    )
    const answer = await connection.call('ListOffsets', newListOffsetsRequest({ replicaId: -1, topics }))
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, offset, errorCode: code } of partitions) {
        if (code === errorCode.NONE) offsets.set(partitionKey({ topic: name, partition: partitionIndex }), offset)
        else if (code !== errorCode.UNKNOWN_TOPIC_OR_PARTITION) isWhole = false
      }
    }
  }
  return { offsets, isWhole }
}

function* portions<Item>(items: readonly Item[], size: number): Iterable<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}
