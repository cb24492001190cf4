/**
 * Who belongs to a group: its members, which instance id means whom, who leads, and who was given a member id and has not
 * come back with it yet (pending, KIP-394). Knows nothing of states and time.
 */
import { errorCode } from '../wire/errors.ts'
import type { Deadline } from './deadline.ts'
import type { Member } from './member.ts'
import type { Identity, Protocol } from './requests.ts'

export class Roster {
  readonly #members = new Map<string, Member>()
  readonly #instances = new Map<string, Member>()
  readonly #pending = new Map<string, Deadline>()
  /** Member id; empty when nobody leads. */
  leader = ''

  get size(): number {
    return this.#members.size
  }

  get members(): Iterable<Member> {
    return this.#members.values()
  }

  get hasPending(): boolean {
    return this.#pending.size > 0
  }

  get(memberId: string): Member | undefined {
    return this.#members.get(memberId)
  }

  instance(groupInstanceId: string | null): Member | undefined {
    return groupInstanceId === null ? undefined : this.#instances.get(groupInstanceId)
  }

  /** The first to be added leads until the round of joins decides. */
  add(member: Member): void {
    this.removePending(member.memberId)
    this.#members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.#instances.set(member.groupInstanceId, member)
    if (this.leader === '') this.leader = member.memberId
  }

  remove(member: Member): void {
    this.#members.delete(member.memberId)
    if (this.instance(member.groupInstanceId) === member) this.#instances.delete(member.groupInstanceId ?? '')
    if (this.leader === member.memberId) this.leader = this.#members.keys().next().value ?? ''
  }

  /** The instance goes on under a new member id, as leader if it was that. */
  replace(old: Member, successor: Member): void {
    const led = this.leader === old.memberId
    this.remove(old)
    this.add(successor)
    if (led) this.leader = successor.memberId
  }

  isPending(memberId: string): boolean {
    return this.#pending.has(memberId)
  }

  addPending(memberId: string, deadline: Deadline): void {
    this.#pending.set(memberId, deadline)
  }

  removePending(memberId: string): void {
    this.#pending.get(memberId)?.clear()
    this.#pending.delete(memberId)
  }

  clearPending(): void {
    for (const memberId of this.#pending.keys()) this.removePending(memberId)
  }

  /** NONE when the request comes from a member; a static member must bring the id that it was given last. */
  problem({ memberId, groupInstanceId }: Identity): number {
    if (groupInstanceId !== null) {
      const instance = this.instance(groupInstanceId)
      if (instance === undefined) return errorCode.UNKNOWN_MEMBER_ID
      if (instance.memberId !== memberId) return errorCode.FENCED_INSTANCE_ID
    }
    return this.#members.has(memberId) ? errorCode.NONE : errorCode.UNKNOWN_MEMBER_ID
  }

  get joining(): number {
    let count = 0
    for (const member of this.#members.values()) if (member.isJoining) count++
    return count
  }

  get allJoined(): boolean {
    return this.#pending.size === 0 && this.joining === this.#members.size
  }

  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.#members.values()) longest = Math.max(longest, rebalanceTimeoutMs)
    return longest
  }

  /** A leader that did not join again hands over to a member that did. False when nobody joined. */
  electJoinedLeader(): boolean {
    const leader = this.#members.get(this.leader)
    if (leader === undefined) return false
    if (leader.isJoining) return true
    for (const member of this.#members.values()) {
      if (!member.isJoining) continue
      this.leader = member.memberId
      return true
    }
    return false
  }

  supportsAny(protocols: readonly Protocol[]): boolean {
    return protocols.some(({ name }) => this.#allSupport(name))
  }

  /** Each member votes for the first of its protocols that all support; most votes win. */
  chooseProtocol(): string | null {
    const [first] = this.#members.values()
    const names = first?.protocols.map(({ name }) => name) ?? []
    const candidates = new Set(names.filter(name => this.#allSupport(name)))
    const votes = new Map<string, number>()
    for (const member of this.#members.values()) {
      const vote = member.vote(candidates)
      if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
    }
    let chosen: string | null = null
    for (const [name, count] of votes) if (chosen === null || count > (votes.get(chosen) ?? 0)) chosen = name
    return chosen
  }

  #allSupport(protocol: string): boolean {
    for (const member of this.#members.values()) if (!member.supports(protocol)) return false
    return true
  }
}
