// Looks at the brokers and groups of a cluster, and remembers what the next look needs. A pod that does not answer, a page
// that is cut off, a broker without groups: each shows as missing in the observation, never as zero.

import type { Clock } from '../../broker/clock.ts'
import { deadline } from '../runtime/deadline.ts'
import type { Sight } from '../scaling/autoscaler.ts'
import type { BrokerLoad } from '../scaling/observation.ts'
import { type BrokerSample, brokerSample, type Load, loadBetween, storeBetween } from './broker-sample.ts'
import { LagMemory } from './lag-memory.ts'
import type { LagPage } from './lag-reader.ts'
import type { ScrapeAddress } from './scrape.ts'
import { smoothed } from './smoothing.ts'

/** A pod of a broker. Without an address it cannot be asked. */
export interface BrokerPod {
  readonly name: string
  readonly uid: string
  readonly ready: boolean
  readonly address: ScrapeAddress | undefined
}

/** Where the brokers of a cluster speak Kafka. */
export interface Bootstrap extends ScrapeAddress {
  /** The Secret with what has to be shown there. */
  readonly identity?: { readonly namespace: string; readonly name: string }
}

/** What is to be looked at. */
export interface Observed {
  readonly key: string
  /** Pods that the Deployment wants. */
  readonly current: number
  readonly pods: readonly BrokerPod[]
  /** What a broker is promised of the CPU. */
  readonly cores: number
  readonly bootstrap: Bootstrap
  readonly rollingOut: boolean
  readonly unschedulable: number
}

export interface ObserverOptions {
  readonly clock: Clock
  /** The metrics of a broker. */
  readonly scrape: (address: ScrapeAddress, signal: AbortSignal) => Promise<string>
  readonly readLag: (address: Bootstrap, timeoutMs: number, signal: AbortSignal) => Promise<LagPage>
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 5000
const HALF_LIFE_MS = 30_000
const AT_ONCE = 8
/** Of the answers of the S3 service. */
const REFUSED_SHARE = 0.02
const SLOW_FACTOR = 4
const SLOW_SECONDS = 1
const BASELINE_HALF_LIFE_MS = 600_000

interface PodMemory {
  readonly sample: BrokerSample
  readonly load: Load | undefined
}

class ClusterMemory {
  pods = new Map<string, PodMemory>()
  readonly lag = new LagMemory()
  /** Seconds of a request to the object store, as it used to be. */
  storeBaseline: number | undefined
}

export class Observer {
  readonly #options: ObserverOptions
  readonly #clusters = new Map<string, ClusterMemory>()

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  async observe(observed: Observed, signal: AbortSignal): Promise<Sight> {
    const memory = this.#clusters.get(observed.key) ?? new ClusterMemory()
    this.#clusters.set(observed.key, memory)
    const isAlone = !observed.pods.some(({ ready }) => ready)
    const [samples, page] = await Promise.all([
      this.#samples(observed.pods, signal),
      isAlone ? undefined : this.#lag(observed.bootstrap, signal),
    ])
    const stores = observed.pods.flatMap(({ uid }) => {
      const [before, after] = [memory.pods.get(uid)?.sample, samples.get(uid)]
      return before === undefined || after === undefined ? [] : (storeBetween(before, after) ?? [])
    })
    const brokers = observed.pods.map(pod => this.#broker(memory, pod, samples.get(pod.uid), observed.cores))
    forget(memory, observed.pods)
    const now = this.#options.clock.monotonic()
    const { current, rollingOut, unschedulable } = observed
    return {
      observation: {
        current,
        brokers,
        lag: page === undefined ? undefined : memory.lag.take(page.positions, now),
        lagIsPartial: page?.isWhole === false,
        storageThrottled: isThrottled(memory, stores),
        rollingOut,
        unschedulable,
      },
      version: agreed([...samples.values()].map(({ version }) => version)),
    }
  }

  /** Nothing is remembered of clusters that are not among these. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#clusters.keys()) if (!keys.has(key)) this.#clusters.delete(key)
  }

  async #samples(pods: readonly BrokerPod[], signal: AbortSignal): Promise<ReadonlyMap<string, BrokerSample>> {
    const samples = new Map<string, BrokerSample>()
    const left = pods.filter(({ ready, address }) => ready && address !== undefined)
    const work = async (): Promise<void> => {
      for (let pod = left.shift(); pod !== undefined; pod = left.shift()) {
        const sample = pod.address === undefined ? undefined : await this.#sample(pod.address, signal)
        if (sample !== undefined) samples.set(pod.uid, sample)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return samples
  }

  async #sample(address: ScrapeAddress, signal: AbortSignal): Promise<BrokerSample | undefined> {
    const { clock, scrape, timeoutMs = TIMEOUT_MS } = this.#options
    using limit = deadline(clock, timeoutMs, signal)
    const page = await scrape(address, limit.signal).catch(() => undefined)
    return page === undefined ? undefined : brokerSample(page, clock.monotonic())
  }

  #lag(address: Bootstrap, signal: AbortSignal): Promise<LagPage | undefined> {
    const { readLag, timeoutMs = TIMEOUT_MS } = this.#options
    return readLag(address, timeoutMs, signal).catch(() => undefined)
  }

  #broker(memory: ClusterMemory, pod: BrokerPod, sample: BrokerSample | undefined, cores: number): BrokerLoad {
    const { name, uid, ready } = pod
    if (sample === undefined) return { name, ready }
    const before = memory.pods.get(uid)
    const fresh = before === undefined ? undefined : loadBetween(before.sample, sample, cores)
    const load = fresh && smoothedLoad(before?.load, fresh, sample.at - (before?.sample.at ?? sample.at))
    memory.pods.set(uid, { sample, load })
    return { name, ready, ...load }
  }
}

function forget({ pods }: ClusterMemory, present: readonly BrokerPod[]): void {
  const uids = new Set(present.map(({ uid }) => uid))
  for (const uid of pods.keys()) if (!uids.has(uid)) pods.delete(uid)
}

function smoothedLoad(before: Load | undefined, now: Load, elapsedMs: number): Load {
  const one = (read: (load: Load) => number | undefined): number | undefined => {
    const value = read(now)
    return value === undefined ? undefined : smoothed(before && read(before), value, elapsedMs, HALF_LIFE_MS)
  }
  return {
    eventLoop: one(load => load.eventLoop),
    cpu: one(load => load.cpu),
    ingressBytesPerSecond: one(load => load.ingressBytesPerSecond),
    egressBytesPerSecond: one(load => load.egressBytesPerSecond),
    connections: now.connections,
    fetchQueueSeconds: one(load => load.fetchQueueSeconds),
  }
}

/** It refuses requests, or takes far longer than it used to. What is slow now does not count as what it used to be. */
function isThrottled(memory: ClusterMemory, stores: readonly NonNullable<ReturnType<typeof storeBetween>>[]): boolean {
  const requests = stores.reduce((sum, store) => sum + store.requests, 0)
  const refused = stores.reduce((sum, store) => sum + store.refused, 0)
  if (refused > 0 && refused >= requests * REFUSED_SHARE) return true
  const means = stores.flatMap(({ meanSeconds }) => meanSeconds ?? [])
  if (means.length === 0) return false
  const mean = means.reduce((sum, one) => sum + one, 0) / means.length
  const { storeBaseline } = memory
  if (storeBaseline !== undefined && mean > SLOW_SECONDS && mean > SLOW_FACTOR * storeBaseline) return true
  memory.storeBaseline = smoothed(storeBaseline, mean, LOOK_MS, BASELINE_HALF_LIFE_MS)
  return false
}

/** About the time between two looks; the baseline moves slowly, so that it need not be exact. */
const LOOK_MS = 15_000

function agreed(versions: readonly (string | undefined)[]): string | undefined {
  const [first, ...others] = new Set(versions)
  return others.length === 0 ? first : undefined
}
