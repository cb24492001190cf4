/** What is asked of a whole cluster, as its brokers show it to one user, kept for a moment (see recent.ts). */
import type { Clock } from '../broker/clock.ts'
import type { Cluster, ClusterFacts } from './cluster/cluster.ts'
import { type GroupSummary, groups, type Position, positions } from './cluster/groups.ts'
import { type Extent, extent, type TopicFacts, topics } from './cluster/topics.ts'
import { Recent } from './recent.ts'

export interface GroupList {
  readonly groups: readonly GroupSummary[]
  /** By group; those that may not be described are left out. */
  readonly positions: ReadonlyMap<string, readonly Position[]>
}

export class ClusterViews {
  readonly facts: Recent<ClusterFacts>
  readonly extent: Recent<Extent>
  readonly topics: Recent<readonly TopicFacts[]>
  readonly groups: Recent<readonly GroupSummary[]>
  readonly groupList: Recent<GroupList>

  constructor(cluster: Cluster, clock: Clock) {
    this.facts = new Recent(clock, () => cluster.facts())
    this.extent = new Recent(clock, () => extent(cluster))
    this.topics = new Recent(clock, () => topics(cluster))
    this.groups = new Recent(clock, () => groups(cluster))
    this.groupList = new Recent(clock, async () => {
      const { value } = await this.groups.get()
      const ids = value.map(({ id }) => id)
      return { groups: value, positions: await positions(cluster, ids) }
    })
  }
}
