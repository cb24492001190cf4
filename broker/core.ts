/**
 * A broker without sockets: ledger and store below, requests above. broker.ts puts sockets around one; a simulation runs
 * several of them in one process on a virtual clock.
 */

import type { Handlers } from './api/handler.ts'
import { allHandlers } from './api/handlers.ts'
import type { ApiSettings, DiskSpace, Traffic } from './api/parts.ts'
import type { Clock } from './clock.ts'
import { BlockCache } from './data/block-cache.ts'
import { ExtentReader } from './data/extent-reader.ts'
import { FetchBudget } from './data/fetch-budget.ts'
import { FetchSessions } from './data/fetch-sessions.ts'
import type { FlushLimits } from './data/flush-policy.ts'
import { Ingest } from './data/ingest.ts'
import { LogReader } from './data/log-reader.ts'
import { LongPolls } from './data/long-poll.ts'
import { TimestampIndex } from './data/timestamp-index.ts'
import { GroupCoordinator, type GroupSettings } from './groups/coordinator.ts'
import type { Ledger } from './ledger/ledger.ts'
import { Replica } from './ledger/replica.ts'
import type { ObjectStore } from './objects/object-store.ts'
import type { Logger } from './observe/logger.ts'
import { type BrokerInfo, writeBrokerInfo } from './state/commands.gen.ts'
import { FEATURE_LEVEL } from './state/commands.ts'
import { decodeSnapshot } from './state/snapshot.ts'
import { checkpoint } from './upkeep/checkpoint.ts'
import { expireOffsets } from './upkeep/offset-expiry.ts'
import { dueTrims } from './upkeep/retention.ts'
import { defaultRollUpLimits, type RollUpLimits, rollUp } from './upkeep/roll-up.ts'
import { forgetSessions, sweepDead, sweepOrphans } from './upkeep/sweep.ts'
import { Upkeep } from './upkeep/upkeep.ts'
import { Writer } from './wire/writer.ts'

/** Where randomness comes from: the operating system in a broker, a seed in a simulation. */
export interface RandomSource {
  /** Sixteen bytes as 22 base64url characters, never one of Kafka's reserved ids. */
  uuid(): string
  /** A whole number from 1 to `max`, both included. */
  int(max: number): number
}

export interface UpkeepSettings {
  readonly checkpointEveryMs: number
  readonly retentionEveryMs: number
  readonly rollUpEveryMs: number
  readonly sweepEveryMs: number
  readonly rollUp?: RollUpLimits
}

export interface CoreOptions {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly store: ObjectStore
  readonly random: RandomSource
  readonly log: Logger
  readonly info: BrokerInfo
  /** First component of every object key. */
  readonly prefix: string
  readonly api: ApiSettings
  readonly flush: FlushLimits
  readonly cacheBytes: number
  /** For the records of all fetch answers in progress. */
  readonly fetchMemoryBytes: number
  readonly groups: GroupSettings
  readonly upkeep: UpkeepSettings
  readonly traffic: Traffic
  /** Of the place of the data; unknown when left out. */
  readonly diskSpace?: () => Promise<DiskSpace>
  /** The position that every live broker has applied: what is dead before it may be deleted. */
  readonly appliedByAll?: () => number
  readonly onLost: (cause: Error) => void
  readonly onAppend?: (ms: number, bytes: number) => void
  readonly onAppendFailed?: () => void
}

/** The ledger belongs to objects under another prefix: under this one none of them would be found. */
export class WrongPrefix extends Error {
  override readonly name = 'WrongPrefix'
  constructor(recorded: string, given: string) {
    super(`the records of this ledger are stored under "${recorded}", not under "${given}"`)
  }
}

export class Core {
  readonly replica: Replica
  readonly cache: BlockCache
  readonly groups: GroupCoordinator
  readonly handlers: Handlers
  readonly #options: CoreOptions
  readonly #ingest: Ingest
  readonly #upkeep: Upkeep
  readonly #sweptSessions = new Set<number>()
  #objects = 0
  #stopping = false

  /** Catches up with the ledger, opens a session, and starts upkeep. */
  static async start(options: CoreOptions): Promise<Core> {
    const { ledger, store, clock, onLost, onAppend, onAppendFailed } = options
    const info = new Writer()
    writeBrokerInfo(info, options.info, 0)
    const replica = await Replica.start({
      ledger,
      clock,
      info: Buffer.concat(info.finish().buffers),
      loadSnapshot: async key => decodeSnapshot(await store.get(key)),
      onLost,
      ...(onAppend === undefined ? {} : { onAppend }),
      ...(onAppendFailed === undefined ? {} : { onAppendFailed }),
    })
    const { clusterId, prefix } = replica.state
    if (clusterId !== '' && prefix !== options.prefix) {
      await replica.stop()
      throw new WrongPrefix(prefix, options.prefix)
    }
    const core = new Core(options, replica)
    await core.#nameCluster()
    core.groups.resume()
    core.#startUpkeep()
    return core
  }

  private constructor(options: CoreOptions, replica: Replica) {
    const { clock, store, prefix, random } = options
    this.#options = options
    this.replica = replica
    this.cache = new BlockCache(options.cacheBytes)
    const nextObjectNumber = (): number => ++this.#objects
    const extents = new ExtentReader({
      state: () => replica.state,
      store,
      cache: this.cache,
      prefix,
      onUnreadable: (key, cause) => options.log.error({ key, error: String(cause) }, 'records cannot be read'),
    })
    const longPolls = new LongPolls(clock)
    replica.onApplied(applied => {
      longPolls.onApplied(applied)
      for (const topic of applied.deletedTopics) options.traffic.forgetTopic(topic)
    })
    this.#ingest = new Ingest({
      clock,
      replica,
      store,
      cache: this.cache,
      prefix,
      limits: options.flush,
      nextObjectNumber,
    })
    this.groups = new GroupCoordinator({
      replica,
      clock,
      log: options.log,
      newMemberId: name => `${name}-${random.uuid()}`,
      settings: options.groups,
    })
    this.#upkeep = new Upkeep(clock, options.log)
    this.handlers = allHandlers({
      settings: options.api,
      clock,
      replica,
      ingest: this.#ingest,
      reader: new LogReader(extents),
      timestamps: new TimestampIndex(extents),
      longPolls,
      fetchBudget: new FetchBudget(options.fetchMemoryBytes),
      fetchSessions: new FetchSessions(clock, () => random.int(2147483647)),
      groups: this.groups,
      traffic: options.traffic,
      diskSpace: options.diskSpace ?? (async () => ({ totalBytes: -1, usableBytes: -1 })),
      newTopicId: () => random.uuid(),
    })
  }

  /** Lets go of the members that wait for a rebalance; call it before the sockets are drained, which waits for answers. */
  beginStop(): void {
    this.#stopping = true
    this.groups.stop()
  }

  /** Makes durable what waits for company, so that who sent it is answered now. */
  async flush(): Promise<void> {
    await this.#ingest.drain()
  }

  /** Finishes what was taken, writes a checkpoint, and ends the session. Ledger and store stay open: they are not ours. */
  async stop(): Promise<void> {
    await this.#upkeep.stop()
    await this.#ingest.drain()
    await this.#checkpoint().catch((cause: unknown) => {
      this.#options.log.warn(
        { error: String(cause) },
        'no checkpoint was written at the end; the next start takes longer',
      )
    })
    await this.replica.stop()
  }

  async #nameCluster(): Promise<void> {
    const { state } = this.replica
    if (state.clusterId !== '') return
    const body = { clusterId: this.#options.random.uuid(), prefix: this.#options.prefix }
    // The name comes last: a crash in between leaves a cluster without one, and the next start does all of it again.
    await this.replica.submit({ type: 'raiseFeatureLevel', body: { level: FEATURE_LEVEL } })
    await this.replica.submit({ type: 'initCluster', body })
  }

  #startUpkeep(): void {
    const { upkeep, store, prefix } = this.#options
    const { replica } = this
    const nextObjectNumber = (): number => ++this.#objects
    const limits = upkeep.rollUp ?? defaultRollUpLimits
    const rollUpParts = { replica, store, prefix, limits, nextObjectNumber, unreadable: new Set<number>() }
    this.#upkeep.start([
      { name: 'checkpoint', everyMs: upkeep.checkpointEveryMs, run: () => this.#checkpoint() },
      { name: 'retention', everyMs: upkeep.retentionEveryMs, run: () => this.#retain() },
      { name: 'offset-expiry', everyMs: upkeep.retentionEveryMs, run: () => this.#expireOffsets() },
      {
        name: 'roll-up',
        everyMs: upkeep.rollUpEveryMs,
        run: async () => {
          while (!this.#stopping && (await rollUp(rollUpParts)) > 0) await this.#sweep()
        },
      },
      { name: 'sweep', everyMs: upkeep.sweepEveryMs, run: () => this.#sweep() },
    ])
  }

  async #checkpoint(): Promise<void> {
    const { ledger, store, prefix } = this.#options
    await checkpoint({ ledger, replica: this.replica, store, prefix })
  }

  async #retain(): Promise<void> {
    const partitions = dueTrims(this.replica.state, this.#options.clock.now())
    if (partitions.length > 0) await this.replica.submit({ type: 'trim', body: { partitions } })
  }

  async #expireOffsets(): Promise<void> {
    await expireOffsets({
      replica: this.replica,
      groups: this.groups,
      now: this.#options.clock.now(),
      retentionMs: this.#options.groups.offsetsRetentionMs,
    })
  }

  async #sweep(): Promise<void> {
    const { store, prefix, appliedByAll } = this.#options
    const { replica } = this
    const parts = { replica, store, prefix, appliedByAll: appliedByAll ?? (() => this.#appliedByThisOne()) }
    while ((await sweepDead(parts)) > 0);
    const epochs = [...replica.state.closedSessions.keys()].filter(epoch => !this.#sweptSessions.has(epoch))
    await sweepOrphans(parts, epochs)
    for (const epoch of epochs) this.#sweptSessions.add(epoch)
    await forgetSessions(parts, this.#sweptSessions)
  }

  /** Without knowledge of others only a broker that is alone may delete. */
  #appliedByThisOne(): number {
    const { state } = this.replica
    return state.sessions.size === 1 ? state.position : 0
  }
}
