// Topics that were to be deleted and stayed behind: remembered here until the status of their cluster has them.

import type { Orphan } from './cluster/context.ts'
import type { Objects } from './runtime/store.ts'
import { clusterKeyOf } from './topic/reconcile.ts'
import { rfc3339 } from './types/condition.ts'
import type { KafScaleCluster } from './types/kaf-scale-cluster.ts'
import { type KafScaleTopic, topicNameOf } from './types/kaf-scale-topic.ts'

/** As many as the status has room for. */
const MOST = 100

export class Orphans {
  readonly #clusters: Objects<KafScaleCluster>
  readonly #byCluster = new Map<string, Orphan[]>()

  constructor(clusters: Objects<KafScaleCluster>) {
    this.#clusters = clusters
  }

  of(cluster: string): readonly Orphan[] {
    return this.#byCluster.get(cluster) ?? []
  }

  /** Returns the key of the cluster; without the cluster there is no status to tell of it. `now` in ms since 1970. */
  keep(topic: KafScaleTopic, reason: string, now: number): string {
    const key = clusterKeyOf(topic)
    const { uid = '' } = topic.metadata
    const orphan = { topic: topicNameOf(topic), uid, reason, time: rfc3339(now) }
    const others = this.of(key).filter(other => other.uid !== uid)
    if (this.#clusters.get(key) !== undefined) this.#byCluster.set(key, [...others, orphan].slice(-MOST))
    return key
  }
}
