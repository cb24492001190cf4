/**
 * Simulated clients. They call the handlers of whichever broker they like with typed requests, give up after a while,
 * and try again elsewhere, as real ones do; every answer goes into the history.
 */

import type { Client } from '../../broker/api/handler.ts'
import { sleep } from '../../broker/clock.ts'
import { ANONYMOUS, withoutSasl } from '../../broker/security/authentication.ts'
import { EVERYTHING } from '../../broker/security/authorizer.ts'
import { NO_LIMIT } from '../../broker/state/topic-config-keys.ts'
import { buildBatch, recordsOf } from '../../broker/wire/batch-builder.ts'
import { errorCode } from '../../broker/wire/errors.ts'
import {
  type FetchResponse,
  newFetchRequest,
  newFetchRequestPartition,
  newFetchRequestTopic,
  newOffsetCommitRequest,
  newOffsetCommitRequestPartition,
  newOffsetCommitRequestTopic,
  newProduceRequest,
  newProduceRequestPartition,
  newProduceRequestTopic,
} from '../../broker/wire/messages.gen.ts'
import { eachBatch } from '../../broker/wire/record-batch.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import type { SimulatedCluster } from './cluster.ts'
import type { History } from './history.ts'
import type { SeededRandom } from './random.ts'

const PATIENCE_MS = 3000
const BACK_OFF_MS = 60

export interface World {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly cluster: SimulatedCluster
  readonly history: History
  /** No more faults: clients that try long enough succeed from now on. */
  healed: boolean
}

const client: Client = {
  listener: 'PLAINTEXT',
  host: 'simulated',
  gone: new AbortController().signal,
  authentication: withoutSasl(ANONYMOUS),
  access: EVERYTHING,
  quiet: () => {},
  softwareName: '',
  softwareVersion: '',
}

const context = (version: number) => ({ version, clientId: 'simulated', client })

/** Undefined when no answer came in time. */
async function withPatience<Answer>(
  world: World,
  answer: Promise<Answer | null> | Answer | null,
): Promise<Answer | undefined> {
  const timeout = sleep(world.clock, PATIENCE_MS).then(() => undefined)
  const settled = Promise.resolve(answer).then(
    value => value ?? undefined,
    () => undefined,
  )
  return Promise.race([settled, timeout])
}

function anyCore(world: World) {
  const { running } = world.cluster
  return running.length === 0 ? undefined : world.random.pick(running).core
}

/** Broker clocks are hours off here; that shall not get records refused for good. */
const ANY_TIMESTAMP = { name: 'message.timestamp.after.max.ms', value: NO_LIMIT }

/** Resolves with the id of a topic that exists afterwards. */
export async function ensureTopic(world: World, name: string, partitions: number): Promise<string> {
  for (;;) {
    const core = anyCore(world)
    const known = core?.replica.state.catalog.byName.get(name)
    if (known !== undefined) return known.id
    const body = { topicId: world.random.uuid(), name, partitions, replicationFactor: 1, configs: [ANY_TIMESTAMP] }
    await withPatience(world, core?.replica.submit({ type: 'createTopic', body }) ?? null)
    await sleep(world.clock, BACK_OFF_MS)
  }
}

export interface ProducerPlan {
  readonly name: string
  readonly idempotent: boolean
  readonly producerId: number
  readonly topicId: string
  readonly partition: number
  readonly batches: number
  /** Sequence of the first record: near 2^31 to see it wrap. */
  readonly firstSequence: number
}

interface Batch {
  readonly sequence: number
  readonly values: readonly string[]
}

/** Sends its batches in order, one at a time, each again and again until it is acknowledged (or, once, when not idempotent). */
export async function produce(world: World, plan: ProducerPlan): Promise<void> {
  let count = 0
  for (let n = 0; n < plan.batches; n++) {
    const size = world.random.int(1, 4)
    const kind = plan.idempotent ? 'idempotent' : 'plain'
    const values = Array.from({ length: size }, (_, index) => `${plan.name}/${kind}/${count + index}`)
    const batch: Batch = { sequence: (plan.firstSequence + count) % 2147483648, values }
    count += size
    for (const value of values) world.history.sending(value, plan.topicId)
    if (!(await sendUntilSettled(world, plan, batch))) return
    await sleep(world.clock, world.random.int(1, 120))
  }
}

/** False when the producer has to give up: its topic is gone. */
async function sendUntilSettled(world: World, plan: ProducerPlan, batch: Batch): Promise<boolean> {
  for (;;) {
    const answer = await sendOnce(world, plan, batch)
    if (answer?.errorCode === errorCode.NONE) {
      for (const [index, value] of batch.values.entries()) {
        const { topicId, partition } = plan
        world.history.acknowledge(value, { topicId, partition, offset: answer.baseOffset + index })
      }
      return true
    }
    if (
      answer?.errorCode === errorCode.UNKNOWN_TOPIC_ID ||
      answer?.errorCode === errorCode.UNKNOWN_TOPIC_OR_PARTITION
    ) {
      return false
    }
    // Without idempotence a second try could store the records twice; the simulation then leaves their fate open.
    if (!plan.idempotent) return true
    await sleep(world.clock, BACK_OFF_MS)
  }
}

async function sendOnce(world: World, plan: ProducerPlan, batch: Batch) {
  const core = anyCore(world)
  if (core === undefined) return undefined
  const records = buildBatch({
    records: batch.values.map(value => ({ value: Buffer.from(value) })),
    timestamp: world.clock.now(),
    ...(plan.idempotent ? { producerId: plan.producerId, producerEpoch: 0, baseSequence: batch.sequence } : {}),
  })
  const partitionData = [newProduceRequestPartition({ index: plan.partition, records: [records] })]
  const topicData = [newProduceRequestTopic({ topicId: plan.topicId, partitionData })]
  const request = newProduceRequest({ acks: -1, timeoutMs: 2000, topicData })
  const response = await withPatience(world, core.handlers.Produce?.(request, context(13)) ?? null)
  return response?.responses[0]?.partitionResponses[0]
}

export interface ConsumerPlan {
  readonly topicId: string
  readonly partitions: number
  readonly polls: number
}

/** Reads on and on from where it is, each time from another broker. */
export async function consume(world: World, plan: ConsumerPlan): Promise<void> {
  const positions = Array.from({ length: plan.partitions }, () => 0)
  for (let poll = 0; poll < plan.polls; poll++) {
    const response = await fetchOnce(world, plan.topicId, positions, world.random.int(50, 5000))
    for (const { partitionIndex, errorCode: code, records, logStartOffset } of response?.responses[0]?.partitions ??
      []) {
      if (code === errorCode.OFFSET_OUT_OF_RANGE) positions[partitionIndex] = Math.max(0, logStartOffset)
      for (const { offset, value } of recordsIn(records)) {
        if (offset < (positions[partitionIndex] ?? 0)) continue
        world.history.read(value, { topicId: plan.topicId, partition: partitionIndex, offset })
        positions[partitionIndex] = offset + 1
      }
    }
    await sleep(world.clock, world.random.int(1, 60))
  }
}

async function fetchOnce(
  world: World,
  topicId: string,
  positions: readonly number[],
  partitionMaxBytes: number,
  core = anyCore(world),
): Promise<FetchResponse | undefined> {
  if (core === undefined) return undefined
  const partitions = positions.map((fetchOffset, partition) =>
    newFetchRequestPartition({ partition, fetchOffset, partitionMaxBytes }),
  )
  const topics = [newFetchRequestTopic({ topicId, partitions })]
  const request = newFetchRequest({ maxWaitMs: 200, minBytes: 1, topics })
  return withPatience(world, core.handlers.Fetch?.(request, context(17)) ?? null)
}

function recordsIn(slices: readonly Buffer[] | null): { offset: number; value: string }[] {
  const found: { offset: number; value: string }[] = []
  for (const slice of slices ?? []) {
    eachBatch(slice, at => {
      for (const { offset, value } of recordsOf(slice, at, 1_000_000)) found.push({ offset, value: String(value) })
    })
  }
  return found
}

/** Everything in a partition as one broker serves it, from its log start on. */
export async function readWhole(
  world: World,
  core: NonNullable<ReturnType<typeof anyCore>>,
  topicId: string,
  partition: number,
): Promise<{ start: number; values: string[] }> {
  const log = core.replica.state.catalog.partition(topicId, partition)
  const start = log?.logStartOffset ?? 0
  const values: string[] = []
  for (let tries = 0; start + values.length < (log?.nextOffset ?? 0); tries++) {
    if (tries > 2000) throw new Error(`partition ${partition} cannot be read to its end`)
    const positions = Array.from({ length: partition + 1 }, () => start + values.length)
    const response = await fetchOnce(world, topicId, positions, 3000, core)
    const answer = response?.responses[0]?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    for (const { offset, value } of recordsIn(answer?.records ?? null)) {
      if (offset === start + values.length) values.push(value)
    }
  }
  return { start, values }
}

/** Commits ever larger offsets for a group without members, one at a time, to the group's one coordinator. */
export async function commit(world: World, group: string, topic: string, commits: number): Promise<void> {
  for (let offset = 1; offset <= commits; offset++) {
    const partitions = [
      newOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }),
    ]
    const topics = [newOffsetCommitRequestTopic({ name: topic, partitions })]
    const request = newOffsetCommitRequest({ groupId: group, topics })
    const coordinator = world.cluster.brokers[0]?.core
    const answer = await withPatience(world, coordinator?.handlers.OffsetCommit?.(request, context(8)) ?? null)
    if (answer?.topics[0]?.partitions[0]?.errorCode === errorCode.NONE) world.history.committed(group, offset)
    await sleep(world.clock, world.random.int(1, 80))
  }
}
