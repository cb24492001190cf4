// The composition root of the operator: caches, reconcilers and their triggers, election, health.

import type { Clock } from '../broker/clock.ts'
import type { Logger } from '../broker/observe/logger.ts'
import { BucketCare } from './bucket/care.ts'
import { BY_SECRET, Caches, scaledDeployment } from './caches.ts'
import { BucketAccess } from './cluster/bucket-access.ts'
import { listenersOf, serviceHost } from './cluster/desired/listeners.ts'
import { brokersName } from './cluster/desired/names.ts'
import { caredEtcd } from './cluster/etcd-access.ts'
import { EtcdStand } from './cluster/etcd-stand.ts'
import type { OperatorDefaults } from './cluster/inputs.ts'
import {
  BY_CLUSTER,
  clusterReconciler,
  OPERATOR_MANAGER,
  type Orphan,
  OWNED_KINDS,
  podsOf,
  SCALER_MANAGER,
} from './cluster/reconcile.ts'
import { type MetricsAddressOf, podAddress, type Target, targetOf } from './cluster/scale-target.ts'
import { Discovery } from './discovery.ts'
import { EtcdCare } from './etcd/care.ts'
import type { EtcdLife } from './etcd/life.ts'
import type { TrustTimes } from './etcd/trust.ts'
import { EVENTS } from './events.ts'
import { Applier } from './runtime/applier.ts'
import { Controller, type Reconciler } from './runtime/controller.ts'
import { isKubeError } from './runtime/errors.ts'
import { EventRecorder } from './runtime/event-recorder.ts'
import { fencedClient } from './runtime/fence.ts'
import type { KubeClient } from './runtime/kube-client.ts'
import { LeaseElector, type LeaseTimes } from './runtime/lease-elector.ts'
import { type Ending, runManager } from './runtime/manager.ts'
import type { EngineMetrics } from './runtime/metrics.ts'
import { type KubeObject, keyOf } from './runtime/object.ts'
import type { ReflectorTimes } from './runtime/reflector.ts'
import { RESOURCES } from './runtime/resource.ts'
import type { Change } from './runtime/store.ts'
import { controllerKey, labelKey, type Mapper, ownKey, referrers, trigger } from './runtime/triggers.ts'
import { WorkQueue } from './runtime/work-queue.ts'
import { Autoscaler, type Look } from './scaling/autoscaler.ts'
import { type Published, type PublishedCluster, published, publishMetrics } from './scaling/published.ts'
import { readLag } from './signals/lag-reader.ts'
import { Observer } from './signals/observer.ts'
import { scrape } from './signals/scrape.ts'
import { FigureLooks } from './topic/figure-looks.ts'
import { type Address, clusterKeyOf, letGo, type TopicReconcilerOptions, topicReconciler } from './topic/reconcile.ts'
import { rfc3339 } from './types/condition.ts'
import { managedEtcdOf } from './types/etcd.ts'
import { CLUSTER, type KafScaleCluster } from './types/kaf-scale-cluster.ts'
import { type KafScaleTopic, topicNameOf } from './types/kaf-scale-topic.ts'

export interface OperatorOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly defaults: OperatorDefaults
  /** Where the operator itself is: its Lease is there. */
  readonly namespace: string
  /** Namespaces that are looked after; undefined for all. */
  readonly watched: readonly string[] | undefined
  readonly leaseName: string
  /** Nobody else's. */
  readonly identity: string
  readonly metrics: EngineMetrics
  /** Where brokers are reached; by default by the Service of the first listener. */
  readonly addressOf?: (cluster: KafScaleCluster) => Address
  /** Where the metrics of a broker are; by default at the address of its pod. */
  readonly metricsAddressOf?: MetricsAddressOf
  /** Between two looks at the load of the clusters, ms. */
  readonly lookEveryMs?: number
  /** Between two looks at the records of topics, ms. */
  readonly figuresEveryMs?: number
  /** Where a member of a managed etcd is reached; by default at the endpoint that brokers are told. */
  readonly etcdEndpointOf?: (endpoint: string) => string
  /** False: buckets are not looked at, and nothing in them is deleted. */
  readonly usesBuckets?: boolean
  /** Between two looks at a bucket that is as it should be, ms. */
  readonly bucketEveryMs?: number
  /** Between two looks at the members of a managed etcd, ms. */
  readonly etcdEveryMs?: number
  /** Of the certificates of a managed etcd. */
  readonly trustTimes?: TrustTimes
  readonly leaseTimes?: LeaseTimes
  readonly reflectorTimes?: ReflectorTimes
}

const WORKERS = 4

/** Owns the finalizer of clusters. */
const BUCKET_MANAGER = 'kafscale-bucket'

const ETCD_COMPONENTS = new Set<string | undefined>(['etcd', 'etcd-snapshot'])

/** What the pods of etcd and of its snapshots end with decides what is done next. */
const etcdPodKey: Mapper<KubeObject> = change =>
  ETCD_COMPONENTS.has(change.object.metadata.labels?.['app.kubernetes.io/component'])
    ? labelKey('app.kubernetes.io/instance')(change)
    : []

export class Operator {
  readonly caches: Caches
  readonly elector: LeaseElector
  readonly controllers: readonly RunningController[]
  readonly #options: OperatorOptions
  readonly #events: EventRecorder<typeof EVENTS>
  readonly #discovery: Discovery
  readonly #autoscaler: Autoscaler<Target>
  readonly #etcdCare: EtcdCare
  readonly #bucketCare: BucketCare
  /** Topics that stayed behind and that the status of their cluster does not tell of yet. */
  readonly #orphans = new Map<string, Orphan[]>()
  readonly #topics: TopicReconcilerOptions

  constructor(options: OperatorOptions) {
    this.#options = options
    const { client, clock, random, log, namespace, metrics, leaseTimes } = options
    this.elector = new LeaseElector({
      client,
      clock,
      random,
      log,
      namespace,
      name: options.leaseName,
      identity: options.identity,
      onChange: isLeader => metrics.leads(options.leaseName, isLeader),
      ...(leaseTimes === undefined ? {} : { times: leaseTimes }),
    })
    const fenced = fencedClient(client, () => this.elector.stillLeader())
    this.#events = new EventRecorder({
      client: fenced,
      clock,
      log,
      table: EVENTS,
      controller: 'kafscale.io/operator',
      instance: options.identity,
    })
    this.caches = new Caches({ client, clock, random, log, namespaces: options.watched, times: options.reflectorTimes })
    publishMetrics(metrics.registry, () => this.published())
    this.#autoscaler = this.#newAutoscaler(key => clusters.enqueue([key]))
    const clusters = this.#clusterController(fenced)
    this.#topics = this.#topicOptions(fenced, key => clusters.enqueue([key]))
    this.#etcdCare = this.#newEtcdCare(fenced, key => clusters.enqueue([key]))
    this.#bucketCare = this.#newBucketCare(fenced, key => clusters.enqueue([key]))
    this.controllers = [clusters, this.#topicController(), this.#etcdController(), this.#bucketController()]
    const onChange = (): void => clusters.enqueue([...this.caches.clusters.all()].map(keyOf))
    this.#discovery = new Discovery({ client, clock, log, onChange })
  }

  /** Names of what is not there yet. */
  unready(): string[] {
    const missing = this.caches.watches.filter(({ isSynced }) => !isSynced)
    return [...new Set(missing.map(({ resource }) => resource.plural))]
  }

  /** Runs until the signal aborts or the lead is lost. */
  async run(signal: AbortSignal): Promise<Ending> {
    return runManager(
      {
        clock: this.#options.clock,
        sources: [...this.caches.watches, this.#discovery],
        workers: this.controllers,
        background: [this.#events, this.#autoscaler],
        elector: this.elector,
        farewell: farewell => this.#bidFarewell(farewell),
      },
      signal,
    )
  }

  /** What was last seen of the load of a cluster; undefined when we do not lead. */
  lookAt(cluster: KafScaleCluster): Look | undefined {
    return this.#autoscaler.lookAt(keyOf(cluster), cluster.metadata.uid)
  }

  /** Every cluster of which it is known how many brokers it should have. */
  published(): PublishedCluster[] {
    return [...this.caches.clusters.all()].flatMap(cluster => {
      const { name, namespace = '' } = cluster.metadata
      const facts = published(cluster, this.lookAt(cluster))
      return facts === undefined ? [] : [{ namespace, name, published: facts }]
    })
  }

  /** `/scaling/NAMESPACE/NAME`: what others may scale that cluster by. */
  page(path: string): Published | undefined {
    return this.published().find(({ namespace, name }) => path === `/scaling/${namespace}/${name}`)?.published
  }

  #newAutoscaler(onNews: (key: string) => void): Autoscaler<Target> {
    const { clock, log, lookEveryMs } = this.#options
    const observer = new Observer({
      clock,
      scrape,
      readLag: ({ host, port }, timeoutMs) => readLag({ host, port, clock, timeoutMs }),
    })
    return new Autoscaler({
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

  #targets(): Target[] {
    const { caches } = this
    const { clock, metricsAddressOf = podAddress } = this.#options
    return [...caches.clusters.all()].flatMap(cluster => {
      const key = keyOf(cluster)
      const deployment = caches.owned.deployments.get(`${cluster.metadata.namespace}/${brokersName({ cluster })}`)
      const pods = caches.pods.by(BY_CLUSTER, key)
      const bootstrap = this.#bootstrapOf(cluster)
      return targetOf({ key, cluster, deployment, pods, bootstrap, now: clock.now() }, metricsAddressOf) ?? []
    })
  }

  #clusterController(client: KubeClient) {
    const { caches } = this
    const applier = new Applier(client, OPERATOR_MANAGER)
    const etcd = new EtcdStand({
      client,
      applier,
      clock: this.#options.clock,
      configMaps: caches.owned.configMaps,
      statefulSets: caches.owned.statefulSets,
      podsOf: cluster => podsOf(caches, cluster),
      secrets: caches.secrets,
      times: this.#options.trustTimes,
      onWrite: (resource, object) => caches.observe(resource, object),
      onLife: (cluster, life) => this.#tellOfLife(cluster, life),
    })
    const reconciler = clusterReconciler({
      client,
      applier,
      etcd,
      etcdReport: key => this.#etcdCare.report(key),
      bucketReport: key => this.#bucketCare.report(key),
      clock: this.#options.clock,
      defaults: this.#options.defaults,
      clusters: caches.clusters,
      owned: caches.owned,
      pods: caches.pods,
      secrets: caches.secrets,
      topics: caches.topics,
      autoscalers: caches.autoscalers,
      lookAt: (key, uid) => this.#autoscaler.lookAt(key, uid),
      orphansOf: key => this.#orphans.get(key) ?? [],
      onEvent: (cluster, event, note) => this.#events.record(cluster, event, note),
      has: () => this.#discovery.found,
      onWrite: (resource, object) => caches.observe(resource, object),
    })
    const controller = this.#controller(reconciler)
    trigger(caches.clusters, controller.queue, ownKey)
    trigger(caches.secrets, controller.queue, referrers(caches.clusters, BY_SECRET))
    trigger(caches.autoscalers, controller.queue, change => this.#clustersScaledBy(change))
    for (const kind of OWNED_KINDS) trigger(caches.owned[kind], controller.queue, controllerKey(CLUSTER.kind))
    trigger(caches.pods, controller.queue, etcdPodKey)
    trigger(caches.topics, controller.queue, ({ type, object }) => (type === 'changed' ? [] : [clusterKeyOf(object)]))
    return controller
  }

  /** Clusters whose Deployment an autoscaler has as its target, or had. */
  #clustersScaledBy({ object, previous }: Change<KubeObject>): string[] {
    const deployments = [object, previous].flatMap(autoscaler => (autoscaler && scaledDeployment(autoscaler)) ?? [])
    return [...this.caches.clusters.all()].flatMap(cluster =>
      deployments.includes(`${cluster.metadata.namespace}/${brokersName({ cluster })}`) ? [keyOf(cluster)] : [],
    )
  }

  /** Told in the status of the cluster as well, when that still is there. */
  #keepOrphan(topic: KafScaleTopic, reason: string): string {
    const key = clusterKeyOf(topic)
    const { uid = '' } = topic.metadata
    const orphan = { topic: topicNameOf(topic), uid, reason, time: rfc3339(this.#options.clock.now()) }
    const others = (this.#orphans.get(key) ?? []).filter(other => other.uid !== uid)
    if (this.caches.clusters.get(key) !== undefined) this.#orphans.set(key, [...others, orphan].slice(-100))
    return key
  }

  async #bidFarewell(signal: AbortSignal): Promise<void> {
    await letGo(this.#topics, signal).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'topics of a namespace that is being deleted may keep their finalizers')
    })
    await this.#bucketCare.letGo(this.caches.clusters.all(), signal).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'clusters of a namespace that is being deleted may keep their finalizers')
    })
  }

  #topicOptions(client: KubeClient, onOrphaned: (cluster: string) => void): TopicReconcilerOptions {
    const { caches } = this
    const { clock, figuresEveryMs } = this.#options
    return {
      applier: new Applier(client, OPERATOR_MANAGER),
      clock,
      clusters: caches.clusters,
      topics: caches.topics,
      addressOf: cluster => this.#bootstrapOf(cluster),
      looks: new FigureLooks({
        clock,
        readPositions: (address, timeoutMs) => readLag({ ...address, clock, timeoutMs }),
        everyMs: figuresEveryMs,
      }),
      onWrite: (resource, object) => caches.observe(resource, object),
      isEnding: (namespace, signal) => isEnding(client, namespace, signal),
      onOrphan: (topic, reason) => {
        this.#events.record(topic, 'TopicOrphaned', `The topic stays, because ${reason}.`)
        onOrphaned(this.#keepOrphan(topic, reason))
      },
    }
  }

  #topicController() {
    const { caches } = this
    const controller = this.#controller(topicReconciler(this.#topics))
    trigger(caches.topics, controller.queue, change => [...ownKey(change)].map(() => clusterKeyOf(change.object)))
    trigger(caches.clusters, controller.queue, change => [...ownKey(change)].map(() => keyOf(change.object)))
    return controller
  }

  #controller<Context>(reconciler: Reconciler<Context>): Controller<Context> {
    const { clock, random, log, metrics } = this.#options
    const queue = new WorkQueue({ clock, random, watcher: metrics.queue(reconciler.name) })
    const controller = new Controller({
      reconciler,
      queue,
      clock,
      random,
      log,
      workers: WORKERS,
      onPass: report => metrics.pass(reconciler.name, report),
    })
    metrics.observe(controller)
    return controller
  }

  #newEtcdCare(client: KubeClient, onReport: (key: string) => void): EtcdCare {
    const { clusters } = this.caches
    return new EtcdCare({
      clock: this.#options.clock,
      everyMs: this.#options.etcdEveryMs,
      isManaged: key => {
        const cluster = clusters.get(key)
        return cluster !== undefined && managedEtcdOf(cluster.spec.etcd) !== undefined
      },
      etcdOf: caredEtcd({
        client,
        clusters,
        defaults: this.#options.defaults,
        endpointOf: this.#options.etcdEndpointOf ?? (endpoint => endpoint),
      }),
      onReport,
      onEvent: (key, event, note) => {
        const cluster = clusters.get(key)
        if (cluster !== undefined) this.#events.record(cluster, event, note)
      },
    })
  }

  #newBucketCare(client: KubeClient, onReport: (key: string) => void): BucketCare {
    const { caches } = this
    const { clock, random, bucketEveryMs, usesBuckets = true } = this.#options
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
      onEvent: (cluster, event, note) => this.#events.record(cluster, event, note),
      everyMs: bucketEveryMs,
    })
  }

  #bucketController() {
    const controller = this.#controller(this.#bucketCare.reconciler)
    trigger(this.caches.clusters, controller.queue, ownKey)
    trigger(this.caches.secrets, controller.queue, referrers(this.caches.clusters, BY_SECRET))
    return controller
  }

  #etcdController() {
    const controller = this.#controller(this.#etcdCare.reconciler)
    trigger(this.caches.clusters, controller.queue, ownKey)
    trigger(this.caches.owned.statefulSets, controller.queue, controllerKey(CLUSTER.kind))
    return controller
  }

  #tellOfLife(cluster: KafScaleCluster, { number, state, because }: EtcdLife): void {
    if (number === 1 && state !== 'ending') return
    if (state === 'ending') {
      const why = because === 'DataLost' ? 'a majority of its members has lost its data' : 'the spec asks for it'
      this.#events.record(
        cluster,
        'EtcdRestoreBegun',
        `etcd is restored from a snapshot, because ${why}; brokers pause.`,
      )
    } else if (state === 'running') {
      this.#events.record(
        cluster,
        'EtcdRestored',
        'etcd runs again, from a snapshot; status.etcd.restored says what is missing.',
      )
    }
  }

  #bootstrapOf(cluster: KafScaleCluster): Address {
    const { addressOf } = this.#options
    return addressOf === undefined ? this.#addressOf(cluster) : addressOf(cluster)
  }

  #addressOf(cluster: KafScaleCluster): Address {
    const inputs = { cluster, operator: this.#options.defaults }
    const [first] = listenersOf(inputs)
    if (first === undefined) throw new Error('a cluster without listeners')
    return { host: serviceHost(inputs, first.service), port: first.port }
  }
}

/** A controller of whatever context. */
export type RunningController = Pick<Controller<unknown>, 'name' | 'queue' | 'isAlive' | 'run'>

async function isEnding(client: KubeClient, name: string, signal?: AbortSignal): Promise<boolean> {
  const namespace = await client.get(RESOURCES.namespaces, { name }, { signal }).catch((error: unknown) => {
    // Who may not look goes on as ever.
    if (isKubeError(error, 'NotFound', 'Forbidden')) return undefined
    throw error
  })
  return namespace?.metadata.deletionTimestamp !== undefined
}
