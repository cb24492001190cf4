/**
 * Retention: which log starts may move up, by age and size. The whole extents at the start of a log go whose newest record
 * is older than `retention.ms`, and those without which the partition still holds `retention.bytes`. Kafka decides by
 * segment file, we by extent; in both a record may outlive its time by what shares its unit.
 */
import type { ClusterState } from '../state/cluster-state.ts'
import type { TrimPartition } from '../state/commands.gen.ts'
import type { PartitionLog } from '../state/partition-log.ts'
import { type TopicSettings, topicSettings } from '../state/topic-settings.ts'

/** The trims that are due at `now` (wall ms). */
export function dueTrims(state: ClusterState, now: number): TrimPartition[] {
  const trims: TrimPartition[] = []
  for (const topic of state.catalog.byId.values()) {
    const settings = topicSettings(state.catalog, topic)
    if (!settings.deleted) continue
    for (const log of topic.partitions) {
      const logStartOffset = startAfterRetention(log, settings, now)
      if (logStartOffset > log.logStartOffset) {
        trims.push({ topicId: topic.id, partition: log.partition, logStartOffset })
      }
    }
  }
  return trims
}

function startAfterRetention(log: PartitionLog, settings: TopicSettings, now: number): number {
  const { extents } = log
  let start = log.logStartOffset
  let { bytes } = extents
  for (let index = 0; index < extents.size; index++) {
    const extent = extents.at(index)
    const tooOld = extent.maxTimestamp >= 0 && extent.maxTimestamp < now - settings.retentionMs
    const tooMuch = bytes - extent.length >= settings.retentionBytes
    if (!tooOld && !tooMuch) break
    bytes -= extent.length
    start = extent.baseOffset + extent.count
  }
  return start
}
