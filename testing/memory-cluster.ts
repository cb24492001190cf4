// Several brokers without sockets over one ledger and one store in memory, which pass requests on to each other directly.

import type { Peers } from '../broker/api/forwarding.ts'
import type { Client } from '../broker/api/handler.ts'
import { Core, type CoreOptions } from '../broker/core.ts'
import { Gaps } from '../broker/data/gaps.ts'
import { MemoryLedger } from '../broker/ledger/memory.ts'
import { MemoryStore } from '../broker/objects/memory.ts'
import { createLogger } from '../broker/observe/logger.ts'
import { ANONYMOUS, withoutSasl } from '../broker/security/authentication.ts'
import { EVERYTHING } from '../broker/security/authorizer.ts'
import { FEATURE_LEVEL } from '../broker/state/commands.ts'
import type { ApiName, RequestOf, ResponseOf } from '../broker/wire/api.ts'
import { type MetadataRequest, newMetadataRequest } from '../broker/wire/messages.gen.ts'
import { SeededRandom } from './simulation/random.ts'
import { topicIdOf } from './state-story.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface TestCore {
  readonly core: Core
  readonly wholeMetadata: MetadataRequest
  /** The handler's answer to a client of that listener. */
  ask<Name extends ApiName>(
    name: Name,
    version: number,
    request: RequestOf<Name>,
    listener: string,
  ): Promise<ResponseOf<Name> | null>
  /** From now on this broker does not reach the others. */
  cutPeers(): void
}

/** Brokers 0 to `count` - 1 with topic `t` of one partition, each with a listener of its own and a shared one. */
export async function startCores(count: number): Promise<{ clock: VirtualClock; cores: readonly TestCore[] }> {
  const shared = sharedParts()
  const { clock } = shared
  const cores: TestCore[] = []
  for (let id = 0; id < count; id++) cores.push(await startCore(id, shared, cores))
  const body = { topicId: topicIdOf(1), name: 't', partitions: 1, replicationFactor: 1, configs: [] }
  for (const { core } of cores.slice(0, 1)) await clock.until(core.replica.submit({ type: 'createTopic', body }))
  await clock.advance(10)
  return { clock, cores }
}

export interface Shared {
  readonly clock: VirtualClock
  readonly ledger: MemoryLedger
  readonly store: MemoryStore
  readonly random: SeededRandom
}

export function sharedParts(): Shared {
  return {
    clock: new VirtualClock(),
    ledger: new MemoryLedger(),
    store: new MemoryStore(),
    random: new SeededRandom(7),
  }
}

export interface CoreVariation {
  readonly featureLevel?: number
  readonly peers?: Peers
}

/** Of a broker with a listener of its own and a shared one. */
export function coreOptions(
  brokerId: number,
  { clock, ledger, store, random }: Shared,
  { featureLevel = FEATURE_LEVEL, peers }: CoreVariation = {},
): Omit<CoreOptions, 'onLost'> {
  return {
    clock,
    ledger: ledger.connect(clock),
    store,
    random: { uuid: () => random.uuid(), int: max => random.int(1, max) },
    gaps: new Gaps(clock),
    log: createLogger('silent'),
    brokerId,
    info: {
      featureLevel,
      software: 'test',
      rack: null,
      listeners: [
        { name: 'PLAINTEXT', host: `broker-${brokerId}.test`, port: 9092, shared: false },
        { name: 'SHARED', host: 'all.test', port: 443, shared: true },
      ],
    },
    prefix: 'test',
    api: id => ({
      brokerId: id,
      autoCreateTopics: false,
      usesAcls: false,
      autoCreatePartitions: 1,
      maxPartitionsPerTopic: 100,
      maxPartitions: 200,
      logDir: 'memory',
      brokerConfigs: new Map(),
    }),
    flush: {
      windowBytes: 65_536,
      maxWaitMs: 1,
      uploadSlots: 2,
      putsPerSecond: Number.POSITIVE_INFINITY,
      memoryBytes: 1_000_000,
    },
    cacheBytes: 1_000_000,
    fetchMemoryBytes: 1_000_000,
    groups: {
      initialRebalanceDelayMs: 0,
      minSessionTimeoutMs: 1000,
      maxSessionTimeoutMs: 60_000,
      maxSize: 10,
      offsetsRetentionMs: 604_800_000,
    },
    upkeep: { checkpointEveryMs: 30_000, retentionEveryMs: 300_000, rollUpEveryMs: 30_000, sweepEveryMs: 30_000 },
    traffic: { produced: () => {}, fetched: () => {}, forgetTopic: () => {} },
    ...(peers === undefined ? {} : { peers }),
  }
}

/** Rejects with what Core.start rejects with. `others` may grow later. */
export async function startCore(
  id: number,
  shared: Shared,
  others: readonly TestCore[] = [],
  featureLevel = FEATURE_LEVEL,
): Promise<TestCore> {
  let isCut = false
  const peers: Peers = {
    ask: async (member, name, request, { version }) => {
      const peer = others.find(other => other.core.replica.epoch === member.epoch)
      const answer = isCut ? undefined : await peer?.ask(name, version, request, 'PLAINTEXT')
      if (answer === undefined || answer === null) throw new Error('the peer does not answer')
      return answer
    },
    retain: () => {},
  }
  const core = await shared.clock.until(
    Core.start({ ...coreOptions(id, shared, { featureLevel, peers }), onLost: () => {} }),
  )
  return {
    core,
    wholeMetadata: newMetadataRequest({ topics: null }),
    ask: async (name, version, request, listener) => {
      const handler = core.handlers[name]
      if (handler === undefined) throw new Error(`${name} is not served`)
      return handler(request, { version, clientId: 'test', client: clientOf(listener) })
    },
    cutPeers: () => {
      isCut = true
    },
  }
}

function clientOf(listener: string): Client {
  return {
    listener,
    host: '127.0.0.1',
    gone: new AbortController().signal,
    authentication: withoutSasl(ANONYMOUS),
    access: EVERYTHING,
    quiet: () => {},
    softwareName: '',
    softwareVersion: '',
  }
}
