/**
 * The cluster state: what all ledger events up to a position amount to.
 *
 * `apply` is a pure function of state and event: no clock, no randomness, no input or output. Time is state time, the
 * highest clock reading of any entry applied. Two brokers that have applied the same events hold the same state and the
 * same `digest`. An event at or before `position` is ignored, as is an entry whose (epoch, number) was seen, so delivering
 * twice does no harm; a gap in a session's numbers throws LedgerGap, because then events were lost.
 */
import { errorCode } from '../wire/errors.ts'
import { applyAppend, applyReplace } from './apply-data.ts'
import { applyGroupCommand } from './apply-groups.ts'
import { applyTopicCommand } from './apply-topics.ts'
import { Catalog } from './catalog.ts'
import type { InitCluster } from './commands.gen.ts'
import { type Command, decodeEntry, FEATURE_LEVEL, TooNew } from './commands.ts'
import { mixDigest } from './digest.ts'
import { Groups } from './groups.ts'
import { members } from './members.ts'
import { ObjectTable } from './objects.ts'
import { type Applied, Changes, DONE, type Outcome, refused } from './outcome.ts'
import { Security } from './security.ts'

/** A broker's life: open while its key exists in the ledger. */
export interface Session {
  readonly epoch: number
  readonly info: Buffer
  /** Number of the last entry applied. */
  lastNumber: number
}

/** One ledger event as the state needs it; the ledger room's events have this shape. */
export type StateEvent =
  | {
      readonly kind: 'entry'
      readonly position: number
      readonly epoch: number
      readonly number: number
      readonly payload: Buffer
    }
  | { readonly kind: 'session-opened'; readonly position: number; readonly epoch: number; readonly info: Buffer }
  | { readonly kind: 'session-closed'; readonly position: number; readonly epoch: number }

/** Entries of a session are missing: the stream cannot be trusted, read it again. */
export class LedgerGap extends Error {
  override readonly name = 'LedgerGap'
}

/** `producer.id.expiration.ms`, Kafka's default. */
const PRODUCER_EXPIRATION_MS = 86_400_000
/** Idle producers are looked for whenever state time passes a multiple of this. */
const EXPIRY_STEP_MS = 60_000

export class ClusterState {
  readonly catalog = new Catalog()
  readonly objects = new ObjectTable()
  readonly groups = new Groups()
  readonly security = new Security()
  readonly sessions = new Map<number, Session>()
  /** Closed sessions whose orphans may still be in the store -> state time at which each closed. */
  readonly closedSessions = new Map<number, number>()
  position = 0
  /** State time, ms since 1970. */
  time = 0
  clusterId = ''
  /** First component of all object keys. */
  prefix = ''
  featureLevel = 0
  nextProducerId = 0
  /** Rolling hash over events and verdicts, an unsigned 32-bit number. */
  digest = 0
  readonly #knownLevel: number

  /** `knownLevel`: the highest feature level that can be applied; above it `apply` throws TooNew. */
  constructor(knownLevel = FEATURE_LEVEL) {
    this.#knownLevel = knownLevel
  }

  apply(event: StateEvent): Applied {
    const changes = new Changes()
    if (event.position <= this.position) return changes
    this.position = event.position
    changes.members = event.kind !== 'entry'
    if (event.kind === 'entry') this.#applyEntry(event.epoch, event.number, event.payload, changes)
    else if (event.kind === 'session-opened') this.#openSession(event.epoch, event.info)
    else this.#closeSession(event.epoch)
    const sizes = [this.objects.live.size, this.objects.dead.size, this.sessions.size, ...this.security.sizes]
    this.digest = mixDigest(this.digest, event.position, changes.outcomes, sizes)
    return changes
  }

  #openSession(epoch: number, info: Buffer): void {
    // What came may be a slice of a whole ledger file, which must not live as long as the session.
    this.sessions.set(epoch, { epoch, info: Buffer.from(info), lastNumber: 0 })
  }

  #closeSession(epoch: number): void {
    if (this.sessions.delete(epoch)) this.closedSessions.set(epoch, this.time)
  }

  #applyEntry(epoch: number, number: number, payload: Buffer, changes: Changes): void {
    const session = this.sessions.get(epoch)
    if (session === undefined) throw new LedgerGap(`an entry of session ${epoch}, which is not open`)
    if (number <= session.lastNumber) return
    if (number !== session.lastNumber + 1) {
      throw new LedgerGap(`session ${epoch}: entry ${number} follows ${session.lastNumber}`)
    }
    session.lastNumber = number
    const entry = decodeEntry(payload, this.#knownLevel)
    const before = this.time
    this.time = Math.max(this.time, entry.clock)
    if (Math.floor(before / EXPIRY_STEP_MS) !== Math.floor(this.time / EXPIRY_STEP_MS)) this.#expire()
    for (const command of entry.commands) changes.outcomes.push(this.#applyCommand(command, epoch, changes))
  }

  #applyCommand(command: Command, epoch: number, changes: Changes): Outcome {
    switch (command.type) {
      case 'initCluster':
        this.#initCluster(command.body)
        return DONE
      case 'raiseFeatureLevel':
        return this.#raiseFeatureLevel(command.body.level)
      case 'allocateProducerIds':
        return this.#allocateProducerIds(command.body.count)
      case 'forgetObjects':
        this.objects.forget(command.body.handles)
        for (const epoch of command.body.sessions) this.closedSessions.delete(epoch)
        return DONE
      case 'alterScram':
        return this.security.alterScram(command.body)
      case 'alterAcls':
        return this.security.alterAcls(command.body)
      case 'alterQuotas':
        return this.security.alterQuotas(command.body)
      case 'append':
        return applyAppend(this, command.body, epoch, changes)
      case 'replace':
        return applyReplace(this, command.body, epoch)
      case 'createTopic':
      case 'deleteTopic':
      case 'growTopic':
      case 'alterConfigs':
      case 'trim':
        return applyTopicCommand(this, command, changes)
      default:
        return applyGroupCommand(this, command, epoch)
    }
  }

  #initCluster({ clusterId, prefix }: InitCluster): void {
    if (this.clusterId !== '') return
    this.clusterId = clusterId
    this.prefix = prefix
  }

  /** Only to what every member knows, so that nobody is left behind. */
  #raiseFeatureLevel(level: number): Outcome {
    if (level <= this.featureLevel) return DONE
    if (members(this).some(member => member.featureLevel < level)) return refused(errorCode.INVALID_UPDATE_VERSION)
    if (level > this.#knownLevel) throw new TooNew(level, this.#knownLevel)
    this.featureLevel = level
    return DONE
  }

  #allocateProducerIds(count: number): Outcome {
    if (count <= 0) return refused(errorCode.INVALID_REQUEST)
    const firstProducerId = this.nextProducerId
    this.nextProducerId += count
    return { ...DONE, firstProducerId }
  }

  #expire(): void {
    for (const topic of this.catalog.byId.values()) {
      for (const log of topic.partitions) log.producers.forgetIdleSince(this.time - PRODUCER_EXPIRATION_MS)
    }
  }
}
