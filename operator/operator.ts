// The composition root of the operator: caches, reconcilers and their triggers, election, health.

import type { BucketCare } from './bucket/care.ts'
import { BY_PASSWORD, BY_SECRET, Caches, scaledDeployment } from './caches.ts'
import { newBucketCare, newEtcdCare } from './cares.ts'
import { brokerAddress, brokerReach } from './cluster/broker-access.ts'
import { OPERATOR_MANAGER, OWNED_KINDS, podsOf } from './cluster/context.ts'
import { brokersName } from './cluster/desired/names.ts'
import { EtcdStand } from './cluster/etcd-stand.ts'
import { KeptSecrets } from './cluster/kept-secrets.ts'
import { clusterReconciler } from './cluster/reconcile.ts'
import { SecurityStand } from './cluster/security-stand.ts'
import { Discovery } from './discovery.ts'
import type { EtcdCare } from './etcd/care.ts'
import { EVENTS, lifeEvent } from './events.ts'
import { Load } from './load.ts'
import type { OperatorOptions } from './options.ts'
import { Orphans } from './orphans.ts'
import { Applier } from './runtime/applier.ts'
import { Controller, type Reconciler } from './runtime/controller.ts'
import { EventRecorder } from './runtime/event-recorder.ts'
import { Fence } from './runtime/fence.ts'
import type { KubeClient } from './runtime/kube-client.ts'
import { LeaseElector } from './runtime/lease-elector.ts'
import { type Ending, runManager } from './runtime/manager.ts'
import { isEnding } from './runtime/namespace-end.ts'
import { type KubeObject, keyOf } from './runtime/object.ts'
import type { Change } from './runtime/store.ts'
import { controllerKey, labelKey, type Mapper, ownKey, referrers, trigger } from './runtime/triggers.ts'
import { WorkQueue } from './runtime/work-queue.ts'
import { type Published, publishMetrics } from './scaling/published.ts'
import { readLag } from './signals/lag-reader.ts'
import type { Bootstrap } from './signals/observer.ts'
import { Absences } from './topic/absences.ts'
import { FigureLooks } from './topic/figure-looks.ts'
import { clusterKeyOf, letGo, type TopicReconcilerOptions, topicReconciler } from './topic/reconcile.ts'
import { CLUSTER, type KafScaleCluster } from './types/kaf-scale-cluster.ts'
import { USER } from './types/kaf-scale-user.ts'
import { UserCredentials } from './user/credentials.ts'
import * as users from './user/reconcile.ts'

const WORKERS = 4

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
  readonly #fence: Fence
  readonly #events: EventRecorder<typeof EVENTS>
  readonly #discovery: Discovery
  readonly #load: Load
  readonly #etcdCare: EtcdCare
  readonly #bucketCare: BucketCare
  readonly #orphans: Orphans
  readonly #topics: TopicReconcilerOptions
  readonly #kept: KeptSecrets
  readonly #users: users.UserReconcilerOptions

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
    this.#fence = new Fence(client, () => this.elector.stillLeader())
    const { client: fenced } = this.#fence
    this.#events = new EventRecorder({
      client: fenced,
      clock,
      log,
      table: EVENTS,
      controller: 'kafscale.io/operator',
      instance: options.identity,
    })
    this.caches = new Caches({ client, clock, random, log, namespaces: options.watched, times: options.reflectorTimes })
    this.#orphans = new Orphans(this.caches.clusters)
    const { caches } = this
    this.#kept = new KeptSecrets({
      client: fenced,
      applier: new Applier(fenced, OPERATOR_MANAGER),
      clock,
      secrets: caches.secrets,
      onWrite: (resource, object) => caches.observe(resource, object),
    })
    const onNews = (key: string): void => clusters.enqueue([key])
    this.#load = new Load({
      ...options,
      caches,
      bootstrapOf: cluster => this.#bootstrapOf(cluster),
      reachOf: address => brokerReach(address, this.#kept),
      onNews,
    })
    metrics.watches(() => caches.freshness())
    publishMetrics(metrics.registry, () => this.#load.published())
    const clusters = this.#clusterController(fenced)
    this.#topics = this.#topicOptions(fenced, onNews)
    this.#users = this.#userOptions(fenced)
    const parts = { options, caches, client: fenced, events: this.#events, onReport: onNews }
    this.#etcdCare = newEtcdCare(parts)
    this.#bucketCare = newBucketCare(parts)
    this.controllers = [
      clusters,
      this.#topicController(),
      this.#userController(),
      this.#etcdController(),
      this.#bucketController(),
    ]
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
        background: [this.#events, this.#load.autoscaler],
        elector: this.elector,
        fence: this.#fence,
        farewell: farewell => this.#bidFarewell(farewell),
      },
      signal,
    )
  }

  /** `/scaling/NAMESPACE/NAME`: what others may scale that cluster by. */
  page(path: string): Published | undefined {
    return this.#load.page(path)
  }

  #clusterController(client: KubeClient) {
    const { caches } = this
    const applier = new Applier(client, OPERATOR_MANAGER)
    const etcd = new EtcdStand({
      client,
      kept: this.#kept,
      configMaps: caches.owned.configMaps,
      statefulSets: caches.owned.statefulSets,
      podsOf: cluster => podsOf(caches, cluster),
      times: this.#options.trustTimes,
      onLife: (cluster, life) => {
        const event = lifeEvent(life)
        if (event !== undefined) this.#events.record(cluster, ...event)
      },
    })
    const reconciler = clusterReconciler({
      client,
      applier,
      etcd,
      security: new SecurityStand({
        applier,
        kept: this.#kept,
        times: this.#options.listenerTrustTimes,
        onWrite: (resource, object) => caches.observe(resource, object),
      }),
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
      lookAt: (key, uid) => this.#load.autoscaler.lookAt(key, uid),
      orphansOf: key => this.#orphans.of(key),
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

  async #bidFarewell(signal: AbortSignal): Promise<void> {
    await letGo(this.#topics, signal).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'topics of a namespace that is being deleted may keep their finalizers')
    })
    await users.letGo(this.#users, signal).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'users of a namespace that is being deleted may keep their finalizers')
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
      addressOf: cluster => brokerReach(this.#bootstrapOf(cluster), this.#kept),
      absences: new Absences(clock, figuresEveryMs),
      looks: new FigureLooks({
        clock,
        readPositions: (address, timeoutMs, signal) => readLag({ ...address, clock, timeoutMs, signal }),
        everyMs: figuresEveryMs,
      }),
      onWrite: (resource, object) => caches.observe(resource, object),
      isEnding: (namespace, signal) => isEnding(client, namespace, signal),
      onOrphan: (topic, reason) => {
        this.#events.record(topic, 'TopicOrphaned', `The topic stays, because ${reason}.`)
        onOrphaned(this.#orphans.keep(topic, reason, clock.now()))
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

  #userOptions(client: KubeClient): users.UserReconcilerOptions {
    const { caches } = this
    const { clock, usersEveryMs, listenerTrustTimes } = this.#options
    const applier = new Applier(client, OPERATOR_MANAGER)
    const onWrite: users.UserReconcilerOptions['onWrite'] = (resource, object) => caches.observe(resource, object)
    return {
      applier,
      clock,
      clusters: caches.clusters,
      users: caches.users,
      credentials: new UserCredentials({ applier, kept: this.#kept, clock, times: listenerTrustTimes, onWrite }),
      reach: (cluster, signal) => brokerReach(this.#bootstrapOf(cluster), this.#kept, signal),
      onWrite,
      isEnding: (namespace, signal) => isEnding(client, namespace, signal),
      onOrphan: (user, reason) =>
        this.#events.record(user, 'UserOrphaned', `The user stays in the brokers, because ${reason}.`),
      lookEveryMs: usersEveryMs,
    }
  }

  #userController() {
    const { caches } = this
    const controller = this.#controller(users.userReconciler(this.#users))
    trigger(caches.users, controller.queue, change => [...ownKey(change)].map(() => users.clusterKeyOf(change.object)))
    trigger(caches.clusters, controller.queue, users.connectionKey)
    // Its own Secret, that with its password, and those of the cluster's authority.
    trigger(caches.secrets, controller.queue, change => [
      ...[...controllerKey(USER.kind)(change)].flatMap(key => caches.users.get(key) ?? []).map(users.clusterKeyOf),
      ...caches.users.by(BY_PASSWORD, change.key).map(users.clusterKeyOf),
      ...referrers(caches.clusters, BY_SECRET)(change),
    ])
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

  #bootstrapOf(cluster: KafScaleCluster): Bootstrap {
    const { addressOf, defaults } = this.#options
    return addressOf === undefined ? brokerAddress(cluster, defaults) : addressOf(cluster)
  }
}

/** A controller of whatever context. */
export type RunningController = Pick<Controller<unknown>, 'name' | 'queue' | 'isAlive' | 'run'>
