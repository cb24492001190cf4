// How the operator itself uses the bucket of a cluster: with the credentials that its brokers get, or with its own identity.

import type { Clock } from '../../broker/clock.ts'
import { type CaredBucket, RECORDS_FINALIZER } from '../bucket/care.ts'
import { Bucket, type BucketPlace, credentialsFrom } from '../bucket/s3.ts'
import type { Applier } from '../runtime/applier.ts'
import { ifFound } from '../runtime/errors.ts'
import type { KubeClient } from '../runtime/kube-client.ts'
import type { KubeObject, Manifest } from '../runtime/object.ts'
import { apiVersionOf, RESOURCES, type Resource } from '../runtime/resource.ts'
import type { Objects } from '../runtime/store.ts'
import { CLUSTER, type KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { kmsKeyOf } from '../types/object-store.ts'
import { snapshotPrefix } from './desired/etcd-agent.ts'
import { brokersName, etcdSnapshotName, namespaceOf, selectorLabels } from './desired/names.ts'
import { objectPrefix } from './desired/settings.ts'
import { secretData } from './kept-secrets.ts'

export interface BucketAccessOptions {
  readonly client: KubeClient
  readonly applier: Applier
  readonly clock: Clock
  readonly random: () => number
  readonly cronJobs: Objects<Manifest>
  readonly deployments: Objects<Manifest>
  readonly podsOf: (cluster: KafScaleCluster) => readonly KubeObject[]
  readonly scaler: string
  /** False where buckets are not to be asked at all. */
  readonly isUsed: boolean
  readonly onWrite: (resource: Resource, object: Manifest) => void
}

const LIMIT_MS = 15_000

export class BucketAccess {
  readonly #options: BucketAccessOptions

  constructor(options: BucketAccessOptions) {
    this.#options = options
  }

  async bucketOf(cluster: KafScaleCluster, signal: AbortSignal): Promise<CaredBucket> {
    const { client, clock, random, isUsed } = this.#options
    const { s3 } = cluster.spec
    const { bucket, region, endpoint } = s3
    const prefix = objectPrefix({ cluster })
    const prefixes = [...new Set([`${prefix}/`, `${snapshotPrefix({ cluster })}/`])]
    const wish = { bucket, region, endpoint, prefix, provision: s3.provision }
    if (!isUsed) return { wish, prefixes, open: undefined }
    const name = s3.credentialsSecretRef
    const secret =
      name === undefined
        ? undefined
        : await ifFound(client.get(RESOURCES.secrets, { namespace: namespaceOf({ cluster }), name }, { signal }))
    // Without it the brokers have none either, and the condition Accepted says so.
    if (name !== undefined && secret === undefined) return { wish, prefixes, open: undefined }
    const place: BucketPlace = {
      bucket,
      region,
      endpoint,
      pathStyle: s3.pathStyle,
      kmsKeyArn: kmsKeyOf(s3),
      credentials: secret === undefined ? undefined : credentialsFrom(secretData(secret)),
    }
    return { wish, prefixes, open: () => new Bucket(place, { clock, random, limitMs: LIMIT_MS }) }
  }

  async hold(cluster: KafScaleCluster, isHeld: boolean, signal: AbortSignal): Promise<void> {
    const { applier, onWrite } = this.#options
    const { name, namespace } = cluster.metadata
    const metadata = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(isHeld ? { finalizers: [RECORDS_FINALIZER] } : {}),
    }
    const desired: Manifest = { apiVersion: apiVersionOf(CLUSTER), kind: CLUSTER.kind, metadata }
    const { change, object } = await applier.apply({ resource: CLUSTER, desired, live: { ...cluster }, signal })
    if (change !== 'none') onWrite(CLUSTER, object)
  }

  /** Resolves with whether nobody writes to the bucket any more. */
  async rest(cluster: KafScaleCluster, signal: AbortSignal): Promise<boolean> {
    const { client, applier, cronJobs, deployments, podsOf, scaler } = this.#options
    const namespace = namespaceOf({ cluster })
    const schedule = cronJobs.get(`${namespace}/${etcdSnapshotName({ cluster })}`)
    if (schedule !== undefined) await applier.remove(RESOURCES.cronJobs, schedule, cluster, signal)
    const name = brokersName({ cluster })
    if (deployments.get(`${namespace}/${name}`) !== undefined) {
      await ifFound(client.scale(RESOURCES.deployments, { namespace, name }, 0, { manager: scaler, signal }))
    }
    const writers = (['broker', 'etcd-snapshot'] as const).map(component =>
      Object.entries(selectorLabels({ cluster }, component)),
    )
    return !podsOf(cluster).some(
      pod =>
        !isOver(pod) &&
        writers.some(labels => labels.every(([label, value]) => pod.metadata.labels?.[label] === value)),
    )
  }
}

const OVER = new Set<unknown>(['Succeeded', 'Failed'])

/** Pods of jobs stay when they have ended. */
function isOver(pod: KubeObject): boolean {
  const status: unknown = Reflect.get(pod, 'status')
  return typeof status === 'object' && status !== null && OVER.has(Reflect.get(status, 'phase'))
}
