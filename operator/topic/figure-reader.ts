// Bytes, offsets and groups of many topics, by Kafka's own protocol: DescribeLogDirs, ListOffsets, and the positions of groups
// from a reader that is passed in. Questions go out in portions, so that no answer is large. A topic of which an answer for
// one partition is missing has that figure undefined; a broker that fails in the middle leaves the rest undefined.

import { BrokerConnection, type BrokerConnectionOptions, BrokerUnreachable } from '../../broker/client/connection.ts'
import type { Clock } from '../../broker/clock.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import {
  newDescribeLogDirsRequest,
  newListOffsetsRequest,
  newListOffsetsRequestPartition,
  newListOffsetsRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { byLag, type Figures, type TopicGroup } from './figures.ts'
import type { LiveTopic } from './plan.ts'

export interface Address {
  readonly host: string
  readonly port: number
  /** For a listener with TLS. */
  readonly tls?: NonNullable<BrokerConnectionOptions['tls']>
}

/** Where a group stands in a partition, and where that ends. */
export interface Position {
  readonly group: string
  readonly state: string
  readonly topic: string
  readonly partition: number
  readonly committed: number
  readonly end: number
}

export interface Positions {
  readonly positions: readonly Position[]
  /** False when some groups or partitions are missing. */
  readonly isWhole: boolean
}

/** Rejects with BrokerUnreachable. */
export type PositionReader = (address: Address, timeoutMs: number, signal: AbortSignal) => Promise<Positions>

export interface FigureReaderOptions {
  readonly address: Address
  readonly clock: Clock
  /** For each question, ms. */
  readonly timeoutMs: number
  readonly readPositions: PositionReader
  /** Nothing more is asked when it aborts. */
  readonly signal: AbortSignal
}

type Asked = Pick<LiveTopic, 'name' | 'id' | 'partitions'>

const CLIENT = 'kafscale-operator'
const PARTITIONS_AT_ONCE = 2000
const LATEST = -1
const EARLIEST = -2
const LONGEST_GROUP = 255
const LONGEST_STATE = 32

/** The figures of each topic by its id. Never rejects because of a broker: what it did not answer is undefined. */
export async function readFigures(
  options: FigureReaderOptions,
  topics: readonly Asked[],
): Promise<ReadonlyMap<string, Figures>> {
  const { address, timeoutMs, readPositions, signal } = options
  const [sums, page] = await Promise.all([
    partitionSums(options, topics),
    readPositions(address, timeoutMs, signal).catch(unlessUnreachable),
  ])
  const groups = page && groupsByTopic(page.positions)
  return new Map(
    topics.map(({ name, id, partitions }): [string, Figures] => {
      const [bytes, earliest, latest] = [sums.bytes, sums.earliest, sums.latest].map(sum => sum.of(name, partitions))
      return [
        id,
        {
          bytes,
          offsets: earliest === undefined || latest === undefined ? undefined : { earliest, latest },
          groups: groups && (groups.get(name) ?? []),
          lacksGroups: page?.isWhole !== true,
        },
      ]
    }),
  )
}

function unlessUnreachable(cause: unknown): undefined {
  if (!(cause instanceof BrokerUnreachable)) throw cause
}

/** One number for each partition of many topics. */
class Sums {
  readonly #topics = new Map<string, Map<number, number>>()

  add(topic: string, partition: number, value: number): void {
    const known = this.#topics.get(topic) ?? new Map<number, number>()
    this.#topics.set(topic, known.set(partition, (known.get(partition) ?? 0) + value))
  }

  /** Undefined unless there is a number for every partition. */
  of(topic: string, partitions: number): number | undefined {
    const known = this.#topics.get(topic)
    let sum = 0
    for (let partition = 0; partition < partitions; partition++) {
      const value = known?.get(partition)
      if (value === undefined) return undefined
      sum += value
    }
    return sum
  }
}

interface PartitionSums {
  readonly bytes: Sums
  readonly earliest: Sums
  readonly latest: Sums
}

async function partitionSums(
  { address, clock, timeoutMs, signal }: FigureReaderOptions,
  topics: readonly Asked[],
): Promise<PartitionSums> {
  const sums: PartitionSums = { bytes: new Sums(), earliest: new Sums(), latest: new Sums() }
  let connection: BrokerConnection | undefined
  try {
    connection = await BrokerConnection.open({ ...address, clock, timeoutMs, signal, clientId: CLIENT })
    for (const portion of portions(topics)) {
      await addOffsets(connection, portion, EARLIEST, sums.earliest)
      await addOffsets(connection, portion, LATEST, sums.latest)
      await addBytes(connection, portion, sums.bytes)
    }
  } catch (cause) {
    unlessUnreachable(cause)
  } finally {
    connection?.close()
  }
  return sums
}

type Portion = ReadonlyMap<string, readonly number[]>

/** Partitions by topic, so many together as one question may name. */
function* portions(topics: readonly Asked[]): Iterable<Portion> {
  let portion = new Map<string, number[]>()
  let size = 0
  for (const { name, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const named = portion.get(name) ?? []
      named.push(partition)
      portion.set(name, named)
      if (++size < PARTITIONS_AT_ONCE) continue
      yield portion
      portion = new Map()
      size = 0
    }
  }
  if (size > 0) yield portion
}

async function addOffsets(
  connection: BrokerConnection,
  portion: Portion,
  timestamp: number,
  sums: Sums,
): Promise<void> {
  const topics = [...portion].map(([name, partitions]) =>
    newListOffsetsRequestTopic({
      name,
      partitions: partitions.map(partitionIndex => newListOffsetsRequestPartition({ partitionIndex, timestamp })),
    }),
  )
  const answer = await connection.call('ListOffsets', newListOffsetsRequest({ replicaId: -1, topics }))
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, offset, errorCode: code } of partitions) {
      if (code === errorCode.NONE && offset >= 0) sums.add(name, partitionIndex, offset)
    }
  }
}

/** A partition may lie in several log directories. A copy that is being moved in (isFutureKey) is no part of it yet. */
async function addBytes(connection: BrokerConnection, portion: Portion, sums: Sums): Promise<void> {
  const topics = [...portion].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))
  const answer = await connection.call('DescribeLogDirs', newDescribeLogDirsRequest({ topics }))
  for (const { errorCode: code, topics: found } of answer.results) {
    if (code !== errorCode.NONE) continue
    for (const { name, partitions } of found) {
      for (const { partitionIndex, partitionSize, isFutureKey } of partitions) {
        if (!isFutureKey) sums.add(name, partitionIndex, partitionSize)
      }
    }
  }
}

/** The groups of each topic, the furthest behind first. */
function groupsByTopic(positions: readonly Position[]): ReadonlyMap<string, readonly TopicGroup[]> {
  const named = positions.filter(({ group }) => group !== '' && group.length <= LONGEST_GROUP)
  return new Map(
    [...Map.groupBy(named, ({ topic }) => topic)].map(([topic, own]) => [
      topic,
      [...Map.groupBy(own, ({ group }) => group)].map(([group, parts]) => groupOf(group, parts)).sort(byLag),
    ]),
  )
}

function groupOf(group: string, parts: readonly Position[]): TopicGroup {
  const lag = parts.reduce((sum, { committed, end }) => sum + Math.max(0, end - committed), 0)
  const state = parts[0]?.state.slice(0, LONGEST_STATE) ?? ''
  return state === '' ? { group, lag } : { group, lag, state }
}
