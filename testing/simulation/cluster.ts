/**
 * Several brokers in one process: each a whole `Core` with a clock, ledger connection and store of its own, over one shared
 * ledger and one shared store. The simulation kills, stops, continues and restarts them; a broker that loses its session
 * starts anew by itself, as a process supervisor would see to.
 */

import { Core } from '../../broker/core.ts'
import type { LedgerFaults } from '../../broker/ledger/memory.ts'
import { MemoryLedger } from '../../broker/ledger/memory.ts'
import { MemoryStore } from '../../broker/objects/memory.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { FEATURE_LEVEL } from '../../broker/state/commands.ts'
import { FaultyStore, type StoreFaults } from '../faulty-store.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { ProcessClock } from './process-clock.ts'
import type { SeededRandom } from './random.ts'

const HOUR_MS = 3_600_000
/** How long a session outlives its broker. */
const SESSION_TTL_MS = 6000
const RESTART_MS = 500

export const calmStore: StoreFaults = { delay: [1, 8], slow: 0, slowDelay: [0, 0], failBefore: 0, failAfter: 0 }
const stormyStore: StoreFaults = { delay: [1, 30], slow: 0.1, slowDelay: [100, 2000], failBefore: 0.1, failAfter: 0.05 }

const log = createLogger('silent')

export interface SimulatedBroker {
  readonly id: number
  core: Core | undefined
  clock: ProcessClock
  /** Counts its lives, so that what belonged to an earlier one is not taken for this one's. */
  life: number
  /** Sessions that its present life has opened: nobody keeps them alive when it is killed or stopped. */
  sessions: number[]
}

export class SimulatedCluster {
  readonly ledger = new MemoryLedger()
  readonly store = new MemoryStore()
  readonly brokers: SimulatedBroker[] = []
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #stores = new Set<FaultyStore>()
  #storm = false

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.#clock = clock
    this.#random = random
  }

  async start(count: number): Promise<void> {
    for (let id = 0; id < count; id++) {
      const broker: SimulatedBroker = { id, core: undefined, clock: this.#newClock(), life: 0, sessions: [] }
      this.brokers.push(broker)
      await this.#begin(broker)
    }
  }

  /** Brokers that answer, stopped ones included: a client cannot tell. */
  get running(): (SimulatedBroker & { core: Core })[] {
    return this.brokers.filter((broker): broker is SimulatedBroker & { core: Core } => broker.core !== undefined)
  }

  /** From now on the store and the ledger misbehave, or no longer do. */
  setStorm(storm: boolean): void {
    this.#storm = storm
    for (const store of this.#stores) store.faults = storm ? stormyStore : calmStore
  }

  kill(broker: SimulatedBroker): void {
    broker.core = undefined
    broker.life++
    broker.clock.kill()
    this.#expireLater(broker.sessions)
    this.#clock.setTimeout(() => void this.#restart(broker), this.#random.int(RESTART_MS, 2 * SESSION_TTL_MS))
  }

  /** SIGSTOP for `ms`; a session that is not kept alive for its time to live expires meanwhile. */
  stop(broker: SimulatedBroker, ms: number): void {
    const { clock, life, sessions } = broker
    clock.stop()
    if (ms > SESSION_TTL_MS) this.#expireLater(sessions)
    this.#clock.setTimeout(() => {
      if (broker.life === life) clock.continue()
    }, ms)
  }

  #expireLater(sessions: readonly number[]): void {
    this.#clock.setTimeout(() => {
      for (const epoch of sessions) this.ledger.expireSession(epoch)
    }, SESSION_TTL_MS)
  }

  async #restart(broker: SimulatedBroker): Promise<void> {
    if (broker.core !== undefined) return
    await this.#begin(broker)
  }

  async #begin(broker: SimulatedBroker): Promise<void> {
    const life = ++broker.life
    broker.clock = this.#newClock()
    broker.sessions = []
    const core = await this.#startCore(broker, broker.clock, life).catch(() => undefined)
    if (broker.life !== life) return
    if (core === undefined) this.#clock.setTimeout(() => void this.#restart(broker), RESTART_MS)
    else broker.core = core
  }

  #startCore(broker: SimulatedBroker, clock: ProcessClock, life: number): Promise<Core> {
    const random = this.#random.fork()
    const store = new FaultyStore(this.store, clock, () => random.next(), this.#storm ? stormyStore : calmStore)
    this.#stores.add(store)
    const { sessions } = broker
    return Core.start({
      clock,
      ledger: this.ledger.connect(clock, this.#ledgerFaults(random), epoch => sessions.push(epoch)),
      store,
      random: { uuid: () => random.uuid(), int: max => random.int(1, max) },
      log,
      info: {
        featureLevel: FEATURE_LEVEL,
        software: 'simulation',
        rack: null,
        listeners: [{ name: 'PLAINTEXT', host: 'simulated', port: 9092 + broker.id, shared: false }],
      },
      prefix: 'sim',
      api: coreApiSettings,
      flush: {
        windowBytes: 4096,
        maxWaitMs: 50,
        uploadSlots: 3,
        putsPerSecond: random.pick([5, 20, Number.POSITIVE_INFINITY]),
        memoryBytes: 1024 * 1024,
      },
      cacheBytes: random.pick([2000, 1_000_000]),

      fetchMemoryBytes: 64 * 1024 * 1024,
      groups: {
        initialRebalanceDelayMs: 100,
        minSessionTimeoutMs: 1000,
        maxSessionTimeoutMs: 60_000,
        maxSize: 100,
        offsetsRetentionMs: 24 * HOUR_MS,
      },
      upkeep: {
        checkpointEveryMs: random.int(700, 5000),
        retentionEveryMs: 5000,
        rollUpEveryMs: random.int(800, 4000),
        sweepEveryMs: random.int(500, 3000),
        rollUp: { smallBytes: 2048, minSmallObjects: 5, jobBytes: 16_384, extentBytes: 1024 },
      },
      traffic: { produced: () => {}, fetched: () => {}, forgetTopic: () => {} },
      onLost: () => {
        if (broker.life !== life) return
        // Also when it is lost while it starts: then nothing becomes of that start.
        broker.core = undefined
        broker.life++
        clock.kill()
        this.#clock.setTimeout(() => void this.#restart(broker), RESTART_MS)
      },
    })
  }

  #newClock(): ProcessClock {
    return new ProcessClock(this.#clock, this.#random.pick([0, 0, 0, HOUR_MS, -HOUR_MS, 13]))
  }

  #ledgerFaults(random: SeededRandom): LedgerFaults {
    return {
      appendDelay: () => (this.#storm && random.chance(0.1) ? random.int(50, 1500) : random.int(1, 4)),
      acknowledgeDelay: () => (this.#storm && random.chance(0.1) ? random.int(50, 1500) : random.int(1, 4)),
      deliveryDelay: () => (this.#storm && random.chance(0.1) ? random.int(50, 800) : random.int(0, 3)),
      refusesAppend: () => this.#storm && random.chance(0.05),
    }
  }
}

function coreApiSettings(brokerId: number) {
  return {
    brokerId,
    autoCreateTopics: true,
    autoCreatePartitions: 1,
    maxPartitionsPerTopic: 100,
    maxPartitions: 1000,
    logDir: 'memory',
    brokerConfigs: new Map<string, string>(),
  }
}
