/**
 * Several brokers in one process: each `Lives` with a clock, ledger connection and store of its own, over one shared ledger
 * and one shared store. The simulation kills, stops and cuts them off; a broker that loses its place in the cluster begins
 * a new life by itself, and a supervisor starts one again that has ended.
 */

import type { Core } from '../../broker/core.ts'
import type { LedgerFaults, MemoryConnection } from '../../broker/ledger/memory.ts'
import { MemoryLedger } from '../../broker/ledger/memory.ts'
import { Lives, type LivesOptions } from '../../broker/lives.ts'
import { MemoryStore } from '../../broker/objects/memory.ts'
import { createLogger } from '../../broker/observe/logger.ts'
import { BrokerService } from '../../broker/service.ts'
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

/** One process after the other, in the same place. */
export interface SimulatedBroker {
  readonly id: number
  /** Undefined while there is no process, or while it is between two lives. */
  readonly core: Core | undefined
  readonly clock: ProcessClock
}

interface Broker extends SimulatedBroker {
  /** Undefined while it starts, and while there is no process. */
  lives: Lives | undefined
  clock: ProcessClock
  connection: MemoryConnection | undefined
  /** Counts the processes, so that what belonged to an earlier one is not taken for this one's. */
  process: number
  /** Sessions that this process has opened: nobody keeps them alive when it is killed, stopped or cut off. */
  sessions: number[]
}

export class SimulatedCluster {
  readonly ledger = new MemoryLedger()
  readonly store = new MemoryStore()
  readonly #brokers: Broker[] = []
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #stores = new Set<FaultyStore>()
  #storm = false
  #hasIds = false

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.#clock = clock
    this.#random = random
  }

  /** `hasIds`: brokers are given their ids, or else take the lowest that is free. */
  async start(count: number, hasIds: boolean): Promise<void> {
    this.#hasIds = hasIds
    for (let id = 0; id < count; id++) {
      const broker = this.#newBroker(id)
      this.#brokers.push(broker)
      await this.#begin(broker)
    }
  }

  get brokers(): readonly SimulatedBroker[] {
    return this.#brokers
  }

  /** Brokers that answer, stopped and cut off ones included: a client cannot tell. */
  get running(): (SimulatedBroker & { core: Core })[] {
    return this.#brokers.filter((broker): broker is Broker & { core: Core } => broker.core !== undefined)
  }

  /** From now on the store and the ledger misbehave, or no longer do. */
  setStorm(storm: boolean): void {
    this.#storm = storm
    for (const store of this.#stores) store.faults = storm ? stormyStore : calmStore
  }

  kill({ id }: SimulatedBroker): void {
    const broker = this.#broker(id)
    this.#end(broker, this.#random.int(RESTART_MS, 2 * SESSION_TTL_MS))
    this.#expireLater(broker.sessions)
  }

  /** SIGSTOP for `ms`; a session that is not kept alive for its time to live expires meanwhile. */
  stop({ id }: SimulatedBroker, ms: number): void {
    const broker = this.#broker(id)
    const { clock, process, sessions } = broker
    clock.stop()
    if (ms > SESSION_TTL_MS) this.#expireLater(sessions)
    this.#clock.setTimeout(() => {
      if (broker.process === process) clock.continue()
    }, ms)
  }

  /** Nothing passes between the broker and the ledger for `ms`. */
  cutOff({ id }: SimulatedBroker, ms: number): void {
    const { connection, sessions } = this.#broker(id)
    if (connection === undefined || connection.isCut) return
    connection.cut()
    if (ms > SESSION_TTL_MS) this.#expireLater(sessions)
    this.#clock.setTimeout(() => connection.heal(), ms)
  }

  /** The broker's lease is lost, while everything works. */
  loseSession({ id }: SimulatedBroker): void {
    for (const epoch of this.#broker(id).sessions) this.ledger.expireSession(epoch)
  }

  #broker(id: number): Broker {
    const broker = this.#brokers[id]
    if (broker === undefined) throw new Error(`there is no broker ${id}`)
    return broker
  }

  #newBroker(id: number): Broker {
    return {
      id,
      lives: undefined,
      clock: this.#newClock(),
      connection: undefined,
      process: 0,
      sessions: [],
      get core() {
        return this.lives?.core
      },
    }
  }

  #expireLater(sessions: readonly number[]): void {
    this.#clock.setTimeout(() => {
      for (const epoch of sessions) this.ledger.expireSession(epoch)
    }, SESSION_TTL_MS)
  }

  /** The process is no more, and is started again after `ms`. */
  #end(broker: Broker, ms: number): void {
    broker.lives = undefined
    broker.process++
    broker.clock.kill()
    const { process } = broker
    this.#clock.setTimeout(() => {
      if (broker.process === process) void this.#begin(broker)
    }, ms)
  }

  async #begin(broker: Broker): Promise<void> {
    const process = ++broker.process
    broker.clock = this.#newClock()
    broker.sessions = []
    const lives = await Lives.begin(this.#options(broker, process)).catch(() => undefined)
    if (broker.process !== process) return
    broker.lives = lives
    if (lives === undefined) this.#end(broker, RESTART_MS)
  }

  #options(broker: Broker, process: number): LivesOptions {
    return {
      core: this.#coreOptions(broker),
      service: new BrokerService(broker.clock),
      onRequest: () => {},
      mayBeginAnew: true,
      onOver: () => {
        if (broker.process !== process) return
        this.#expireLater(broker.sessions)
        this.#end(broker, RESTART_MS)
      },
    }
  }

  #coreOptions(broker: Broker): LivesOptions['core'] {
    const { clock, sessions, id } = broker
    const random = this.#random.fork()
    const store = new FaultyStore(this.store, clock, () => random.next(), this.#storm ? stormyStore : calmStore)
    this.#stores.add(store)
    broker.connection = this.ledger.connect(clock, this.#ledgerFaults(random), epoch => sessions.push(epoch))
    return {
      clock,
      brokerId: this.#hasIds ? id : undefined,
      ledger: broker.connection,
      store,
      random: { uuid: () => random.uuid(), int: max => random.int(1, max) },
      log,
      info: {
        featureLevel: FEATURE_LEVEL,
        software: 'simulation',
        rack: null,
        listeners: [{ name: 'PLAINTEXT', host: 'simulated', port: 9092 + id, shared: false }],
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
    }
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
    usesAcls: false,
    autoCreatePartitions: 1,
    maxPartitionsPerTopic: 100,
    maxPartitions: 1000,
    logDir: 'memory',
    brokerConfigs: new Map<string, string>(),
  }
}
