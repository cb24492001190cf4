/**
 * The group coordinator: the classic groups that this broker has met, and what clients and administrators ask of them.
 *
 * In memory is what lasts no longer than the members themselves: sessions, joins and syncs in progress. Everything else is
 * in the cluster state, and a group is taken up from there when it is first met, so that after a restart of the broker
 * members go on where they were. Should another coordinator have changed a group, this one forgets what it has in memory,
 * tells whoever waits to look for the coordinator again, and begins anew from the state.
 */
import type { Clock, Timer } from '../clock.ts'
import type { Replica } from '../ledger/replica.ts'
import type { Logger } from '../observe/logger.ts'
import type { CommitOffsetsTopic } from '../state/commands.gen.ts'
import type { Group } from '../state/groups.ts'
import { errorCode } from '../wire/errors.ts'
import { ClassicGroup } from './classic-group.ts'
import { coordinatorError, DurableGroup } from './durable-group.ts'
import {
  type InGeneration,
  isError,
  type Joined,
  type JoinRequest,
  joinRefused,
  type Leaving,
  type Synced,
  type SyncRequest,
  syncRefused,
} from './requests.ts'
import type { GroupState } from './rounds.ts'

/** Between two looks whether a commit that waits is still this broker's to take, ms. */
const LOOK_MS = 1000

export interface GroupSettings {
  /** `group.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number
  /** `group.min.session.timeout.ms` */
  readonly minSessionTimeoutMs: number
  /** `group.max.session.timeout.ms` */
  readonly maxSessionTimeoutMs: number
  /** `group.max.size` */
  readonly maxSize: number
  /** `offsets.retention.minutes`, in milliseconds. */
  readonly offsetsRetentionMs: number
}

export interface GroupCoordinatorOptions {
  readonly replica: Replica
  readonly clock: Clock
  /** A member id that nobody else has; it begins with the client id or the group instance id given. */
  readonly newMemberId: (clientIdOrInstanceId: string) => string
  readonly settings: GroupSettings
  /** Is the group this broker's to coordinate? By default every group is. */
  readonly coordinates?: (groupId: string) => boolean
  readonly log?: Logger
}

export interface CommitRequest extends InGeneration {
  readonly groupId: string
  readonly topics: readonly CommitOffsetsTopic[]
}

export interface GroupListing {
  readonly groupId: string
  /** Empty for a group that only ever had offsets. */
  readonly protocolType: string
  readonly state: GroupState
}

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  readonly #groups = new Map<string, ClassicGroup>()
  #stopped = false

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
  }

  /**
   * Takes up every group that has members and is this broker's to coordinate, so that the sessions of those end that do
   * not come back, and lets go of the groups that are another broker's now. To be called at start and whenever brokers
   * come or go.
   */
  resume(): void {
    for (const group of [...this.#groups.values()]) {
      if (!this.coordinates(group.groupId)) group.die(errorCode.NOT_COORDINATOR)
    }
    for (const { groupId, members } of this.#durableGroups.values()) if (members.size > 0) this.#meet(groupId)
  }

  coordinates(groupId: string): boolean {
    return this.#options.coordinates?.(groupId) ?? true
  }

  /** Answers whoever waits. From then on every request is answered NOT_COORDINATOR. */
  stop(): void {
    this.#stopped = true
    for (const group of [...this.#groups.values()]) group.die(errorCode.NOT_COORDINATOR)
  }

  /** Resolves when the round of joins is complete. */
  join(groupId: string, request: JoinRequest): Promise<Joined> {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#options.settings
    const { memberId, sessionTimeoutMs } = request
    const code = this.#problem(groupId)
    if (isError(code)) return Promise.resolve(joinRefused(code, memberId))
    if (sessionTimeoutMs < minSessionTimeoutMs || sessionTimeoutMs > maxSessionTimeoutMs) {
      return Promise.resolve(joinRefused(errorCode.INVALID_SESSION_TIMEOUT, memberId))
    }
    const group = this.#meet(groupId) ?? (memberId === '' ? this.#takeUp(groupId) : undefined)
    if (group === undefined) return Promise.resolve(joinRefused(errorCode.UNKNOWN_MEMBER_ID, memberId))
    const joined = group.join(request)
    this.#forgetIfIdle(group)
    return joined
  }

  /** Resolves when the leader's assignment is durable. */
  sync(groupId: string, request: SyncRequest): Promise<Synced> {
    const code = this.#problem(groupId)
    if (isError(code)) return Promise.resolve(syncRefused(code))
    const group = this.#meet(groupId)
    if (group === undefined) return Promise.resolve(syncRefused(errorCode.UNKNOWN_MEMBER_ID))
    return group.sync(request)
  }

  heartbeat(groupId: string, request: InGeneration): number {
    const code = this.#problem(groupId)
    if (isError(code)) return code
    return this.#meet(groupId)?.heartbeat(request) ?? errorCode.UNKNOWN_MEMBER_ID
  }

  /**
   * Resolves with an error code for the request, or one for each that leaves, in their order; after the last member has
   * left, when that is durable.
   */
  async leave(groupId: string, leaving: readonly Leaving[]): Promise<number | readonly number[]> {
    const code = this.#problem(groupId)
    if (isError(code)) return code
    for (const { memberId, groupInstanceId, reason } of leaving) {
      this.#options.log?.info({ groupId, memberId, groupInstanceId, reason }, 'a member leaves its group')
    }
    const group = this.#meet(groupId)
    if (group === undefined) return leaving.map(() => errorCode.UNKNOWN_MEMBER_ID)
    const codes = group.leave(leaving)
    await group.durable.settled()
    return group.durable.isLost ? errorCode.NOT_COORDINATOR : codes
  }

  /** Resolves with the error code for all offsets of the request; GROUP_ID_NOT_FOUND for members of no group. */
  async commit(request: CommitRequest): Promise<number> {
    const { groupId, generation, topics } = request
    if (this.#stopped || !this.coordinates(groupId)) return errorCode.NOT_COORDINATOR
    const group = this.#meet(groupId)
    const code = group?.commitProblem(request) ?? this.#commitProblemOfEmptyGroup(request)
    if (isError(code)) return code
    if (topics.length === 0) return errorCode.NONE
    const isOutside = generation < 0
    // The state takes a commit from outside only when it has seen the last member go.
    if (isOutside && group?.durable.isBusy === true) await group.durable.settled()
    const fence = isOutside
      ? { groupId, generation: -1, memberId: '' }
      : { groupId, generation, memberId: request.memberId }
    return this.#whileOurs(groupId, this.#submit({ type: 'commitOffsets', body: { ...fence, topics } }))
  }

  /** May these offsets be deleted, and for which topics not? */
  offsetDeletion(groupId: string): { errorCode: number; isSubscribed: (topic: string) => boolean } {
    const group = this.#meet(groupId)
    const nobody = () => false
    if (this.#stopped || !this.coordinates(groupId)) {
      return { errorCode: errorCode.NOT_COORDINATOR, isSubscribed: nobody }
    }
    if (group === undefined || group.state === 'Empty') {
      const known = group !== undefined || this.#durableGroups.has(groupId)
      return { errorCode: known ? errorCode.NONE : errorCode.GROUP_ID_NOT_FOUND, isSubscribed: nobody }
    }
    if (!group.usesConsumerProtocol) return { errorCode: errorCode.NON_EMPTY_GROUP, isSubscribed: nobody }
    // When subscriptions cannot be known, every topic may be one.
    return { errorCode: errorCode.NONE, isSubscribed: topic => group.subscribedTopics?.has(topic) ?? true }
  }

  /** Resolves with the error code. */
  async deleteOffsets(groupId: string, topics: readonly { name: string; partitions: number[] }[]): Promise<number> {
    if (!this.#durableGroups.has(groupId)) return errorCode.NONE
    return this.#submit({
      type: 'deleteOffsets',
      body: { groupId, committedBy: Number.MAX_SAFE_INTEGER, topics },
    })
  }

  /** The group as it is in memory; undefined when it has no members and nobody joins, or when there is no such group. */
  live(groupId: string): ClassicGroup | undefined {
    return this.#meet(groupId)
  }

  list(): GroupListing[] {
    const listed: GroupListing[] = []
    for (const { groupId, protocolType, members } of this.#durableGroups.values()) {
      if (this.#groups.has(groupId) || !this.coordinates(groupId)) continue
      listed.push({ groupId, protocolType, state: members.size > 0 ? 'Stable' : 'Empty' })
    }
    for (const { groupId, protocolType, state } of this.#groups.values()) listed.push({ groupId, protocolType, state })
    return listed
  }

  /** Resolves with the error code. */
  async delete(groupId: string): Promise<number> {
    if (this.#stopped || !this.coordinates(groupId)) return errorCode.NOT_COORDINATOR
    const group = this.#meet(groupId)
    const durable = this.#durableGroups.get(groupId)
    if (group === undefined && durable === undefined) return errorCode.GROUP_ID_NOT_FOUND
    if (group !== undefined && group.state !== 'Empty') return errorCode.NON_EMPTY_GROUP
    if (durable !== undefined || group?.durable.isBusy === true) {
      const code = await (group?.durable ?? new DurableGroup(this.#options.replica, groupId)).delete()
      if (isError(code)) return code
    }
    // Somebody may have joined meanwhile; then it is a new group that begins.
    if (group?.state === 'Empty') group.die(errorCode.COORDINATOR_NOT_AVAILABLE)
    return errorCode.NONE
  }

  get #durableGroups(): ReadonlyMap<string, Group> {
    return this.#options.replica.state.groups.byId
  }

  #problem(groupId: string): number {
    if (this.#stopped || !this.coordinates(groupId)) return errorCode.NOT_COORDINATOR
    return groupId === '' ? errorCode.INVALID_GROUP_ID : errorCode.NONE
  }

  /** The group if it is in memory and not overtaken, or if the state knows of members. */
  #meet(groupId: string): ClassicGroup | undefined {
    if (this.#stopped || !this.coordinates(groupId)) return undefined
    const group = this.#groups.get(groupId)
    if (group?.durable.isOvertaken === true) group.die(errorCode.NOT_COORDINATOR)
    else if (group !== undefined) return group
    const members = this.#durableGroups.get(groupId)?.members.size ?? 0
    return members > 0 ? this.#takeUp(groupId) : undefined
  }

  #takeUp(groupId: string): ClassicGroup {
    const { replica, clock, newMemberId, settings, log } = this.#options
    const group: ClassicGroup = new ClassicGroup(groupId, new DurableGroup(replica, groupId), {
      clock,
      newMemberId,
      initialRebalanceDelayMs: settings.initialRebalanceDelayMs,
      maxSize: settings.maxSize,
      onRebalance: reason => log?.info({ groupId, reason }, 'a group rebalances'),
      onIdle: () => {
        if (this.#groups.get(groupId) === group) this.#groups.delete(groupId)
      },
    })
    this.#groups.set(groupId, group)
    return group
  }

  #forgetIfIdle(group: ClassicGroup): void {
    if (group.isIdle && this.#groups.get(group.groupId) === group) this.#groups.delete(group.groupId)
  }

  #commitProblemOfEmptyGroup({ groupId, generation }: CommitRequest): number {
    if (generation < 0) return errorCode.NONE
    return this.#durableGroups.has(groupId) ? errorCode.UNKNOWN_MEMBER_ID : errorCode.GROUP_ID_NOT_FOUND
  }

  /**
   * The answer, or NOT_COORDINATOR as soon as others may have taken the group over: then its members are better off with them.
   * What waits may still become durable, but not once another coordinator has begun: then this broker's session is over.
   */
  async #whileOurs(groupId: string, answer: Promise<number>): Promise<number> {
    const { clock } = this.#options
    const lost = Promise.withResolvers<number>()
    const look = (): Timer =>
      clock.setTimeout(() => {
        if (this.coordinates(groupId)) timer = look()
        else lost.resolve(errorCode.NOT_COORDINATOR)
      }, LOOK_MS)
    let timer = look()
    try {
      return await Promise.race([answer, lost.promise])
    } finally {
      clock.clearTimeout(timer)
    }
  }

  async #submit(command: Parameters<Replica['submit']>[0]): Promise<number> {
    try {
      return (await this.#options.replica.submit(command)).errorCode
    } catch (cause) {
      return coordinatorError(cause)
    }
  }
}
