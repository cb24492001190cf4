/**
 * A broker without sockets: ledger and store below, requests above. broker.ts puts sockets around one; a simulation runs
 * several of them in one process on a virtual clock.
 */

import { coordinates } from './api/brokers.ts'
import type { Peers } from './api/forwarding.ts'
import type { Handlers } from './api/handler.ts'
import { allHandlers } from './api/handlers.ts'
import type { ApiSettings, DiskSpace, Traffic } from './api/parts.ts'
import { type Clock, sleep } from './clock.ts'
import { BlockCache } from './data/block-cache.ts'
import { ExtentReader } from './data/extent-reader.ts'
import { FetchBudget } from './data/fetch-budget.ts'
import { FetchSessions } from './data/fetch-sessions.ts'
import type { FlushLimits } from './data/flush-policy.ts'
import type { Gaps } from './data/gaps.ts'
import { Ingest } from './data/ingest.ts'
import { LogReader } from './data/log-reader.ts'
import { LongPolls } from './data/long-poll.ts'
import { TimestampIndex } from './data/timestamp-index.ts'
import { GroupCoordinator, type GroupSettings } from './groups/coordinator.ts'
import type { Ledger } from './ledger/ledger.ts'
import { Replica } from './ledger/replica.ts'
import { LedgerWentBack, type StoredState } from './ledger/restorable.ts'
import type { ObjectStore } from './objects/object-store.ts'
import type { Logger } from './observe/logger.ts'
import { Quotas } from './security/quotas.ts'
import type { ClusterState } from './state/cluster-state.ts'
import { type BrokerInfo, writeBrokerInfo } from './state/commands.gen.ts'
import { members, rendezvous } from './state/members.ts'
import { decodeSnapshot } from './state/snapshot.ts'
import { checkpoint, listSnapshots } from './upkeep/checkpoint.ts'
import { checkClusterMarker, ForeignObjects, putClusterMarker } from './upkeep/cluster-marker.ts'
import { findLoss } from './upkeep/lost-objects.ts'
import { expireOffsets } from './upkeep/offset-expiry.ts'
import { appliedByAll, audit, ProgressReports, progressOfOthers } from './upkeep/progress.ts'
import { dueTrims } from './upkeep/retention.ts'
import { folderRollUpLimits, type RollUpLimits, rollUp } from './upkeep/roll-up.ts'
import { forgetSessions, SweptSessions, sweepDead, sweepOrphans } from './upkeep/sweep.ts'
import { type JobReport, MORE_TO_DO, Upkeep } from './upkeep/upkeep.ts'
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
  /** The id to live under; the lowest that is free when left out. */
  readonly brokerId?: number | undefined
  readonly info: Omit<BrokerInfo, 'brokerId'>
  /** First component of every object key. */
  readonly prefix: string
  readonly api: (brokerId: number) => ApiSettings
  readonly flush: FlushLimits
  readonly gaps: Gaps
  readonly cacheBytes: number
  /** For the records of all fetch answers in progress. */
  readonly fetchMemoryBytes: number
  readonly groups: GroupSettings
  readonly upkeep: UpkeepSettings
  readonly traffic: Traffic
  /** How other brokers are reached, where requests are passed on. */
  readonly peers?: Peers
  /** Of the place of the data; unknown when left out. */
  readonly diskSpace?: () => Promise<DiskSpace>
  readonly onLost: (cause: Error) => void
  readonly onAppend?: (ms: number, bytes: number) => void
  readonly onAppendFailed?: () => void
  readonly onUpkeep?: (report: JobReport) => void
  /** Told whenever the brokers compared their states. */
  readonly onAudit?: (agree: boolean) => void
  readonly onThrottled?: (kind: string, ms: number) => void
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
  readonly quotas: Quotas
  readonly #options: CoreOptions
  readonly #ingest: Ingest
  readonly #fetchBudget: FetchBudget
  readonly #upkeep: Upkeep
  readonly #progress: ProgressReports
  readonly #swept = new SweptSessions()
  #lastCheckpoint: number | undefined
  #missedTurns = 0
  #objects = 0

  /** Catches up with the ledger, opens a session, and starts upkeep. */
  static async start(options: CoreOptions): Promise<Core> {
    const { ledger, store, clock, info, brokerId, onLost, onAppend, onAppendFailed } = options
    const problem = await recoverLedger(options)
    const replica = await Replica.start({
      ledger,
      clock,
      brokerId,
      describe: id => encodeInfo({ ...info, brokerId: id }),
      knownLevel: info.featureLevel,
      loadSnapshot: async key => decodeSnapshot(await store.get(key), info.featureLevel),
      admit: async state => {
        await admit(state, options)
        // That they belong to different clusters would say more.
        if (problem !== undefined) throw problem
      },
      onLost,
      ...(onAppend === undefined ? {} : { onAppend }),
      ...(onAppendFailed === undefined ? {} : { onAppendFailed }),
    })
    const core = new Core(options, replica)
    try {
      await core.#nameCluster()
    } catch (cause) {
      await replica.stop().catch(() => {})
      throw cause
    }
    core.groups.resume()
    core.#startUpkeep()
    return core
  }

  private constructor(options: CoreOptions, replica: Replica) {
    const { clock, store, prefix, random, onThrottled } = options
    this.#options = options
    this.replica = replica
    this.cache = new BlockCache(options.cacheBytes)
    this.#fetchBudget = new FetchBudget(options.fetchMemoryBytes)
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
      if (!applied.members) return
      this.groups.resume()
      options.peers?.retain(new Set(replica.state.sessions.keys()))
    })
    this.#ingest = new Ingest({
      clock,
      replica,
      store,
      cache: this.cache,
      prefix,
      limits: options.flush,
      gaps: options.gaps,
      nextObjectNumber,
    })
    this.groups = new GroupCoordinator({
      replica,
      clock,
      log: options.log,
      newMemberId: name => `${name}-${random.uuid()}`,
      settings: options.groups,
      coordinates: groupId => coordinates(replica, groupId),
    })
    const known = () => ({ version: replica.state.security.quotasVersion, all: replica.state.security.quotas })
    this.quotas = new Quotas({ clock, quotas: known, ...(onThrottled === undefined ? {} : { onThrottled }) })
    this.#progress = new ProgressReports({ ledger: options.ledger, replica, clock, log: options.log })
    this.#upkeep = new Upkeep(clock, options.log, options.onUpkeep)
    this.handlers = allHandlers({
      settings: options.api(replica.brokerId),
      clock,
      replica,
      ingest: this.#ingest,
      reader: new LogReader(extents),
      timestamps: new TimestampIndex(extents),
      longPolls,
      fetchBudget: this.#fetchBudget,
      fetchSessions: new FetchSessions(clock, () => random.int(2147483647)),
      groups: this.groups,
      peers: options.peers ?? noPeers,
      quotas: this.quotas,
      audit: note => options.log.info({ audit: 'change', ...note }, 'changed'),
      traffic: options.traffic,
      diskSpace: options.diskSpace ?? (async () => ({ totalBytes: -1, usableBytes: -1 })),
      newTopicId: () => random.uuid(),
    })
  }

  /** Bytes of fetch answers in progress. */
  get fetchBytes(): number {
    return this.#fetchBudget.used
  }

  /** Lets go of the members that wait for a rebalance; call it before the sockets are drained, which waits for answers. */
  beginStop(): void {
    this.groups.stop()
  }

  /** Makes durable what waits for company, so that who sent it is answered now. */
  async flush(): Promise<void> {
    await this.#ingest.drain()
  }

  /** Of a broker that was lost: ends what runs by itself. What it has taken is refused or was already decided. */
  async abandon(): Promise<void> {
    this.beginStop()
    this.#progress.stop()
    await this.#upkeep.stop()
  }

  /** Finishes what was taken, writes a checkpoint, and ends the session. Ledger and store stay open: they are not ours. */
  async stop(): Promise<void> {
    this.#progress.stop()
    await this.#upkeep.stop()
    await this.#ingest.drain()
    // Others have their own turns.
    if (this.replica.state.sessions.size === 1) await this.#finalCheckpoint()
    await this.replica.stop()
  }

  async #finalCheckpoint(): Promise<void> {
    await this.#checkpoint().catch((cause: unknown) => {
      this.#options.log.warn(
        { error: String(cause) },
        'no checkpoint was written at the end; the next start takes longer',
      )
    })
  }

  async #nameCluster(): Promise<void> {
    const { replica } = this
    const { store, prefix, random } = this.#options
    // Several brokers of a new cluster may do this at the same time: the first name in the ledger counts.
    if (replica.state.clusterId === '') {
      await this.#raiseFeatureLevel()
      await replica.submit({ type: 'initCluster', body: { clusterId: random.uuid(), prefix } })
    }
    await putClusterMarker(store, prefix, replica.state.clusterId)
  }

  /** To what all members know: the end of a rolling upgrade. */
  async #raiseFeatureLevel(): Promise<void> {
    const { state } = this.replica
    const level = Math.min(...members(state).map(member => member.featureLevel))
    if (level > state.featureLevel) await this.replica.submit({ type: 'raiseFeatureLevel', body: { level } })
  }

  #startUpkeep(): void {
    const { upkeep, store, prefix } = this.#options
    const { replica } = this
    const nextObjectNumber = (): number => ++this.#objects
    const limits = upkeep.rollUp ?? folderRollUpLimits
    const rollUpParts = { replica, store, prefix, limits, nextObjectNumber, unreadable: new Set<number>() }
    this.#progress.start()
    this.#upkeep.start([
      { name: 'checkpoint', everyMs: upkeep.checkpointEveryMs, run: () => this.#checkpointInTurn() },
      { name: 'retention', everyMs: upkeep.retentionEveryMs, run: () => this.#ifOwn('retention', this.#retain) },
      { name: 'offset-expiry', everyMs: upkeep.retentionEveryMs, run: () => this.#expireOffsets() },
      {
        name: 'feature-level',
        everyMs: upkeep.sweepEveryMs,
        run: () => this.#ifOwn('feature-level', this.#raiseFeatureLevel),
      },
      {
        name: 'roll-up',
        everyMs: upkeep.rollUpEveryMs,
        run: () => this.#ifOwn('roll-up', async () => ((await rollUp(rollUpParts)) > 0 ? MORE_TO_DO : undefined)),
      },
      { name: 'sweep', everyMs: upkeep.sweepEveryMs, run: () => this.#auditAndSweep() },
      { name: 'loss', everyMs: upkeep.sweepEveryMs, run: () => this.#ifOwn('loss', this.#lookForLoss) },
    ])
  }

  /**
   * Each job is one member's, so that no work is done twice; whose, all members at the same position agree on. Two may
   * still do it at once, which is why nothing relies on it.
   */
  async #ifOwn(job: string, run: () => Promise<unknown>): Promise<unknown> {
    const { replica } = this
    if (rendezvous(job, members(replica.state))?.brokerId === replica.brokerId) return run.call(this)
    return undefined
  }

  /** A broker whose turn it is may not reach the store: when nothing has happened for some turns, others do it. */
  async #checkpointInTurn(): Promise<void> {
    const last = await this.#options.ledger.checkpoint()
    this.#missedTurns = last?.position === this.#lastCheckpoint ? this.#missedTurns + 1 : 0
    this.#lastCheckpoint = last?.position
    if (this.#missedTurns > PATIENT_TURNS) await this.#checkpoint()
    else await this.#ifOwn('checkpoint', this.#checkpoint)
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

  async #auditAndSweep(): Promise<void> {
    const { ledger, clock, log } = this.#options
    const parts = { ledger, replica: this.replica, clock, log }
    // A broker that joins after this moment begins behind this position.
    const { position } = this.replica.state
    const others = await progressOfOthers(parts)
    const agree = audit(parts, others)
    this.#options.onAudit?.(agree)
    if (!agree) return
    await this.#ifOwn('sweep', () => this.#sweep(appliedByAll(position, others)))
  }

  async #sweep(applied: number): Promise<void> {
    const { store, prefix, clock, ledger } = this.#options
    const { replica } = this
    // A ledger that may be put back comes back to its newest checkpoint: what that names has to be there.
    const kept = ledger.restorable === undefined ? applied : ((await ledger.checkpoint())?.position ?? 0)
    const parts = { replica, store, prefix, appliedByAll: Math.min(applied, kept) }
    while ((await sweepDead(parts)) > 0);
    const now = clock.monotonic()
    // What sessions of a life that is over have left may have been acknowledged.
    const over = (await ledger.restorable?.recovered())?.position ?? 0
    const epochs = this.#swept.due(replica.state, now).filter(epoch => epoch > over)
    await sweepOrphans(parts, epochs)
    this.#swept.swept(epochs, now)
    this.#swept.forget(await forgetSessions(parts, epochs))
  }

  /** Once after the ledger was put back to an older copy. */
  async #lookForLoss(): Promise<void> {
    const { store, prefix, ledger, log } = this.#options
    const recovered = await ledger.restorable?.recovered()
    if (recovered === undefined || recovered.loss !== undefined) return
    const loss = await findLoss({ state: this.replica.state, store, prefix, position: recovered.position })
    await ledger.restorable?.noteLoss(recovered, loss)
    log.error({ ...recovered, loss }, 'the ledger was restored from an older copy: records that nothing names are kept')
  }
}

/** Turns without a new checkpoint before a broker takes the turn of another. */
const PATIENT_TURNS = 3

const noPeers: Peers = {
  ask: () => Promise.reject(new Error('other brokers cannot be reached')),
  retain: () => {},
}

/** Between two looks at a ledger that may be about to tell of its cluster, and how often to look, ms. */
const NAMING_MS = 200
const NAMING_LOOKS = 25

/** Throws when ledger and objects are of different clusters. */
async function admit(state: ClusterState, { clock, store, prefix }: CoreOptions): Promise<void> {
  if (state.clusterId !== '' && state.prefix !== prefix) throw new WrongPrefix(state.prefix, prefix)
  for (let look = 1; ; look++) {
    try {
      await checkClusterMarker(store, prefix, state.clusterId)
      return
    } catch (cause) {
      // Another broker of the same new cluster may have named it just now, which the ledger is about to tell.
      if (!(cause instanceof ForeignObjects) || state.clusterId !== '' || look === NAMING_LOOKS) throw cause
      await sleep(clock, NAMING_MS)
    }
  }
}

/** Resolves with why the ledger cannot be used, if so. */
async function recoverLedger({ ledger, store, prefix, info }: CoreOptions): Promise<LedgerWentBack | undefined> {
  if (ledger.restorable === undefined) return undefined
  const snapshots = await listSnapshots(store, prefix)
  const checkpoint = snapshots.at(-1)
  const newest: StoredState | undefined = checkpoint && {
    checkpoint,
    read: async () => {
      const { sessions, time } = decodeSnapshot(await store.get(checkpoint.snapshot), info.featureLevel)
      return { openSessions: [...sessions.keys()], time }
    },
    has: snapshot => snapshots.some(one => one.snapshot === snapshot),
  }
  try {
    await ledger.restorable.recover(newest)
    return undefined
  } catch (cause) {
    if (cause instanceof LedgerWentBack) return cause
    throw cause
  }
}

function encodeInfo(info: BrokerInfo): Buffer {
  const writer = new Writer()
  writeBrokerInfo(writer, info, 0)
  return Buffer.concat(writer.finish().buffers)
}
