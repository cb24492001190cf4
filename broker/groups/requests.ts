/** What members ask of a group and what they are answered, apart from the versions of the wire. */
import { errorCode } from '../wire/errors.ts'

/** An assignment strategy that a member supports, with what the leader has to know about the member for it. */
export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

/** Who a request says that it comes from. */
export interface Identity {
  readonly memberId: string
  /** `group.instance.id` of a static member (KIP-345). */
  readonly groupInstanceId: string | null
}

export interface JoinRequest extends Identity {
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  /** Most wanted first. */
  readonly protocols: readonly Protocol[]
  /** Why the client joins (KIP-800). */
  readonly reason: string | null
  /** A new dynamic member is first told its id and has to come back with it (KIP-394). */
  readonly needsMemberId: boolean
  /** The client knows how to be a leader that does not assign (KIP-814). */
  readonly canSkipAssignment: boolean
}

export interface JoinedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Buffer
}

export interface Joined {
  readonly errorCode: number
  readonly memberId: string
  readonly generation: number
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  /** All members for the leader, nobody for the others. */
  readonly members: readonly JoinedMember[]
}

export interface InGeneration extends Identity {
  readonly generation: number
}

export interface SyncRequest extends InGeneration {
  /** Null when the client does not say. */
  readonly protocolType: string | null
  readonly protocol: string | null
  /** Empty unless it comes from the leader. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface Synced {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly assignment: Buffer
}

export interface Leaving extends Identity {
  readonly reason: string | null
}

export const EMPTY = Buffer.alloc(0)

export function joinRefused(code: number, memberId = ''): Joined {
  return {
    errorCode: code,
    memberId,
    generation: -1,
    protocolType: null,
    protocol: null,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

export function syncRefused(code: number): Synced {
  return { errorCode: code, protocolType: null, protocol: null, assignment: EMPTY }
}

export const isError = (code: number): boolean => code !== errorCode.NONE
