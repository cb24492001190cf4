// What the operator keeps of the API server: a store of each kind that it looks at, filled by watches. Of Secrets only the
// metadata is read: what is in them is the business of the pods.

import type { Clock } from '../broker/clock.ts'
import type { Logger } from '../broker/observe/logger.ts'
import { referredSecrets } from './cluster/accept.ts'
import { BY_CLUSTER, BY_OWNER, BY_TARGET, OWNED_KINDS, type OwnedKind } from './cluster/context.ts'
import { managedSecrets } from './cluster/etcd-stand.ts'
import { objectAt, textAt } from './cluster/fields.ts'
import { listenerSecretNames } from './cluster/security-stand.ts'
import type { KubeClient, Scope } from './runtime/kube-client.ts'
import type { Source } from './runtime/manager.ts'
import type { WatchFreshness } from './runtime/metrics.ts'
import { controllerOf, type KubeObject, type Manifest } from './runtime/object.ts'
import { Reflector, type ReflectorTimes } from './runtime/reflector.ts'
import { RESOURCES, type Resource, resourceName } from './runtime/resource.ts'
import { Store } from './runtime/store.ts'
import { clusterKeyOf } from './topic/reconcile.ts'
import { CLUSTER, clusterSchema, type KafScaleCluster } from './types/kaf-scale-cluster.ts'
import { type KafScaleTopic, TOPIC, topicSchema } from './types/kaf-scale-topic.ts'
import { type KafScaleUser, USER, userSchema } from './types/kaf-scale-user.ts'
import { clusterKeyOf as clusterKeyOfUser } from './user/reconcile.ts'

/** Index of clusters by the Secrets that they refer to, `namespace/name`. */
export const BY_SECRET = 'secret'
/** Index of users by the Secret that their password is in, `namespace/name`. */
export const BY_PASSWORD = 'password'

export interface CacheOptions {
  readonly client: KubeClient
  /** Undefined for all. */
  readonly namespaces: readonly string[] | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly times?: ReflectorTimes | undefined
}

/** What keeps a store filled. */
export interface Watch extends Source {
  readonly resource: Resource
  readonly isSynced: boolean
  /** Seconds since the API server last said anything. */
  readonly silenceSeconds: number
}

const byOwner = (object: KubeObject): readonly string[] => {
  const owner = controllerOf(object)
  return owner === undefined ? [] : [owner.uid]
}

/** Of an autoscaler whose target is a Deployment, that Deployment. */
export function scaledDeployment(autoscaler: KubeObject): string | undefined {
  const target = objectAt(autoscaler, 'spec', 'scaleTargetRef')
  const name = textAt(target, 'name')
  return textAt(target, 'kind') === 'Deployment' && name !== undefined
    ? `${autoscaler.metadata.namespace}/${name}`
    : undefined
}

const INSTANCE = 'app.kubernetes.io/instance'
const BROKER_PODS = 'app.kubernetes.io/name=kafscale'

export class Caches {
  readonly clusters = new Store<KafScaleCluster>({
    [BY_SECRET]: cluster =>
      [
        ...referredSecrets(cluster).map(({ name }) => name),
        ...managedSecrets(cluster),
        ...listenerSecretNames(cluster),
      ].map(name => `${cluster.metadata.namespace}/${name}`),
  })
  readonly topics = new Store<KafScaleTopic>({ [BY_CLUSTER]: topic => [clusterKeyOf(topic)] })
  readonly users = new Store<KafScaleUser>({
    [BY_CLUSTER]: user => [clusterKeyOfUser(user)],
    [BY_PASSWORD]: ({ metadata, spec }) => {
      const name = spec.authentication?.passwordSecretRef?.name
      return name === undefined ? [] : [`${metadata.namespace}/${name}`]
    },
  })
  readonly owned: Readonly<Record<OwnedKind, Store<Manifest>>> = {
    serviceAccounts: new Store<Manifest>({ [BY_OWNER]: byOwner }),
    configMaps: new Store<Manifest>({ [BY_OWNER]: byOwner }),
    services: new Store<Manifest>({ [BY_OWNER]: byOwner }),
    networkPolicies: new Store<Manifest>({ [BY_OWNER]: byOwner }),
    podDisruptionBudgets: new Store<Manifest>({ [BY_OWNER]: byOwner }),
    deployments: new Store<Manifest>({ [BY_OWNER]: byOwner }),
    statefulSets: new Store<Manifest>({ [BY_OWNER]: byOwner }),
    cronJobs: new Store<Manifest>({ [BY_OWNER]: byOwner }),
  }
  readonly pods = new Store<KubeObject>({
    [BY_CLUSTER]: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.[INSTANCE]}`],
  })
  readonly secrets = new Store<KubeObject>()
  readonly autoscalers = new Store<KubeObject>({
    [BY_TARGET]: autoscaler => [scaledDeployment(autoscaler) ?? []].flat(),
  })
  readonly watches: readonly Watch[]

  constructor(options: CacheOptions) {
    const { namespaces, times, ...parts } = options
    const reflect = <T extends KubeObject>(
      resource: Resource,
      store: Store<T>,
      read: (manifest: Manifest) => T,
      scope: Scope = {},
    ): Watch[] =>
      (namespaces ?? [undefined]).map(
        namespace =>
          new Reflector({
            ...parts,
            resource,
            store,
            read,
            scope: { ...scope, namespace },
            ...(times === undefined ? {} : { times }),
          }),
      )
    const asIs = (manifest: Manifest): Manifest => manifest
    this.watches = [
      ...reflect(CLUSTER, this.clusters, manifest => clusterSchema.parse(manifest)),
      ...reflect(TOPIC, this.topics, manifest => topicSchema.parse(manifest)),
      ...reflect(USER, this.users, manifest => userSchema.parse(manifest)),
      ...OWNED_KINDS.flatMap(kind => reflect(RESOURCES[kind], this.owned[kind], asIs)),
      ...reflect<KubeObject>(RESOURCES.pods, this.pods, asIs, { labelSelector: BROKER_PODS }),
      ...reflect<KubeObject>(RESOURCES.secrets, this.secrets, asIs, { metadataOnly: true }),
      ...reflect<KubeObject>(RESOURCES.horizontalPodAutoscalers, this.autoscalers, asIs),
    ]
  }

  /** Of each kind, the watch that heard nothing for the longest: there is one in every namespace. */
  freshness(): WatchFreshness[] {
    const silences = new Map<string, number>()
    for (const { resource, silenceSeconds } of this.watches) {
      const name = resourceName(resource)
      silences.set(name, Math.max(silences.get(name) ?? 0, silenceSeconds))
    }
    return [...silences].map(([name, silenceSeconds]) => ({ name, silenceSeconds }))
  }

  /** Takes in what the API server answered to a write of ours. */
  observe(resource: Resource, object: Manifest): void {
    if (resource === CLUSTER) this.clusters.observeWrite(clusterSchema.parse(object))
    else if (resource === TOPIC) this.topics.observeWrite(topicSchema.parse(object))
    else if (resource === USER) this.users.observeWrite(userSchema.parse(object))
    else {
      const kind = OWNED_KINDS.find(one => resourceName(RESOURCES[one]) === resourceName(resource))
      if (kind !== undefined) this.owned[kind].observeWrite(object)
    }
  }
}
