// The loop that keeps every cluster's number of brokers under review, while we lead: look at its signals, decide, tell who
// reconciles it. It writes nothing itself: the reconciler of the cluster is its only writer, so that the size, the status
// and the history in it never contradict each other.
//
// What is remembered between looks is exact here; the status has as much of it as the next leader needs.

import type { Clock } from '../../broker/clock.ts'
import type { Logger } from '../../broker/observe/logger.ts'
import { deadline, pause } from '../runtime/deadline.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type Decision, decide } from './decide.ts'
import { type History, readHistory, withoutIntent } from './history.ts'
import type { Observation } from './observation.ts'
import { hasNews } from './report.ts'

export interface ScaleTarget {
  /** `namespace/name`. */
  readonly key: string
  readonly cluster: KafScaleCluster
  /** Decisions are carried out: the mode is Auto, and nothing is paused. */
  readonly isCarriedOut: boolean
}

export interface Sight {
  readonly observation: Observation
  /** Software of the brokers; undefined while they differ or none answered. */
  readonly version: string | undefined
}

/** What came of a look. */
export interface Look extends Sight {
  /** ms since 1970. */
  readonly at: number
  readonly decision: Decision
}

export interface AutoscalerOptions<Target extends ScaleTarget> {
  readonly clock: Clock
  readonly log: Logger
  readonly targets: () => Iterable<Target>
  /** Rejects only when it cannot tell anything at all. */
  readonly observe: (target: Target, signal: AbortSignal) => Promise<Sight>
  /** A look at the cluster found something that has to be done or told. */
  readonly onNews: (key: string) => void
  readonly everyMs?: number
}

/** As the HorizontalPodAutoscaler. */
const EVERY_MS = 15_000
const AT_ONCE = 4
/** Brokers that have not answered by then are missing. */
const LOOK_LIMIT_MS = 10_000

interface Memory {
  readonly uid: string | undefined
  readonly look: Look
}

export class Autoscaler<Target extends ScaleTarget> {
  readonly #options: AutoscalerOptions<Target>
  #memories = new Map<string, Memory>()

  constructor(options: AutoscalerOptions<Target>) {
    this.#options = options
  }

  /** The last look at a cluster, unless another one has its name by now. */
  lookAt(key: string, uid: string | undefined): Look | undefined {
    const memory = this.#memories.get(key)
    return memory?.uid === uid ? memory?.look : undefined
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs = EVERY_MS } = this.#options
    while (!signal.aborted) {
      const began = clock.monotonic()
      await this.#round(signal)
      await pause(clock, Math.max(0, everyMs - (clock.monotonic() - began)), signal)
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const targets = [...this.#options.targets()]
    const present = new Set(targets.map(({ key }) => key))
    for (const key of this.#memories.keys()) if (!present.has(key)) this.#memories.delete(key)
    const work = async (): Promise<void> => {
      for (let target = targets.shift(); target !== undefined; target = targets.shift()) {
        if (!signal.aborted) await this.#look(target, signal)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async #look(target: Target, outer: AbortSignal): Promise<void> {
    const { clock, log, observe, onNews } = this.#options
    const { key, cluster } = target
    using limit = deadline(clock, LOOK_LIMIT_MS, outer)
    try {
      const sight = await observe(target, limit.signal)
      if (outer.aborted) return
      const at = clock.now()
      const history = this.#historyOf(target, sight.observation.current)
      const { spec, metadata } = cluster
      const decision = decide(at, spec.scaling, history, sight.observation, metadata.generation)
      // What is not carried out has not happened, and limits nothing.
      const events = target.isCarriedOut ? decision.history.events : history.events
      const kept = { ...decision, history: { ...decision.history, events } }
      const look = { ...sight, at, decision: kept }
      this.#memories.set(key, { uid: metadata.uid, look })
      if (hasNews(cluster, look, target.isCarriedOut)) onNews(key)
    } catch (cause) {
      if (!outer.aborted) log.warn({ cluster: key, err: cause }, 'the load of a cluster could not be looked at')
    }
  }

  #historyOf({ key, cluster }: Target, current: number): History {
    const known = this.lookAt(key, cluster.metadata.uid)
    return withoutIntent(known?.decision.history ?? readHistory(cluster.status?.scaling?.history), current)
  }
}
