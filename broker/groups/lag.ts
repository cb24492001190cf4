/** How far groups are behind: records between what a group has committed and the end of the partition. */
import type { ClusterState } from '../state/cluster-state.ts'
import type { PartitionLog } from '../state/partition-log.ts'

export interface GroupLag {
  readonly group: string
  readonly topic: string
  /** Records, over the partitions with a committed offset. */
  readonly sum: number
  /** Records, in the partition that is most behind. */
  readonly max: number
  /** Age of the oldest records that are not committed, by their timestamps, in the partition where they are oldest; 0 for none. */
  readonly ageMs: number
}

/** `now`: ms since 1970. */
export function* groupLag(state: ClusterState, now: number): Iterable<GroupLag> {
  for (const { groupId, offsets } of state.groups.byId.values()) {
    for (const [topic, partitions] of offsets) {
      const logs = state.catalog.byName.get(topic)?.partitions
      let sum = 0
      let max = 0
      let oldest = now
      for (const [partition, { offset }] of partitions) {
        const log = logs?.[partition]
        const lag = Math.max(0, (log?.nextOffset ?? offset) - offset)
        sum += lag
        max = Math.max(max, lag)
        if (log !== undefined && lag > 0) oldest = Math.min(oldest, writtenAt(log, offset) ?? now)
      }
      yield { group: groupId, topic, sum, max, ageMs: Math.max(0, now - oldest) }
    }
  }
}

/** The latest timestamp of the extent with the record at the offset, or the first one after it: when it was written, about. */
function writtenAt({ extents }: PartitionLog, offset: number): number | undefined {
  const index = extents.find(offset)
  const timestamp = index < extents.size ? extents.at(index).maxTimestamp : -1
  return timestamp < 0 ? undefined : timestamp
}

/** How many members each group has, as of its last rebalance. */
export function* groupMembers(
  state: ClusterState | undefined,
): Iterable<{ readonly group: string; readonly members: number }> {
  for (const { groupId, members } of state?.groups.byId.values() ?? []) yield { group: groupId, members: members.size }
}
