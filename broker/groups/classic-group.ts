/**
 * A classic consumer group: what a member's request means in each state of the group (rounds.ts). Requests are decided in
 * the order of the calls, before anything is awaited. The rules are those of Apache Kafka's group coordinator; where it
 * leaves a superseded request without an answer, this answers it with an error that makes the client try again.
 */
import { errorCode } from '../wire/errors.ts'
import type { DurableGroup } from './durable-group.ts'
import { Member } from './member.ts'
import {
  type Identity,
  type InGeneration,
  isError,
  type Joined,
  type JoinRequest,
  joinRefused,
  type Synced,
  type SyncRequest,
  syncRefused,
} from './requests.ts'
import type { Roster } from './roster.ts'
import { type GroupState, Rounds, type RoundsParts } from './rounds.ts'
import { CONSUMER_PROTOCOL_TYPE } from './subscription.ts'

export interface GroupParts extends RoundsParts {
  /** `group.max.size` */
  readonly maxSize: number
  /** A member id that nobody else has; it begins with the name given. */
  readonly newMemberId: (name: string) => string
}

/** A client whose first JoinGroup waited that long has surely given up on it; `group.new.member.join.timeout.ms`. */
const NEW_MEMBER_TIMEOUT_MS = 300_000

type AnswerJoin = (joined: Joined) => void

export class ClassicGroup {
  readonly groupId: string
  readonly durable: DurableGroup
  readonly #rounds: Rounds
  readonly #roster: Roster
  readonly #parts: GroupParts

  /** Takes up the group where the ledger has it; its members' sessions start anew. */
  constructor(groupId: string, durable: DurableGroup, parts: GroupParts) {
    this.groupId = groupId
    this.durable = durable
    this.#parts = parts
    this.#rounds = new Rounds(durable, parts)
    this.#roster = this.#rounds.roster
    if (this.#roster.size > parts.maxSize) this.#rounds.rebalance('the group is larger than it may be')
  }

  get state(): GroupState {
    return this.#rounds.state
  }

  get protocolType(): string {
    return this.#rounds.protocolType ?? ''
  }

  get protocol(): string {
    return this.#rounds.protocol ?? ''
  }

  get members(): Iterable<Member> {
    return this.#roster.members
  }

  get isIdle(): boolean {
    return this.#rounds.isIdle
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  /** Of a consumer group, as of its last completed round of joins; null when it cannot be known. */
  get subscribedTopics(): ReadonlySet<string> | null {
    return this.#rounds.subscribedTopics
  }

  join(request: JoinRequest): Promise<Joined> {
    return new Promise(resolve => this.#join(request, resolve))
  }

  sync(request: SyncRequest): Promise<Synced> {
    const code = this.#syncProblem(request)
    const member = this.#roster.get(request.memberId)
    if (isError(code) || member === undefined) return Promise.resolve(syncRefused(code))
    this.#rounds.hasSynced(member)
    if (this.state === 'Stable') return Promise.resolve(this.#rounds.assigned(member))
    return new Promise(resolve => {
      member.waitForSync(resolve)
      if (this.#roster.leader === member.memberId) this.#rounds.assign(request.assignments)
    })
  }

  heartbeat(request: InGeneration): number {
    const code = this.#problemInGeneration(request)
    if (isError(code)) return code
    this.#roster.get(request.memberId)?.keepAlive()
    return this.state === 'PreparingRebalance' ? errorCode.REBALANCE_IN_PROGRESS : errorCode.NONE
  }

  /** One error code for each that leaves, in their order. */
  leave(leaving: readonly Identity[]): number[] {
    const before = this.#roster.size
    const codes = leaving.map(one => this.#leave(one))
    if (this.#roster.size < before) this.#rounds.rebalance('members left')
    else this.#rounds.pendingIsGone()
    return codes
  }

  /** May this member commit now? A commit also shows that it is alive. */
  commitProblem(request: InGeneration): number {
    const { generation, memberId, groupInstanceId } = request
    if (generation < 0 && this.state === 'Empty') return errorCode.NONE
    const code = this.#problemInGeneration({ generation, memberId, groupInstanceId })
    if (isError(code)) return code
    // Its members know the generation, but they own nothing of it before its assignment is durable.
    if (this.durable.current?.generation !== generation) return errorCode.REBALANCE_IN_PROGRESS
    this.#roster.get(memberId)?.keepAlive()
    return errorCode.NONE
  }

  die(code: number): void {
    this.#rounds.die(code)
  }

  #join(request: JoinRequest, answer: AnswerJoin): void {
    const { memberId, groupInstanceId } = request
    if (!this.#hasRoomFor(memberId)) {
      const member = this.#roster.get(memberId)
      if (member !== undefined) this.#rounds.remove(member)
      this.#roster.removePending(memberId)
      answer(joinRefused(errorCode.GROUP_MAX_SIZE_REACHED))
    } else if (!this.#supports(request)) {
      answer(joinRefused(errorCode.INCONSISTENT_GROUP_PROTOCOL, memberId))
    } else if (memberId === '') {
      this.#joinNew(request, answer)
    } else if (groupInstanceId === null && this.#roster.isPending(memberId)) {
      this.#add(memberId, request, answer)
    } else {
      this.#joinAgain(request, answer)
    }
  }

  /** While joins are collected those count that have joined, so that a group that is too large sheds the last to come. */
  #hasRoomFor(memberId: string): boolean {
    const { maxSize } = this.#parts
    const member = this.#roster.get(memberId)
    if (this.state === 'Empty') return true
    if (this.state === 'PreparingRebalance') return member?.isJoining === true || this.#roster.joining < maxSize
    return member !== undefined || this.#roster.size < maxSize
  }

  #supports({ protocolType, protocols }: JoinRequest): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0
    return protocolType === this.protocolType && this.#roster.supportsAny(protocols)
  }

  #joinNew(request: JoinRequest, answer: AnswerJoin): void {
    const { groupInstanceId, clientId, needsMemberId, sessionTimeoutMs } = request
    const memberId = this.#parts.newMemberId(groupInstanceId ?? clientId)
    const known = this.#roster.instance(groupInstanceId)
    if (known !== undefined) {
      this.#replace(known, memberId, request, answer)
    } else if (groupInstanceId === null && needsMemberId) {
      const deadline = this.#rounds.newSession(memberId)
      deadline.set(sessionTimeoutMs)
      this.#roster.addPending(memberId, deadline)
      answer(joinRefused(errorCode.MEMBER_ID_REQUIRED, memberId))
    } else {
      this.#add(memberId, request, answer)
    }
  }

  #add(memberId: string, request: JoinRequest, answer: AnswerJoin): void {
    const member = new Member({ ...request, memberId }, this.#rounds.newSession(memberId))
    member.isNew = true
    member.waitForJoin(answer)
    member.session.set(NEW_MEMBER_TIMEOUT_MS)
    this.#rounds.add(member, request.protocolType)
    this.#rounds.rebalance(`member ${memberId} joins${because(request)}`)
  }

  #joinAgain(request: JoinRequest, answer: AnswerJoin): void {
    const code = this.#roster.problem(request)
    const member = this.#roster.get(request.memberId)
    if (isError(code) || member === undefined) {
      answer(joinRefused(code, request.memberId))
      return
    }
    // The leader may know a reason to assign anew that nobody else sees, such as more partitions.
    const leads = this.state === 'Stable' && this.#roster.leader === member.memberId
    if (this.state !== 'PreparingRebalance' && !leads && member.matches(request.protocols)) {
      answer(this.#rounds.joined(member))
      return
    }
    member.update(request)
    member.waitForJoin(answer)
    this.#rounds.rebalance(`member ${member.memberId} joins again${because(request)}`)
  }

  /** A static member has come back without its id: it gets a new one, and its former self is fenced (KIP-345). */
  #replace(old: Member, memberId: string, request: JoinRequest, answer: AnswerJoin): void {
    const formerLeader = this.#roster.leader
    const member = new Member({ ...old, memberId }, this.#rounds.newSession(memberId))
    member.assignment = old.assignment
    this.#rounds.swap(old, member)
    member.update(request)
    member.waitForJoin(answer)
    if (this.state === 'Stable' && this.#roster.chooseProtocol() === this.#rounds.protocol) {
      this.#storeReplacement({ old, member, formerLeader, request, answer })
    } else {
      // In CompletingRebalance the leader has been told the old id already, so that needs another round.
      this.#rounds.rebalance(`static member ${request.groupInstanceId} came back${because(request)}`)
    }
  }

  /** Nothing changes but a member id, so there is no rebalance; the id becomes durable before its owner learns it. */
  #storeReplacement(replacement: {
    old: Member
    member: Member
    formerLeader: string
    request: JoinRequest
    answer: AnswerJoin
  }): void {
    const { old, member, formerLeader, request, answer } = replacement
    // Once it does not stand a rebalance has begun, in which the member takes part with the same request.
    const stands = () => this.state === 'Stable' && member.isJoiningWith(answer)
    this.#rounds.store(
      stands,
      ({ assignment }) => assignment,
      code => {
        if (isError(code)) {
          member.answerJoin(joinRefused(code))
          this.#rounds.swap(member, old)
        } else if (request.canSkipAssignment) {
          const skipAssignment = this.#roster.leader === member.memberId
          member.answerJoin({ ...this.#rounds.joined(member), skipAssignment })
        } else {
          // It is not told that it leads, or it would assign anew while the others keep what they have.
          member.answerJoin({ ...this.#rounds.joined(member), leader: formerLeader, members: [] })
        }
      },
    )
  }

  #syncProblem(request: SyncRequest): number {
    const code = this.#problemInGeneration(request)
    if (isError(code)) return code
    const { protocolType, protocol } = request
    if (protocolType !== null && protocolType !== this.#rounds.protocolType)
      return errorCode.INCONSISTENT_GROUP_PROTOCOL
    if (protocol !== null && protocol !== this.#rounds.protocol) return errorCode.INCONSISTENT_GROUP_PROTOCOL
    return this.state === 'PreparingRebalance' ? errorCode.REBALANCE_IN_PROGRESS : errorCode.NONE
  }

  #leave({ memberId, groupInstanceId }: Identity): number {
    if (memberId === '') {
      // An administrator removes a static member by its instance id alone.
      const instance = this.#roster.instance(groupInstanceId)
      if (instance === undefined) return errorCode.UNKNOWN_MEMBER_ID
      this.#rounds.remove(instance)
      return errorCode.NONE
    }
    if (this.#roster.isPending(memberId)) {
      this.#roster.removePending(memberId)
      return errorCode.NONE
    }
    const code = this.#roster.problem({ memberId, groupInstanceId })
    const member = this.#roster.get(memberId)
    if (!isError(code) && member !== undefined) this.#rounds.remove(member)
    return code
  }

  #problemInGeneration(request: InGeneration): number {
    const code = this.#roster.problem(request)
    if (isError(code)) return code
    return request.generation === this.#rounds.generation ? errorCode.NONE : errorCode.ILLEGAL_GENERATION
  }
}

function because({ reason }: JoinRequest): string {
  return reason === null || reason === '' ? '' : `: ${reason}`
}
