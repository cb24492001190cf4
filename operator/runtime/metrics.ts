// The engine's metrics, by the names that controller-runtime and client-go have for them, so that dashboards and alerts for
// other operators work for this one.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { PassReport } from './controller.ts'
import type { RequestReport } from './http-kube-client.ts'
import type { QueueWatcher, WorkQueue } from './work-queue.ts'

const PASS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const QUEUE_SECONDS = [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000]
const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
/** They are renewed for as long as there is a leader. */
const LEASES = /^\/apis\/coordination\.k8s\.io\//
const RESULTS = ['success', 'requeue', 'requeue_after', 'error'] as const

/** What is read when Prometheus asks. */
export interface WatchFreshness {
  readonly name: string
  readonly silenceSeconds: number
}

export class EngineMetrics {
  readonly registry = new Registry()

  readonly #passes = this.#counter('controller_runtime_reconcile_total', 'Passes by result', ['controller', 'result'])
  readonly #errors = this.#counter('controller_runtime_reconcile_errors_total', 'Passes that failed', ['controller'])
  readonly #terminal = this.#counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Passes that failed in a way that only a change helps',
    ['controller'],
  )
  readonly #panics = this.#counter('controller_runtime_reconcile_panics_total', 'Passes that threw', ['controller'])
  readonly #timeouts = this.#counter('controller_runtime_reconcile_timeouts_total', 'Passes that took too long', [
    'controller',
  ])
  readonly #passSeconds = this.#histogram(
    'controller_runtime_reconcile_time_seconds',
    'Time of a pass',
    ['controller'],
    PASS_SECONDS,
  )
  readonly #maxWorkers = this.#gauge('controller_runtime_max_concurrent_reconciles', 'Keys worked on at most', [
    'controller',
  ])
  readonly #adds = this.#counter('workqueue_adds_total', 'Keys added', ['name'])
  readonly #retries = this.#counter('workqueue_retries_total', 'Keys added after a failure', ['name'])
  readonly #queueSeconds = this.#histogram(
    'workqueue_queue_duration_seconds',
    'Time of a key in line',
    ['name'],
    QUEUE_SECONDS,
  )
  readonly #workSeconds = this.#histogram(
    'workqueue_work_duration_seconds',
    'Time of work on a key',
    ['name'],
    QUEUE_SECONDS,
  )
  readonly #requests = this.#counter('rest_client_requests_total', 'Requests to the API server', ['code', 'method'])
  readonly #requestSeconds = this.#histogram(
    'rest_client_request_duration_seconds',
    'Time of a request to the API server',
    ['method'],
    REQUEST_SECONDS,
  )
  readonly #leads = this.#gauge('leader_election_master_status', 'Whether this process leads', ['name'])
  readonly #writes = this.#counter(
    'kafscale_operator_writes_total',
    'Requests that write, but for the lease of the leader; none when everything is settled',
    ['method'],
  )

  /** For HttpKubeClient.onRequest. */
  request({ method, path, code, seconds }: RequestReport): void {
    this.#requests.inc({ code, method })
    this.#requestSeconds.observe({ method }, seconds)
    if (method !== 'GET' && method !== 'WATCH' && !LEASES.test(path)) this.#writes.inc({ method })
  }

  /** For ControllerOptions.onPass. */
  pass(controller: string, { result, seconds, isTerminal, hasTimedOut, isPanic }: PassReport): void {
    this.#passes.inc({ controller, result })
    this.#passSeconds.observe({ controller }, seconds)
    if (result === 'error') this.#errors.inc({ controller })
    if (isTerminal) this.#terminal.inc({ controller })
    if (hasTimedOut) this.#timeouts.inc({ controller })
    if (isPanic) this.#panics.inc({ controller })
  }

  /** For WorkQueueOptions.watcher. */
  queue(name: string): QueueWatcher {
    return {
      added: () => this.#adds.inc({ name }),
      retried: () => this.#retries.inc({ name }),
      taken: seconds => this.#queueSeconds.observe({ name }, seconds),
      finished: seconds => this.#workSeconds.observe({ name }, seconds),
    }
  }

  /** For LeaseElectorOptions.onChange. */
  leads(name: string, isLeader: boolean): void {
    this.#leads.set({ name }, isLeader ? 1 : 0)
  }

  /** Shows the queue of a controller; each result is there from the start, at 0. */
  observe(controller: { readonly name: string; readonly workers: number; readonly queue: WorkQueue }): void {
    const { name, queue } = controller
    this.#maxWorkers.set({ controller: name }, controller.workers)
    for (const result of RESULTS) this.#passes.inc({ controller: name, result }, 0)
    this.#errors.inc({ controller: name }, 0)
    this.#queues.set(name, queue)
  }

  /** Shows how long ago each watch said anything. */
  watches(sources: () => readonly WatchFreshness[]): void {
    this.#freshness = sources
  }

  readonly #queues = new Map<string, WorkQueue>()
  #freshness: () => readonly WatchFreshness[] = () => []

  constructor() {
    const each = (gauge: Gauge, label: string, value: (queue: WorkQueue) => number): void => {
      for (const [name, queue] of this.#queues) gauge.set({ [label]: name }, value(queue))
    }
    const asked = (name: string, help: string, label: string, value: (queue: WorkQueue) => number): void => {
      const registers = [this.registry]
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect: function () {
          each(this, label, value)
        },
      })
    }
    asked('workqueue_depth', 'Keys in line', 'name', queue => queue.depth)
    asked('workqueue_unfinished_work_seconds', 'Time of all keys in work', 'name', queue => sum(queue.busySeconds))
    asked('workqueue_longest_running_processor_seconds', 'Time of the key longest in work', 'name', queue =>
      Math.max(0, ...queue.busySeconds),
    )
    asked('controller_runtime_active_workers', 'Keys in work', 'controller', queue => queue.busySeconds.length)
    const freshness = (gauge: Gauge): void => {
      for (const { name, silenceSeconds } of this.#freshness()) gauge.set({ resource: name }, silenceSeconds)
    }
    new Gauge({
      name: 'kafscale_operator_watch_last_event_age_seconds',
      help: 'Time since a watch last said anything',
      labelNames: ['resource'],
      registers: [this.registry],
      collect: function () {
        freshness(this)
      },
    })
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[],
  ): Histogram<Label> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] })
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
