// The load of all clusters: whom to look at, what was seen last, and what others may scale a cluster by. It is looked at only
// while we lead.

import type { Caches } from './caches.ts'
import type { Reach } from './cluster/broker-access.ts'
import { BY_CLUSTER } from './cluster/context.ts'
import { brokersName } from './cluster/desired/names.ts'
import { type MetricsAddressOf, podAddress, type Target, targetOf } from './cluster/scale-target.ts'
import type { OperatorOptions } from './options.ts'
import { keyOf } from './runtime/object.ts'
import { Autoscaler, type Look } from './scaling/autoscaler.ts'
import { type Published, type PublishedCluster, published } from './scaling/published.ts'
import { readLag } from './signals/lag-reader.ts'
import { type Bootstrap, Observer } from './signals/observer.ts'
import { scrape } from './signals/scrape.ts'
import type { KafScaleCluster } from './types/kaf-scale-cluster.ts'

export interface LoadOptions extends Pick<OperatorOptions, 'clock' | 'log' | 'lookEveryMs' | 'metricsAddressOf'> {
  readonly caches: Caches
  readonly bootstrapOf: (cluster: KafScaleCluster) => Bootstrap
  /** What to open a connection there with. */
  readonly reachOf: (address: Bootstrap) => Promise<Reach>
  /** A look found something new of this cluster. */
  readonly onNews: (key: string) => void
}

export class Load {
  /** Runs in the background. */
  readonly autoscaler: Autoscaler<Target>
  readonly #options: LoadOptions
  readonly #metricsAddressOf: MetricsAddressOf

  constructor(options: LoadOptions) {
    this.#options = options
    this.#metricsAddressOf = options.metricsAddressOf ?? podAddress
    const { clock, log, lookEveryMs, onNews, reachOf } = options
    const observer = new Observer({
      clock,
      scrape,
      readLag: async (address, timeoutMs, signal) => readLag({ ...(await reachOf(address)), clock, timeoutMs, signal }),
    })
    this.autoscaler = new Autoscaler({
      clock,
      log,
      targets: () => {
        const targets = this.#targets()
        observer.keep(new Set(targets.map(({ key }) => key)))
        return targets
      },
      observe: (target, signal) => observer.observe(target, signal),
      onNews,
      ...(lookEveryMs === undefined ? {} : { everyMs: lookEveryMs }),
    })
  }

  /** What was last seen of a cluster; undefined when we do not lead. */
  lookAt(cluster: KafScaleCluster): Look | undefined {
    return this.autoscaler.lookAt(keyOf(cluster), cluster.metadata.uid)
  }

  /** Every cluster of which it is known how many brokers it should have. */
  published(): PublishedCluster[] {
    return [...this.#options.caches.clusters.all()].flatMap(cluster => {
      const { name, namespace = '' } = cluster.metadata
      const facts = published(cluster, this.lookAt(cluster))
      return facts === undefined ? [] : [{ namespace, name, published: facts }]
    })
  }

  /** `/scaling/NAMESPACE/NAME`: what others may scale that cluster by. */
  page(path: string): Published | undefined {
    return this.published().find(({ namespace, name }) => path === `/scaling/${namespace}/${name}`)?.published
  }

  #targets(): Target[] {
    const { caches, clock, bootstrapOf } = this.#options
    return [...caches.clusters.all()].flatMap(cluster => {
      const key = keyOf(cluster)
      const deployment = caches.owned.deployments.get(`${cluster.metadata.namespace}/${brokersName({ cluster })}`)
      const pods = caches.pods.by(BY_CLUSTER, key)
      const bootstrap = bootstrapOf(cluster)
      const seen = { key, cluster, deployment, pods, bootstrap, now: clock.now() }
      return targetOf(seen, this.#metricsAddressOf) ?? []
    })
  }
}
