/**
 * The state machine of one classic group. Members join in rounds; each round makes a generation with one leader, whose
 * assignment is passed on as the leader gave it.
 *
 * State               what holds, and what leads where
 * Empty               No members; there may be offsets, and clients that were given a member id and have yet to return.
 *   -> PreparingRebalance  somebody joins; this first round waits `group.initial.rebalance.delay.ms` for more
 * PreparingRebalance  JoinGroup requests are collected.
 *   -> CompletingRebalance all members joined, or the rebalance timeout passed and those dynamic ones that did not are out
 *   -> Empty               nobody is left; a PutGroup without members is on its way
 * CompletingRebalance All know their generation; SyncGroup requests wait for the leader's, whose assignment goes to the
 *                     ledger as a PutGroup.
 *   -> Stable              the PutGroup was applied; now the syncs are answered
 *   -> PreparingRebalance  a member joins, changes, leaves, dies or does not sync in time; or the ledger failed
 * Stable              Members heartbeat and commit.
 *   -> PreparingRebalance  a member joins, changes, leaves or dies, or the leader joins again
 * Dead                Not in use any more: deleted, or another coordinator has changed the group. Reached from every
 *                     state; whoever waits is answered with an error that makes it look for its coordinator again.
 *
 * What a request means in which state is classic-group.ts.
 */
import type { Clock } from '../clock.ts'
import { errorCode } from '../wire/errors.ts'
import { Deadline } from './deadline.ts'
import type { DurableGroup, GroupImage } from './durable-group.ts'
import { JoinDelay } from './join-delay.ts'
import { Member } from './member.ts'
import { EMPTY, isError, type Joined, joinRefused, type Synced, type SyncRequest, syncRefused } from './requests.ts'
import { Roster } from './roster.ts'
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from './subscription.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface RoundsParts {
  readonly clock: Clock
  /** `group.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number
  readonly onRebalance: (reason: string) => void
  /** The group needs no memory any more: it is empty and durable, or dead. */
  readonly onIdle: () => void
}

/** Between two tries to make it durable that a group has become empty. */
const RETRY_MS = 1000

export class Rounds {
  readonly roster = new Roster()
  readonly #durable: DurableGroup
  readonly #parts: RoundsParts
  readonly #joinDeadline: Deadline
  readonly #syncDeadline: Deadline
  readonly #retry: Deadline
  #state: GroupState = 'Empty'
  #generation = 0
  #protocolType: string | null = null
  #protocol: string | null = null
  #subscribedTopics: ReadonlySet<string> | null = null
  /** While the first round of a group that was empty gives others time to come. */
  #delay: JoinDelay | undefined
  /** Members of the generation that have not sent their SyncGroup. */
  readonly #yetToSync = new Set<string>()

  /** Takes up the group where the ledger has it; its members' sessions start anew. */
  constructor(durable: DurableGroup, parts: RoundsParts) {
    this.#durable = durable
    this.#parts = parts
    this.#joinDeadline = new Deadline(parts.clock, () => this.#completeJoins())
    this.#syncDeadline = new Deadline(parts.clock, () => this.#syncTimePassed())
    this.#retry = new Deadline(parts.clock, () => this.#storeEmpty())
    this.#restore()
  }

  get state(): GroupState {
    return this.#state
  }

  get generation(): number {
    return this.#generation
  }

  /** Null for a group that only ever had offsets. */
  get protocolType(): string | null {
    return this.#protocolType
  }

  get protocol(): string | null {
    return this.#protocol
  }

  /** Of a consumer group, as of the last completed round of joins; null when it cannot be known. */
  get subscribedTopics(): ReadonlySet<string> | null {
    return this.#subscribedTopics
  }

  get isIdle(): boolean {
    return this.#state === 'Empty' && !this.roster.hasPending && !this.#durable.isBusy && !this.#retry.isSet
  }

  newSession(memberId: string): Deadline {
    return new Deadline(this.#parts.clock, () => this.#sessionPassed(memberId))
  }

  /** Takes a new member in; `rebalance` is for the caller to call then. */
  add(member: Member, protocolType: string): void {
    if (this.roster.size === 0) this.#protocolType = protocolType
    this.#delay?.memberJoined()
    this.roster.add(member)
  }

  /** The member is out, and so is whatever it waited for. */
  remove(member: Member): void {
    member.session.clear()
    member.answerJoin(joinRefused(errorCode.UNKNOWN_MEMBER_ID))
    member.answerSync(syncRefused(errorCode.UNKNOWN_MEMBER_ID))
    this.#yetToSync.delete(member.memberId)
    this.roster.remove(member)
  }

  /** A static member goes on under another member id; its former self is fenced. */
  swap(old: Member, successor: Member): void {
    old.session.clear()
    old.answerJoin(joinRefused(errorCode.FENCED_INSTANCE_ID, old.memberId))
    old.answerSync(syncRefused(errorCode.FENCED_INSTANCE_ID))
    this.roster.replace(old, successor)
    if (this.#yetToSync.delete(old.memberId)) this.#yetToSync.add(successor.memberId)
    successor.keepAlive()
  }

  /** Members have joined, changed or gone: begins a round, or ends the one in progress if everybody is there. */
  rebalance(reason: string): void {
    if (this.#state !== 'PreparingRebalance') this.#prepareRebalance(reason)
    // The first round always takes its time.
    else if (this.#delay === undefined && this.roster.allJoined) this.#completeJoins()
  }

  /** An id that was given out is not waited for any longer. */
  pendingIsGone(): void {
    if (this.#state === 'PreparingRebalance') this.rebalance('')
    else this.#tellIfIdle()
  }

  hasSynced(member: Member): void {
    this.#yetToSync.delete(member.memberId)
    if (this.#yetToSync.size === 0) this.#syncDeadline.clear()
  }

  /** The leader's assignment: becomes durable, then the syncs are answered. The first of a generation counts. */
  assign(assignments: SyncRequest['assignments']): void {
    const generation = this.#generation
    const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]))
    const assignmentOf = ({ memberId }: Member) => byMember.get(memberId) ?? EMPTY
    const stands = () => this.#state === 'CompletingRebalance' && this.#generation === generation
    this.store(stands, assignmentOf, code => {
      if (isError(code)) {
        this.#prepareRebalance('the assignment could not be stored', code)
        return
      }
      this.#state = 'Stable'
      for (const member of this.roster.members) {
        member.assignment = assignmentOf(member)
        if (member.answerSync(this.assigned(member))) member.keepAlive()
      }
    })
  }

  /**
   * Makes the group durable as it is when its turn comes. `decided` is not called when it does not stand by then or after:
   * something else has begun meanwhile. A coordinator that was replaced ends the group.
   */
  store(stands: () => boolean, assignmentOf: (member: Member) => Buffer, decided: (code: number) => void): void {
    void this.#durable
      .put(() => (stands() ? this.#image(assignmentOf) : null))
      .then(code => {
        if (code === errorCode.NOT_COORDINATOR) this.die(code)
        if (stands()) decided(code)
      })
  }

  /** What tells the member how its round of joins ended. */
  joined(member: Member): Joined {
    const { leader } = this.roster
    const members = leader === member.memberId ? [...this.roster.members] : []
    return {
      errorCode: errorCode.NONE,
      memberId: member.memberId,
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocol: this.#protocol,
      leader,
      skipAssignment: false,
      members: members.map(one => ({
        memberId: one.memberId,
        groupInstanceId: one.groupInstanceId,
        metadata: one.metadata(this.#protocol),
      })),
    }
  }

  assigned({ assignment }: Member): Synced {
    return {
      errorCode: errorCode.NONE,
      protocolType: this.#protocolType,
      protocol: this.#protocol,
      assignment,
    }
  }

  /** Ends it: whoever waits is told the code. */
  die(code: number): void {
    if (this.#state === 'Dead') return
    this.#state = 'Dead'
    for (const deadline of [this.#joinDeadline, this.#syncDeadline, this.#retry]) deadline.clear()
    this.#delay?.cancel()
    this.roster.clearPending()
    for (const member of this.roster.members) {
      member.session.clear()
      member.answerJoin(joinRefused(code, member.memberId))
      member.answerSync(syncRefused(code))
    }
    this.#parts.onIdle()
  }

  #restore(): void {
    const { current } = this.#durable
    if (current === undefined) return
    this.#generation = current.generation
    this.#protocolType = current.protocolType === '' ? null : current.protocolType
    if (current.members.size > 0) {
      this.#protocol = current.protocol
      for (const facts of current.members.values()) {
        const protocols = [{ name: current.protocol, metadata: facts.subscription }]
        const member = new Member({ ...facts, protocols }, this.newSession(facts.memberId))
        member.assignment = facts.assignment
        this.roster.add(member)
        member.keepAlive()
      }
      this.roster.leader = current.leader
      this.#state = 'Stable'
    }
    this.#subscribedTopics = this.#readSubscriptions()
  }

  #prepareRebalance(reason: string, toSyncs: number = errorCode.REBALANCE_IN_PROGRESS): void {
    const { clock, initialRebalanceDelayMs, onRebalance } = this.#parts
    if (this.#state === 'CompletingRebalance') this.#dropAssignments(toSyncs)
    this.#yetToSync.clear()
    this.#syncDeadline.clear()
    const wasEmpty = this.#state === 'Empty'
    this.#state = 'PreparingRebalance'
    onRebalance(reason)
    if (wasEmpty) {
      const { rebalanceTimeoutMs } = this.roster
      this.#delay = new JoinDelay(clock, initialRebalanceDelayMs, rebalanceTimeoutMs, () => this.#completeJoins())
    } else if (this.roster.allJoined) {
      this.#completeJoins()
    } else {
      this.#joinDeadline.set(this.roster.rebalanceTimeoutMs)
    }
  }

  #completeJoins(): void {
    this.#joinDeadline.clear()
    this.#delay?.cancel()
    this.#delay = undefined
    for (const member of this.roster.members) if (!member.isJoining && !member.isStatic) this.remove(member)
    if (!this.roster.electJoinedLeader() && this.roster.size > 0) {
      // Only static members that did not come back: their sessions decide, or one of them joins.
      this.#joinDeadline.set(this.roster.rebalanceTimeoutMs)
      return
    }
    this.#generation++
    this.#protocol = this.roster.chooseProtocol()
    this.#subscribedTopics = this.#readSubscriptions()
    if (this.roster.size === 0) {
      this.#state = 'Empty'
      this.#storeEmpty()
      return
    }
    this.#state = 'CompletingRebalance'
    for (const member of this.roster.members) {
      member.isNew = false
      this.#yetToSync.add(member.memberId)
      member.keepAlive()
      member.answerJoin(this.joined(member))
    }
    this.#syncDeadline.set(this.roster.rebalanceTimeoutMs)
  }

  #dropAssignments(code: number): void {
    for (const member of this.roster.members) {
      member.assignment = EMPTY
      if (member.answerSync(syncRefused(code))) member.keepAlive()
    }
  }

  #storeEmpty(): void {
    const generation = this.#generation
    const stands = () => this.#state === 'Empty' && this.#generation === generation
    this.store(
      stands,
      () => EMPTY,
      code => {
        if (isError(code)) this.#retry.set(RETRY_MS)
        else this.#tellIfIdle()
      },
    )
  }

  #image(assignmentOf: (member: Member) => Buffer): GroupImage {
    return {
      protocolType: this.#protocolType ?? '',
      protocol: this.#protocol ?? '',
      generation: this.#generation,
      leader: this.roster.leader,
      members: [...this.roster.members].map(member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        subscription: member.metadata(this.#protocol),
        assignment: assignmentOf(member),
      })),
    }
  }

  #tellIfIdle(): void {
    if (this.isIdle) this.#parts.onIdle()
  }

  #readSubscriptions(): ReadonlySet<string> | null {
    if (this.#protocolType !== CONSUMER_PROTOCOL_TYPE) return null
    return subscribedTopics([...this.roster.members].map(member => member.metadata(this.#protocol)))
  }

  #sessionPassed(memberId: string): void {
    const member = this.roster.get(memberId)
    if (this.roster.isPending(memberId)) {
      this.roster.removePending(memberId)
      this.pendingIsGone()
    } else if (member !== undefined && (member.isNew || !member.isWaiting)) {
      this.remove(member)
      this.rebalance(`member ${memberId} was not heard of in ${member.sessionTimeoutMs} ms`)
    }
  }

  #syncTimePassed(): void {
    const late = [...this.#yetToSync].flatMap(memberId => this.roster.get(memberId) ?? [])
    if (late.length === 0) return
    for (const member of late) this.remove(member)
    this.rebalance(`${late.length} members did not sync in time`)
  }
}
