// One chaos run: a cluster, clients at work, faults one after the other, and what it all came to.
//
// After each fault is healed, every client has to get on again within a bounded time, and the gaps of the producers are
// measured. At the end every broker is started anew one by one (no client may notice), the clients stop, every broker is
// read from end to end, and history, hashes and bucket are judged.

import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../../testing/simulation/random.ts'
import type { ChaosBroker } from './chaos-cluster.ts'
import { ChaosCluster } from './chaos-cluster.ts'
import { Committer } from './committer.ts'
import { type Fault, faultsHere } from './faults.ts'
import { judge } from './history.ts'
import { JavaLoad, type JavaProgram } from './java-load.ts'
import { KafkajsMember, kafkajsProducer, platformaticProducer } from './node-clients.ts'
import type { Operation } from './operations.ts'
import { createTopic } from './topic.ts'
import { WireProducer } from './wire-producer.ts'
import { readWhole, WireReader } from './wire-reader.ts'
import { type ChaosClient, now, type Place } from './workload.ts'

const TOPIC = 'chaos'
/** Of the clients whose library picks the broker; each wire producer has one of its own before these. */
const SHARED_PARTITIONS = 3
/** After healing, every client has got on again within this time. */
export const RECOVERY_LIMIT_MS = 60_000
/** Two rounds of the sweep, and the time that it takes. */
const ORPHANS_LIMIT_MS = 90_000
const WARM_UP_LIMIT_MS = 60_000
const LOOK_MS = 50

export interface FaultReport {
  readonly kind: string
  readonly target: string
  readonly heldMs: number
  /** From healing until every client had got on; undefined when it took too long. */
  readonly recoveryMs: number | undefined
  /** Who had not got on when the time was up. */
  readonly stuck: readonly string[]
  /** Longest gaps, ms, of producers that stay with a broker: the one that was hit, and the others. */
  readonly gapOnHitMs: number | undefined
  readonly gapOnOthersMs: number | undefined
  /** Longest gap, ms, by producer whose library picks the broker. */
  readonly gaps: Readonly<Record<string, number>>
  readonly problem: string | undefined
}

export interface RollingReport {
  readonly errors: readonly string[]
  readonly exitCodes: readonly (number | null)[]
  readonly gaps: Readonly<Record<string, number>>
}

export interface FinalReport {
  readonly violations: readonly string[]
  readonly hashDifferences: readonly string[]
  readonly hashesCompared: number
  readonly defects: readonly string[]
  readonly orphans: readonly string[]
  readonly missing: readonly string[]
  readonly objects: number
  readonly counts: Readonly<Record<Operation['kind'], number>>
}

export class ChaosRun {
  readonly cluster: ChaosCluster
  readonly clients: ChaosClient[] = []
  readonly operations: Operation[] = []
  readonly #random: SeededRandom
  readonly #partitions: readonly number[]
  readonly #comparing: NodeJS.Timeout

  static async start(seed: number, java: JavaProgram | undefined): Promise<ChaosRun> {
    const random = new SeededRandom(seed)
    const cluster = await ChaosCluster.start(() => random.next())
    const run = new ChaosRun(cluster, random)
    try {
      await run.#startClients(java)
      await run.#awaitProgress(now(), WARM_UP_LIMIT_MS).then(({ stuck }) => {
        if (stuck.length > 0) throw new Error(`clients do not get on before any fault: ${stuck}`)
      })
      return run
    } catch (cause) {
      await run.stop()
      throw cause
    }
  }

  private constructor(cluster: ChaosCluster, random: SeededRandom) {
    this.cluster = cluster
    this.#random = random
    this.#partitions = Array.from({ length: cluster.brokers.length + SHARED_PARTITIONS }, (_, index) => index)
    this.#comparing = setInterval(() => void cluster.witness.compareHashes().catch(() => {}), 2000)
  }

  get faults(): readonly Fault[] {
    return faultsHere(this.cluster)
  }

  /** Injects the fault, heals it after `holdMs`, and waits until everybody gets on. */
  async inject(fault: Fault, holdMs: number, target = this.#random.pick(this.cluster.brokers)): Promise<FaultReport> {
    const began = now()
    let problem: string | undefined
    try {
      const heal = await fault.begin(this.cluster, target)
      await sleep(holdMs)
      await heal()
    } catch (cause) {
      problem = String(cause)
    }
    const healed = now()
    const { ms, stuck } = await this.#awaitProgress(healed, RECOVERY_LIMIT_MS)
    const hit = fault.hits === 'one broker' ? target : undefined
    return {
      kind: fault.kind,
      target: hit === undefined ? 'all' : String(hit.index),
      heldMs: healed - began,
      recoveryMs: ms,
      stuck,
      ...this.#gapsOf(hit, began, now()),
      problem,
    }
  }

  holdMs({ longMs: [least, most] }: Fault): number {
    return this.#random.int(least, most)
  }

  shuffled<Value>(values: readonly Value[]): Value[] {
    return values
      .map(value => ({ value, rank: this.#random.next() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ value }) => value)
  }

  /** SIGTERM to one broker after the other, each started again before the next. */
  async rollingRestart(): Promise<RollingReport> {
    const began = now()
    const exitCodes: (number | null)[] = []
    for (const { process } of this.cluster.brokers) {
      exitCodes.push(await process.stop())
      await process.start()
      await sleep(2000)
    }
    await this.#awaitProgress(now(), RECOVERY_LIMIT_MS)
    const errors = this.clients.flatMap(client =>
      client.errors.filter(({ at }) => at > began).map(({ message }) => `${client.name}: ${message}`),
    )
    return { errors, exitCodes, gaps: this.#gapsOf(undefined, began, now()).gaps }
  }

  /** Ends the clients, reads everything from every broker, and judges. */
  async finish(): Promise<FinalReport> {
    await Promise.all(this.clients.map(client => client.stop()))
    for (const { index } of this.cluster.brokers) await readWhole(this.#place(), index)
    const { witness } = this.cluster
    const end = now() + ORPHANS_LIMIT_MS
    let bucket = await witness.inspectBucket()
    while (bucket.orphans.length + bucket.missing.length > 0 && now() < end) {
      await sleep(500)
      bucket = await witness.inspectBucket()
    }
    await witness.compareHashes()
    return {
      violations: judge(this.operations).map(({ rule, text }) => `${rule}: ${text}`),
      hashDifferences: witness.differences,
      hashesCompared: witness.compared,
      defects: this.cluster.defects,
      ...bucket,
      counts: this.#counts(),
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#comparing)
    await this.cluster.stop()
    await Promise.all(this.clients.map(client => client.stop().catch(() => {})))
  }

  #place(partitions = this.#partitions): Place {
    return {
      ports: this.cluster.brokers.map(({ fromClients }) => fromClients.port),
      topic: TOPIC,
      partitions,
      log: operation => this.operations.push(operation),
    }
  }

  async #startClients(java: JavaProgram | undefined): Promise<void> {
    const { brokers } = this.cluster
    const all = this.#place()
    await createTopic(all)
    const shared = this.#place(this.#partitions.slice(brokers.length))
    for (const { index } of brokers) this.clients.push(await WireProducer.start(this.#place([index]), index))
    this.clients.push(kafkajsProducer(shared, true), kafkajsProducer(shared, false), platformaticProducer(shared))
    for (const partition of this.#partitions) this.clients.push(new WireReader(all, partition))
    this.clients.push(new Committer(all))
    for (const index of [0, 1]) this.clients.push(await KafkajsMember.start(all, index))
    if (java !== undefined) this.clients.push(...new JavaLoad(java, { ...shared }).clients)
  }

  /** Until every client has got on after `from`; the members of the group together. */
  async #awaitProgress(from: number, limitMs: number): Promise<{ ms: number | undefined; stuck: string[] }> {
    for (;;) {
      const stuck = this.clients
        .filter(({ progress }) => !progress.since(from))
        .map(({ name, trouble = '' }) => (trouble === '' ? name : `${name} (${trouble})`))
      if (stuck.length === 0) return { ms: now() - from, stuck }
      if (now() - from > limitMs) return { ms: undefined, stuck }
      await sleep(LOOK_MS)
    }
  }

  #gapsOf(hit: ChaosBroker | undefined, from: number, to: number) {
    const producers = this.clients.filter(({ role }) => role === 'producer')
    const longest = (some: readonly ChaosClient[]): number | undefined =>
      some.length === 0 ? undefined : Math.max(...some.map(({ progress }) => progress.longestGap(from, to)))
    const pinned = producers.filter(({ pinnedTo }) => pinnedTo !== undefined)
    const roaming = producers.filter(({ pinnedTo }) => pinnedTo === undefined)
    return {
      gapOnHitMs: longest(pinned.filter(({ pinnedTo }) => hit === undefined || pinnedTo === hit.index)),
      gapOnOthersMs: longest(pinned.filter(({ pinnedTo }) => hit !== undefined && pinnedTo !== hit.index)),
      gaps: Object.fromEntries(roaming.map(({ name, progress }) => [name, progress.longestGap(from, to)])),
    }
  }

  #counts(): Record<Operation['kind'], number> {
    const counts = { send: 0, ack: 0, read: 0, position: 0, whole: 0, commit: 0, committed: 0 }
    for (const { kind } of this.operations) counts[kind]++
    return counts
  }
}
