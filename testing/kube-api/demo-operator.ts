// A little operator for the tests of the engine: for each KafScaleCluster a ConfigMap with its bucket and a ServiceAccount,
// one after the other, a finalizer, and a status that says so. It has all that a real one has, and fits on a page.

import { type Clock, systemClock } from '../../broker/clock.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { Applier } from '../../operator/runtime/applier.ts'
import { Controller, type Pass, type Reconciler } from '../../operator/runtime/controller.ts'
import { Fence } from '../../operator/runtime/fence.ts'
import type { KubeClient } from '../../operator/runtime/kube-client.ts'
import { LeaseElector, type LeaseTimes } from '../../operator/runtime/lease-elector.ts'
import { type Ending, runManager } from '../../operator/runtime/manager.ts'
import type { Manifest } from '../../operator/runtime/object.ts'
import { Reflector, type ReflectorTimes } from '../../operator/runtime/reflector.ts'
import { RESOURCES, type Resource } from '../../operator/runtime/resource.ts'
import { next, type Outcome, type Step, wait } from '../../operator/runtime/step.ts'
import { Store } from '../../operator/runtime/store.ts'
import { controllerKey, ownKey, trigger } from '../../operator/runtime/triggers.ts'
import { WorkQueue } from '../../operator/runtime/work-queue.ts'
import { CLUSTER } from '../../operator/types/kaf-scale-cluster.ts'
import { valueAt } from './json.ts'

const FINALIZER = 'kafscale.io/demo'
const MANAGER = 'demo-operator'

/** Short times, so that a test sees many rounds. */
const REFLECTOR_TIMES: ReflectorTimes = {
  watchSeconds: 60,
  idleMs: 120_000,
  backoff: { baseMs: 5, capMs: 50 },
  healthyMs: 1000,
}

const LEASE_TIMES: LeaseTimes = { leaseMs: 1000, renewDeadlineMs: 700, retryMs: 50 }

export interface DemoOptions {
  readonly client: KubeClient
  readonly identity: string
  readonly clock?: Clock
  readonly leaseTimes?: LeaseTimes
}

interface Context {
  readonly cluster: Manifest
  readonly pass: Pass
}

export class DemoOperator {
  readonly elector: LeaseElector
  readonly clusters = new Store<Manifest>()
  readonly configMaps = new Store<Manifest>()
  readonly accounts = new Store<Manifest>()
  readonly queue: WorkQueue
  /** Passes that ended. */
  passes = 0
  readonly #stop = new AbortController()
  readonly #applier: Applier
  readonly #finalizers: Applier
  readonly #running: Promise<Ending>

  constructor({ client, identity, clock = systemClock, leaseTimes = LEASE_TIMES }: DemoOptions) {
    const log = createLogger('silent')
    const random = Math.random
    this.elector = new LeaseElector({
      client,
      clock,
      random,
      log,
      namespace: 'default',
      name: 'demo',
      identity,
      times: leaseTimes,
    })
    const fence = new Fence(client, () => this.elector.stillLeader())
    this.#applier = new Applier(fence.client, MANAGER)
    this.#finalizers = new Applier(fence.client, `${MANAGER}-finalizer`)
    this.queue = new WorkQueue({ clock, random, backoff: { baseMs: 5, capMs: 100 } })
    const controller = new Controller({
      reconciler: this.#reconciler(),
      queue: this.queue,
      clock,
      random,
      log,
      passTimeoutMs: 5000,
      onPass: () => {
        this.passes++
      },
    })
    trigger(this.clusters, this.queue, ownKey)
    for (const store of [this.configMaps, this.accounts]) trigger(store, this.queue, controllerKey(CLUSTER.kind))
    const read = (manifest: Manifest): Manifest => manifest
    const reflect = (resource: Resource, store: Store<Manifest>) =>
      new Reflector({ client, resource, store, read, clock, random, log, times: REFLECTOR_TIMES })
    this.#running = runManager(
      {
        clock,
        sources: [
          reflect(CLUSTER, this.clusters),
          reflect(RESOURCES.configMaps, this.configMaps),
          reflect(RESOURCES.serviceAccounts, this.accounts),
        ],
        workers: [controller],
        elector: this.elector,
        fence,
        graceMs: 1000,
      },
      this.#stop.signal,
    )
  }

  /** Ends by itself when it loses the lease. */
  get ending(): Promise<Ending> {
    return this.#running
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  #reconciler(): Reconciler<Context> {
    return {
      name: 'demo',
      begin: (key, pass) => {
        const cluster = this.clusters.get(key)
        return cluster && { cluster, pass }
      },
      steps: [this.#finalizer(), this.#leave(), this.#configMap(), this.#account()],
      end: (context, outcome) => this.#status(context, outcome),
    }
  }

  #finalizer(): Step<Context> {
    return {
      name: 'finalizer',
      run: async ({ cluster }) => {
        if (cluster.metadata.deletionTimestamp === undefined) await this.#hold(cluster, [FINALIZER])
        return next
      },
    }
  }

  #leave(): Step<Context> {
    return {
      name: 'leave',
      run: async ({ cluster }) => {
        if (cluster.metadata.deletionTimestamp === undefined) return next
        const key = `${cluster.metadata.namespace}/${cluster.metadata.name}`
        for (const [resource, store] of [
          [RESOURCES.configMaps, this.configMaps],
          [RESOURCES.serviceAccounts, this.accounts],
        ] as const) {
          const live = store.get(key)
          if (live !== undefined) await this.#applier.remove(resource, live, cluster)
        }
        await this.#hold(cluster, [])
        return wait('Deleting', 60_000)
      },
    }
  }

  #configMap(): Step<Context> {
    return this.#object('config map', RESOURCES.configMaps, this.configMaps, cluster => ({
      data: { bucket: String(valueAt(cluster, ['spec', 's3', 'bucket'])) },
    }))
  }

  #account(): Step<Context> {
    return this.#object('account', RESOURCES.serviceAccounts, this.accounts, () => ({
      automountServiceAccountToken: false,
    }))
  }

  #object(
    name: string,
    resource: Resource,
    store: Store<Manifest>,
    content: (cluster: Manifest) => object,
  ): Step<Context> {
    return {
      name,
      run: async ({ cluster, pass }) => {
        const { metadata } = cluster
        const desired: Manifest = {
          apiVersion: 'v1',
          kind: resource.kind,
          metadata: { name: metadata.name, namespace: metadata.namespace },
          ...content(cluster),
        }
        const live = store.get(`${metadata.namespace}/${metadata.name}`)
        const { object } = await this.#applier.apply({ resource, desired, live, owner: cluster, signal: pass.signal })
        store.observeWrite(object)
        return next
      },
    }
  }

  async #status({ cluster }: Context, outcome: Outcome): Promise<void> {
    if (cluster.metadata.deletionTimestamp !== undefined) return
    const status = {
      observedGeneration: cluster.metadata.generation,
      phase: outcome.kind === 'fail' ? outcome.reason : outcome.kind === 'wait' ? 'Progressing' : 'Ready',
    }
    const written = await this.#applier.applyStatus({ resource: CLUSTER, live: cluster, status })
    if (written !== undefined) this.clusters.observeWrite(written)
  }

  async #hold(cluster: Manifest, finalizers: readonly string[]): Promise<void> {
    const { name, namespace, uid } = cluster.metadata
    const desired: Manifest = {
      apiVersion: cluster.apiVersion,
      kind: cluster.kind,
      metadata: { name, namespace, uid, ...(finalizers.length === 0 ? {} : { finalizers: [...finalizers] }) },
    }
    const { object } = await this.#finalizers.apply({ resource: CLUSTER, desired, live: cluster })
    this.clusters.observeWrite(object)
  }
}
