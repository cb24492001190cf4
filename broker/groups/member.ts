/**
 * A member of a classic group as the coordinator knows it. While its JoinGroup or SyncGroup waits for the others, it
 * holds the way to answer; each is answered exactly once.
 */
import { errorCode } from '../wire/errors.ts'
import type { Deadline } from './deadline.ts'
import {
  EMPTY,
  type Joined,
  type JoinRequest,
  joinRefused,
  type Protocol,
  type Synced,
  syncRefused,
} from './requests.ts'

export interface MemberFacts {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocols: readonly Protocol[]
}

export class Member {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly session: Deadline
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly Protocol[]
  assignment: Buffer = EMPTY
  /** It has not seen the end of a round yet, so it knows of no session to keep alive. */
  isNew = false
  #joining: ((joined: Joined) => void) | undefined
  #syncing: ((synced: Synced) => void) | undefined

  constructor(facts: MemberFacts, session: Deadline) {
    this.memberId = facts.memberId
    this.groupInstanceId = facts.groupInstanceId
    this.clientId = facts.clientId
    this.clientHost = facts.clientHost
    this.sessionTimeoutMs = facts.sessionTimeoutMs
    this.rebalanceTimeoutMs = facts.rebalanceTimeoutMs
    this.protocols = copied(facts.protocols)
    this.session = session
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  get isJoining(): boolean {
    return this.#joining !== undefined
  }

  /** Waits with a request at the coordinator, so nothing is to be held against it. */
  get isWaiting(): boolean {
    return this.#joining !== undefined || this.#syncing !== undefined
  }

  /** A client that asks again has given up on its first request; that one is answered as well, or it would wait for ever. */
  waitForJoin(answer: (joined: Joined) => void): void {
    this.answerJoin(joinRefused(errorCode.REBALANCE_IN_PROGRESS, this.memberId))
    this.#joining = answer
  }

  waitForSync(answer: (synced: Synced) => void): void {
    this.answerSync(syncRefused(errorCode.REBALANCE_IN_PROGRESS))
    this.#syncing = answer
  }

  isJoiningWith(answer: (joined: Joined) => void): boolean {
    return this.#joining === answer
  }

  answerJoin(joined: Joined): void {
    const answer = this.#joining
    this.#joining = undefined
    answer?.(joined)
  }

  /** Tells whether anybody was waiting. */
  answerSync(synced: Synced): boolean {
    const answer = this.#syncing
    this.#syncing = undefined
    answer?.(synced)
    return answer !== undefined
  }

  keepAlive(): void {
    this.session.set(this.sessionTimeoutMs)
  }

  update(from: Pick<JoinRequest, 'protocols' | 'sessionTimeoutMs' | 'rebalanceTimeoutMs'>): void {
    this.protocols = copied(from.protocols)
    this.sessionTimeoutMs = from.sessionTimeoutMs
    this.rebalanceTimeoutMs = from.rebalanceTimeoutMs
  }

  /** Does it say the same about itself as before, in the same order of preference? */
  matches(protocols: readonly Protocol[]): boolean {
    if (protocols.length !== this.protocols.length) return false
    return this.protocols.every(({ name, metadata }, index) => {
      const other = protocols[index]
      return other !== undefined && other.name === name && other.metadata.equals(metadata)
    })
  }

  supports(protocol: string): boolean {
    return this.protocols.some(({ name }) => name === protocol)
  }

  metadata(protocol: string | null): Buffer {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? EMPTY
  }

  /** The protocol that it likes best of the candidates. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name
  }
}

/** What came off the wire is a slice of a frame; a member lives longer than that. */
function copied(protocols: readonly Protocol[]): Protocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}
