/**
 * Expiry of committed offsets by `offsets.retention.minutes`, as KIP-211 has it:
 *
 *   a group without members        all its offsets, when it has been empty that long
 *   a group that never had any     each offset by the time of its commit
 *   a stable consumer group        offsets of topics that nobody in it is subscribed to, by the time of their commit
 *   any other group                nothing
 *
 * A group without members and offsets goes as well. Commands are decided upon the state of now; a commit that reaches the
 * ledger before them is younger than what they delete, so it stays.
 */
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { Replica } from '../ledger/replica.ts'
import type { DeleteOffsets, DeleteOffsetsTopic } from '../state/commands.gen.ts'
import type { Group } from '../state/groups.ts'

export interface OffsetExpiryParts {
  readonly replica: Replica
  readonly groups: GroupCoordinator
  /** Wall time, ms. */
  readonly now: number
  readonly retentionMs: number
}

/** Resolves when what is due is gone. */
export async function expireOffsets({ replica, groups, now, retentionMs }: OffsetExpiryParts): Promise<void> {
  const { state } = replica
  const before = now - retentionMs
  const own = [...state.groups.byId.values()].filter(({ groupId }) => groups.coordinates(groupId))
  const due = own.flatMap(group => dueOf(group, groups, { before, stateTime: state.time }))
  await Promise.all(due.map(body => replica.submit({ type: 'deleteOffsets', body })))
}

interface Times {
  /** What was committed, or has been empty, since then or longer is due; ms. */
  readonly before: number
  readonly stateTime: number
}

function dueOf(group: Group, groups: GroupCoordinator, times: Times): DeleteOffsets[] {
  const live = groups.live(group.groupId)
  if (live === undefined) return dueOfEmptyGroup(group, times)
  const topics = live.subscribedTopics
  if (live.state !== 'Stable' || topics === null) return []
  return deletion(group, times.before, topic => !topics.has(topic))
}

function dueOfEmptyGroup(group: Group, { before, stateTime }: Times): DeleteOffsets[] {
  const { groupId, protocolType, emptySince, offsets } = group
  // Without topics the command removes the group, if nothing is left of it.
  const removal: DeleteOffsets = { groupId, committedBy: before, topics: [] }
  if (offsets.size === 0) return [removal]
  const wasConsumed = protocolType !== ''
  if (wasConsumed && emptySince > before) return []
  const expired = deletion(group, wasConsumed ? stateTime : before, () => true)
  return expired.length === 0 ? [] : [...expired, removal]
}

function deletion(group: Group, committedBy: number, concerns: (topic: string) => boolean): DeleteOffsets[] {
  const topics: DeleteOffsetsTopic[] = []
  for (const [name, offsets] of group.offsets) {
    if (!concerns(name)) continue
    const partitions = [...offsets.entries()].filter(([, { committedAt }]) => committedAt <= committedBy)
    if (partitions.length > 0) topics.push({ name, partitions: partitions.map(([partition]) => partition) })
  }
  return topics.length === 0 ? [] : [{ groupId: group.groupId, committedBy, topics }]
}
