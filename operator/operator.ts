// The composition root of the operator: caches, reconcilers and their triggers, election, health.

import type { Clock } from '../broker/clock.ts'
import type { Logger } from '../broker/observe/logger.ts'
import { BY_SECRET, Caches } from './caches.ts'
import { listenersOf, serviceHost } from './cluster/desired/listeners.ts'
import type { OperatorDefaults } from './cluster/inputs.ts'
import { clusterReconciler, OPERATOR_MANAGER, OWNED_KINDS } from './cluster/reconcile.ts'
import { Discovery } from './discovery.ts'
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
import { keyOf } from './runtime/object.ts'
import type { ReflectorTimes } from './runtime/reflector.ts'
import { RESOURCES } from './runtime/resource.ts'
import { controllerKey, ownKey, referrers, trigger } from './runtime/triggers.ts'
import { WorkQueue } from './runtime/work-queue.ts'
import { type Address, clusterKeyOf, letGo, type TopicReconcilerOptions, topicReconciler } from './topic/reconcile.ts'
import { CLUSTER, type KafScaleCluster } from './types/kaf-scale-cluster.ts'

export interface OperatorOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly defaults: OperatorDefaults
  /** Where the operator itself is: its Lease is there. */
  readonly namespace: string
  /** Namespace that is looked after; undefined for all. */
  readonly watched: string | undefined
  readonly leaseName: string
  /** Nobody else's. */
  readonly identity: string
  readonly metrics: EngineMetrics
  /** Where brokers are reached; by default by the Service of the first listener. */
  readonly addressOf?: (cluster: KafScaleCluster) => Address
  readonly leaseTimes?: LeaseTimes
  readonly reflectorTimes?: ReflectorTimes
}

const WORKERS = 4

export class Operator {
  readonly caches: Caches
  readonly elector: LeaseElector
  readonly controllers: readonly RunningController[]
  readonly #options: OperatorOptions
  readonly #events: EventRecorder<typeof EVENTS>
  readonly #discovery: Discovery
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
    this.caches = new Caches({ client, clock, random, log, namespace: options.watched, times: options.reflectorTimes })
    const clusters = this.#clusterController(fenced)
    this.#topics = this.#topicOptions(fenced)
    this.controllers = [clusters, this.#topicController()]
    const onChange = (): void => clusters.enqueue([...this.caches.clusters.all()].map(keyOf))
    this.#discovery = new Discovery({ client, clock, log, onChange })
  }

  /** Names of what is not there yet. */
  unready(): string[] {
    return this.caches.watches.filter(({ isSynced }) => !isSynced).map(({ resource }) => resource.plural)
  }

  /** Runs until the signal aborts or the lead is lost. */
  async run(signal: AbortSignal): Promise<Ending> {
    return runManager(
      {
        clock: this.#options.clock,
        sources: [...this.caches.watches, this.#discovery],
        workers: this.controllers,
        background: [this.#events],
        elector: this.elector,
        farewell: farewell => this.#bidFarewell(farewell),
      },
      signal,
    )
  }

  #clusterController(client: KubeClient) {
    const { caches } = this
    const reconciler = clusterReconciler({
      client,
      applier: new Applier(client, OPERATOR_MANAGER),
      clock: this.#options.clock,
      defaults: this.#options.defaults,
      clusters: caches.clusters,
      owned: caches.owned,
      pods: caches.pods,
      secrets: caches.secrets,
      topics: caches.topics,
      has: () => this.#discovery.found,
      onWrite: (resource, object) => caches.observe(resource, object),
    })
    const controller = this.#controller(reconciler)
    trigger(caches.clusters, controller.queue, ownKey)
    trigger(caches.secrets, controller.queue, referrers(caches.clusters, BY_SECRET))
    for (const kind of OWNED_KINDS) trigger(caches.owned[kind], controller.queue, controllerKey(CLUSTER.kind))
    trigger(caches.topics, controller.queue, ({ type, object }) => (type === 'changed' ? [] : [clusterKeyOf(object)]))
    return controller
  }

  async #bidFarewell(signal: AbortSignal): Promise<void> {
    await letGo(this.#topics, signal).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'topics of a namespace that is being deleted may keep their finalizers')
    })
  }

  #topicOptions(client: KubeClient): TopicReconcilerOptions {
    const { caches } = this
    return {
      applier: new Applier(client, OPERATOR_MANAGER),
      clock: this.#options.clock,
      clusters: caches.clusters,
      topics: caches.topics,
      addressOf: this.#options.addressOf ?? (cluster => this.#addressOf(cluster)),
      onWrite: (resource, object) => caches.observe(resource, object),
      isEnding: (namespace, signal) => isEnding(client, namespace, signal),
      onOrphan: (topic, reason) => this.#events.record(topic, 'TopicOrphaned', `The topic stays, because ${reason}.`),
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
