// The loop that keeps every cluster's number of brokers under review, while we lead: look at its signals, decide, tell who
// reconciles it. It writes nothing itself: the reconciler of the cluster is its only writer, so that the size, the status
// and the history in it never contradict each other.
//
// What is remembered between looks is exact here; the status has as much of it as the next leader needs.
//
// Brokers that are late with an answer have not changed: a look at the same brokers that finds less than the one before it
// counts only when it is the third in a row. Until then the one before it holds.

import type { Clock } from '../../broker/clock.ts'
import type { Logger } from '../../broker/observe/logger.ts'
import { deadline, pause } from '../runtime/deadline.ts'
import type { KafScaleCluster } from '../types/kaf-scale-cluster.ts'
import { type Decision, decide } from './decide.ts'
import { type History, readHistory, withoutIntent } from './history.ts'
import type { BrokerLoad, Observation } from './observation.ts'
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
const MOST_POOR_LOOKS = 2

interface Memory {
  readonly uid: string | undefined
  readonly look: Look
  /** Looks since that one that found less. */
  readonly poorLooks: number
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
      if (outer.aborted || this.#isPoor(target, sight)) return
      const at = clock.now()
      const history = this.#historyOf(target, sight.observation.current)
      const { spec, metadata } = cluster
      const decision = decide(at, spec.scaling, history, sight.observation, metadata.generation)
      // What is not carried out has not happened, and limits nothing.
      const events = target.isCarriedOut ? decision.history.events : history.events
      const kept = { ...decision, history: { ...decision.history, events } }
      const look = { ...sight, at, decision: kept }
      this.#memories.set(key, { uid: metadata.uid, look, poorLooks: 0 })
      if (hasNews(cluster, look, target.isCarriedOut)) onNews(key)
    } catch (cause) {
      if (!outer.aborted) log.warn({ cluster: key, err: cause }, 'the load of a cluster could not be looked at')
    }
  }

  /** Whether the look does not count, because it found less than the one before. */
  #isPoor({ key, cluster }: Target, { observation }: Sight): boolean {
    const { uid } = cluster.metadata
    const memory = this.#memories.get(key)
    if (memory === undefined || memory.uid !== uid || memory.poorLooks >= MOST_POOR_LOOKS) return false
    if (!lacks(memory.look.observation, observation)) return false
    this.#memories.set(key, { ...memory, poorLooks: memory.poorLooks + 1 })
    return true
  }

  #historyOf({ key, cluster }: Target, current: number): History {
    const known = this.lookAt(key, cluster.metadata.uid)
    return withoutIntent(known?.decision.history ?? readHistory(cluster.status?.scaling?.history), current)
  }
}

/** The same brokers are there and ready, and something that was known is not. */
function lacks(before: Observation, now: Observation): boolean {
  const known = new Map(before.brokers.map(broker => [broker.name, broker]))
  const areTheSame =
    before.current === now.current &&
    known.size === now.brokers.length &&
    now.brokers.every(({ name, ready }) => known.get(name)?.ready === ready)
  if (!areTheSame) return false
  const isSilent = (broker: BrokerLoad | undefined): boolean => broker?.connections === undefined
  return (
    (before.lag !== undefined && now.lag === undefined) ||
    now.brokers.some(broker => isSilent(broker) && !isSilent(known.get(broker.name)))
  )
}
