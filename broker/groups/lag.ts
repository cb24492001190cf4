/** How far groups are behind: records between what a group has committed and the end of the partition. */
import type { ClusterState } from '../state/cluster-state.ts'

export interface GroupLag {
  readonly group: string
  readonly topic: string
  /** Records, over the partitions with a committed offset. */
  readonly sum: number
  /** Records, in the partition that is most behind. */
  readonly max: number
}

export function* groupLag(state: ClusterState): Iterable<GroupLag> {
  for (const { groupId, offsets } of state.groups.byId.values()) {
    for (const [topic, partitions] of offsets) {
      const logs = state.catalog.byName.get(topic)?.partitions
      let sum = 0
      let max = 0
      for (const [partition, { offset }] of partitions) {
        const lag = Math.max(0, (logs?.[partition]?.nextOffset ?? offset) - offset)
        sum += lag
        max = Math.max(max, lag)
      }
      yield { group: groupId, topic, sum, max }
    }
  }
}
