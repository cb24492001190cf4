/**
 * What is durable of consumer groups: the members and assignment of the last completed generation, and the committed
 * offsets. Joins in progress and heartbeats are the coordinator's own business and live in memory there.
 *
 * Fencing: a coordinator bases each PutGroup on the `version` that it saw; a command based on an older version is refused,
 * so a coordinator that was replaced without noticing can change nothing. Commits are checked against the durable
 * generation and membership, in ledger order; and once a coordinator has committed, one that came before it cannot any more
 * while that one lives: what it had under way comes too late, and the offsets would go back.
 */
import { errorCode } from '../wire/errors.ts'

export interface DurableMember {
  readonly memberId: string
  /** `group.instance.id` of a static member (KIP-345). */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** Metadata given for the chosen protocol, as the client sent it. */
  readonly subscription: Buffer
  readonly assignment: Buffer
}

export interface CommittedOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  /** State time of the commit, ms. */
  readonly committedAt: number
}

export interface Group {
  readonly groupId: string
  /** Ledger position of the last PutGroup; 0 for a group that only ever had offsets. */
  version: number
  /** Session epoch of the coordinator that committed last; 0 for none. */
  committer: number
  protocolType: string
  protocol: string
  generation: number
  leader: string
  readonly members: Map<string, DurableMember>
  /** State time since which the group has no members, ms: offset expiry counts from here. */
  emptySince: number
  /** Topic name -> partition -> offset. */
  readonly offsets: Map<string, Map<number, CommittedOffset>>
}

export interface CommitFence {
  readonly groupId: string
  readonly generation: number
  readonly memberId: string
}

export class Groups {
  readonly byId = new Map<string, Group>()

  getOrCreate(groupId: string, time: number): Group {
    let group = this.byId.get(groupId)
    if (group === undefined) {
      group = {
        groupId,
        version: 0,
        committer: 0,
        protocolType: '',
        protocol: '',
        generation: 0,
        leader: '',
        members: new Map(),
        emptySince: time,
        offsets: new Map(),
      }
      this.byId.set(groupId, group)
    }
    return group
  }

  /** May this commit be applied? A commit outside any generation is good only for a group without members. */
  checkCommit(fence: CommitFence): number {
    const group = this.byId.get(fence.groupId)
    const members = group?.members.size ?? 0
    if (fence.generation < 0 && fence.memberId === '')
      return members === 0 ? errorCode.NONE : errorCode.UNKNOWN_MEMBER_ID
    if (group === undefined) return errorCode.ILLEGAL_GENERATION
    if (!group.members.has(fence.memberId)) return errorCode.UNKNOWN_MEMBER_ID
    return fence.generation === group.generation ? errorCode.NONE : errorCode.ILLEGAL_GENERATION
  }

  commit(group: Group, topic: string, partition: number, offset: CommittedOffset): void {
    let partitions = group.offsets.get(topic)
    if (partitions === undefined) {
      partitions = new Map()
      group.offsets.set(topic, partitions)
    }
    partitions.set(partition, offset)
  }

  /** Removes offsets committed at or before `committedBy`. */
  deleteOffset(group: Group, topic: string, partition: number, committedBy: number): void {
    const partitions = group.offsets.get(topic)
    const known = partitions?.get(partition)
    if (partitions === undefined || known === undefined || known.committedAt > committedBy) return
    partitions.delete(partition)
    if (partitions.size === 0) group.offsets.delete(topic)
  }

  /** A deleted topic takes its offsets with it: a new topic of the same name begins without any. */
  forgetTopic(topic: string): void {
    for (const group of this.byId.values()) group.offsets.delete(topic)
  }
}
