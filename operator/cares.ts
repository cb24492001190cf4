// What looks after the managed etcd and the bucket of every cluster, put together for the operator.

import { BucketCare } from './bucket/care.ts'
import type { Caches } from './caches.ts'
import { BucketAccess } from './cluster/bucket-access.ts'
import { podsOf, SCALER_MANAGER } from './cluster/context.ts'
import { caredEtcd } from './cluster/etcd-access.ts'
import { EtcdCare } from './etcd/care.ts'
import type { EVENTS } from './events.ts'
import type { OperatorOptions } from './options.ts'
import { Applier } from './runtime/applier.ts'
import type { EventRecorder } from './runtime/event-recorder.ts'
import type { KubeClient } from './runtime/kube-client.ts'
import { isEnding } from './runtime/namespace-end.ts'
import { managedEtcdOf } from './types/etcd.ts'

/** Owns the finalizer of clusters. */
const BUCKET_MANAGER = 'kafscale-bucket'

export interface CareParts {
  readonly options: OperatorOptions
  readonly caches: Caches
  /** Writes only while we lead. */
  readonly client: KubeClient
  readonly events: EventRecorder<typeof EVENTS>
  /** Something new was found of the cluster of this key. */
  readonly onReport: (key: string) => void
}

export function newEtcdCare({ options, caches, client, events, onReport }: CareParts): EtcdCare {
  const { clusters } = caches
  const { clock, etcdEveryMs, defaults, etcdEndpointOf = (endpoint: string) => endpoint } = options
  return new EtcdCare({
    clock,
    everyMs: etcdEveryMs,
    isManaged: key => {
      const cluster = clusters.get(key)
      return cluster !== undefined && managedEtcdOf(cluster.spec.etcd) !== undefined
    },
    etcdOf: caredEtcd({ client, clusters, defaults, endpointOf: etcdEndpointOf }),
    onReport,
    onEvent: (key, event, note) => {
      const cluster = clusters.get(key)
      if (cluster !== undefined) events.record(cluster, event, note)
    },
  })
}

export function newBucketCare({ options, caches, client, events, onReport }: CareParts): BucketCare {
  const { clock, random, bucketEveryMs, usesBuckets = true } = options
  const access = new BucketAccess({
    client,
    applier: new Applier(client, BUCKET_MANAGER),
    clock,
    random,
    cronJobs: caches.owned.cronJobs,
    deployments: caches.owned.deployments,
    podsOf: cluster => podsOf(caches, cluster),
    scaler: SCALER_MANAGER,
    isUsed: usesBuckets,
    onWrite: (resource, object) => caches.observe(resource, object),
  })
  return new BucketCare({
    clock,
    clusterOf: key => caches.clusters.get(key),
    bucketOf: (cluster, signal) => access.bucketOf(cluster, signal),
    hold: (cluster, isHeld, signal) => access.hold(cluster, isHeld, signal),
    rest: (cluster, signal) => access.rest(cluster, signal),
    isEnding: (namespace, signal) => isEnding(client, namespace, signal),
    onReport,
    onEvent: (cluster, event, note) => events.record(cluster, event, note),
    everyMs: bucketEveryMs,
  })
}
