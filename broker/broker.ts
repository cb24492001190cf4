/**
 * The composition root: builds a broker from its settings, starts it, stops it.
 *
 * Start, in order, each step refusing to go on when it fails: ledger folder (locked for this process), object folder,
 * addresses, state, session, readiness. Stop is the reverse: clients are answered and let go first, then what was taken
 * is made durable, then the session ends.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Dispatcher } from './api/dispatcher.ts'
import type { Client } from './api/handler.ts'
import { type Clock, systemClock } from './clock.ts'
import { Core, type RandomSource } from './core.ts'
import { groupLag } from './groups/lag.ts'
import { FileLedger } from './ledger/file.ts'
import { Admission } from './net/admission.ts'
import { ByteBudget } from './net/byte-budget.ts'
import { type Connection, defaultConnectionSettings, type Peer, type Service } from './net/connection.ts'
import { Listener } from './net/listener.ts'
import { FolderStore } from './objects/folder.ts'
import { Health } from './observe/health.ts'
import { HttpServer } from './observe/http-server.ts'
import type { Logger } from './observe/logger.ts'
import { MeasuredStore } from './observe/measured-store.ts'
import { Metrics } from './observe/metrics.ts'
import type { Address, Settings } from './settings.ts'
import { FEATURE_LEVEL } from './state/commands.ts'
import { VERSION } from './version.ts'

const LISTENER = 'PLAINTEXT'
const SWEEP_EVERY_MS = 30_000
const ROLL_UP_EVERY_MS = 30_000

export interface BrokerOptions {
  readonly settings: Settings
  readonly log: Logger
  /** The broker can no longer serve, and has to be started anew. Called once. */
  readonly onLost: (cause: Error) => void
  readonly clock?: Clock
}

/** What the broker keeps for a connection. */
class ClientContext implements Client {
  readonly listener: string
  readonly host: string
  readonly #controller = new AbortController()
  softwareName = ''
  softwareVersion = ''
  #watched = false

  constructor({ listener, remoteAddress }: Peer) {
    this.listener = listener
    this.host = remoteAddress
  }

  get gone(): AbortSignal {
    return this.#controller.signal
  }

  watch(connection: Connection<ClientContext>): void {
    if (this.#watched) return
    this.#watched = true
    connection.onClose(() => this.#controller.abort())
  }
}

export class Broker {
  readonly #log: Logger
  readonly #settings: Settings
  readonly #listener: Listener<ClientContext>
  readonly #http: HttpServer
  readonly #core: Core
  readonly #ledger: FileLedger
  readonly #store: FolderStore
  readonly #health: Health
  #stopping: Promise<void> | undefined

  static async start(options: BrokerOptions): Promise<Broker> {
    const opened: (() => Promise<void>)[] = []
    try {
      return await assemble(options, close => opened.push(close))
    } catch (cause) {
      for (const close of opened.reverse()) await close().catch(() => {})
      throw cause
    }
  }

  constructor(parts: BrokerParts) {
    this.#log = parts.log
    this.#settings = parts.settings
    this.#listener = parts.listener
    this.#http = parts.http
    this.#core = parts.core
    this.#ledger = parts.ledger
    this.#store = parts.store
    this.#health = parts.health
  }

  /** Port for Kafka clients. */
  get port(): number {
    return this.#listener.port
  }

  get metricsPort(): number {
    return this.#http.port
  }

  /** Answers what is in progress, makes durable what was taken, ends the session. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#health.check('broker', () => 'stopping')
    this.#core.beginStop()
    await Promise.all([this.#listener.drain(this.#settings.drainTimeoutMs), this.#core.flush()])
    await this.#core.stop()
    await this.#ledger.close()
    await this.#store.close()
    await this.#http.close()
    this.#log.info('stopped')
  }
}

interface BrokerParts {
  readonly log: Logger
  readonly settings: Settings
  readonly listener: Listener<ClientContext>
  readonly http: HttpServer
  readonly core: Core
  readonly ledger: FileLedger
  readonly store: FolderStore
  readonly health: Health
}

async function assemble(options: BrokerOptions, opened: (close: () => Promise<void>) => void): Promise<Broker> {
  const { settings, log, onLost } = options
  const clock = options.clock ?? systemClock
  const metrics = new Metrics(VERSION)
  const health = new Health()
  health.check('broker', () => 'starting')
  const ledger = await FileLedger.open({ folder: join(settings.dataDir, 'ledger') })
  opened(() => ledger.close())
  const store = await FolderStore.open(join(settings.dataDir, 'objects'))
  opened(() => store.close())
  const http = await HttpServer.open(settings.metrics, { metrics, health, log })
  opened(() => http.close())
  const service = new BrokerService()
  const budget = new ByteBudget(settings.produceMemoryBytes)
  const listener = await listen(settings, { clock, log, service, budget })
  opened(() => listener.drain(0))
  const core = await Core.start({
    clock,
    ledger,
    store: new MeasuredStore(store, metrics, clock),
    random: systemRandom,
    log,
    ...coreSettings(settings, listener.port),
    traffic: metrics,
    diskSpace: async () => {
      const { blocks, bavail, bsize } = await statfs(settings.dataDir)
      return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
    },
    onLost,
    onAppend: (ms, bytes) => metrics.ledgerAppended(ms / 1000, bytes),
    onAppendFailed: () => metrics.ledgerFailed(),
  })
  service.open(
    new Dispatcher({
      handlers: core.handlers,
      clock,
      onRequest: ({ api, ms, failure }) => {
        metrics.requestAnswered(api, ms / 1000)
        if (failure !== undefined) metrics.requestFailed(api, nameOf(failure))
      },
    }),
  )
  metrics.readFrom({
    groupLag: () => groupLag(core.replica.state),
    connections: () => [{ listener: LISTENER, count: listener.connections }],
    produceBudget: () => ({ used: budget.used, waiting: budget.waiting }),
    cache: () => core.cache,
    state: () => ({
      topics: core.replica.state.catalog.byId.size,
      partitions: core.replica.state.catalog.partitionCount,
      groups: core.replica.state.groups.byId.size,
      position: core.replica.state.position,
    }),
  })
  health.check('broker', () => null)
  const { clusterId } = core.replica.state
  log.info({ clusterId, brokerId: settings.brokerId, port: listener.port, metricsPort: http.port }, 'ready')
  return new Broker({ log, settings, listener, http, core, ledger, store, health })
}

/** Requests that arrive before the state is there wait for it. */
class BrokerService implements Service<ClientContext> {
  readonly #ready = Promise.withResolvers<Dispatcher>()
  #dispatcher: Dispatcher | undefined

  open(dispatcher: Dispatcher): void {
    this.#dispatcher = dispatcher
    this.#ready.resolve(dispatcher)
  }

  handle(frame: Buffer, connection: Connection<ClientContext>): Promise<readonly Buffer[] | null> {
    connection.context.watch(connection)
    if (this.#dispatcher !== undefined) return this.#dispatcher.handle(frame, connection.context)
    return this.#ready.promise.then(dispatcher => dispatcher.handle(frame, connection.context))
  }

  sent(response: readonly Buffer[]): void {
    this.#dispatcher?.sent(response)
  }
}

function listen(
  settings: Settings,
  parts: { clock: Clock; log: Logger; service: BrokerService; budget: ByteBudget },
): Promise<Listener<ClientContext>> {
  const admission = new Admission({
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerIp,
  })
  return Listener.open(
    { name: LISTENER, ...settings.listen },
    {
      ...parts,
      admission,
      settings: {
        ...defaultConnectionSettings,
        maxRequestBytes: settings.maxRequestBytes,
        maxIdleMs: settings.connectionsMaxIdleMs,
      },
      newContext: peer => new ClientContext(peer),
    },
  )
}

function coreSettings(settings: Settings, port: number) {
  return {
    prefix: settings.prefix,
    info: {
      brokerId: settings.brokerId,
      featureLevel: FEATURE_LEVEL,
      software: VERSION,
      rack: settings.rack ?? null,
      listeners: [{ name: LISTENER, host: advertisedHost(settings), port: settings.advertisedPort ?? port }],
    },
    api: {
      brokerId: settings.brokerId,
      autoCreateTopics: settings.autoCreateTopics,
      autoCreatePartitions: settings.autoCreatePartitions,
      maxPartitionsPerTopic: settings.maxPartitionsPerTopic,
      maxPartitions: settings.maxPartitions,
      logDir: settings.dataDir,
      brokerConfigs: brokerConfigs(settings, port),
    },
    flush: {
      windowBytes: settings.windowBytes,
      maxWaitMs: settings.flushIntervalMs,
      uploadSlots: settings.uploadSlots,
      putsPerSecond: settings.putsPerSecond === 0 ? Number.POSITIVE_INFINITY : settings.putsPerSecond,
      memoryBytes: settings.produceMemoryBytes,
    },
    cacheBytes: settings.cacheBytes,
    fetchMemoryBytes: settings.fetchMemoryBytes,
    groups: {
      initialRebalanceDelayMs: settings.groupInitialRebalanceDelayMs,
      minSessionTimeoutMs: settings.groupMinSessionTimeoutMs,
      maxSessionTimeoutMs: settings.groupMaxSessionTimeoutMs,
      maxSize: settings.groupMaxSize,
      offsetsRetentionMs: settings.offsetsRetentionMinutes * 60_000,
    },
    upkeep: {
      checkpointEveryMs: settings.checkpointIntervalMs,
      retentionEveryMs: settings.retentionCheckIntervalMs,
      rollUpEveryMs: ROLL_UP_EVERY_MS,
      sweepEveryMs: SWEEP_EVERY_MS,
    },
  }
}

/** What DescribeConfigs shows of the settings, under the names that Kafka has for them. */
function brokerConfigs(settings: Settings, port: number): ReadonlyMap<string, string> {
  const { host, port: listened } = settings.listen
  const values: Readonly<Record<string, string | number | boolean | undefined>> = {
    'advertised.listeners': `${LISTENER}://${advertisedHost(settings)}:${settings.advertisedPort ?? port}`,
    'auto.create.topics.enable': settings.autoCreateTopics,
    'broker.id': settings.brokerId,
    'broker.rack': settings.rack,
    'connections.max.idle.ms': settings.connectionsMaxIdleMs,
    'group.initial.rebalance.delay.ms': settings.groupInitialRebalanceDelayMs,
    'group.max.session.timeout.ms': settings.groupMaxSessionTimeoutMs,
    'group.max.size': settings.groupMaxSize,
    'group.min.session.timeout.ms': settings.groupMinSessionTimeoutMs,
    listeners: `${LISTENER}://${host ?? ''}:${listened === 0 ? port : listened}`,
    'log.dirs': settings.dataDir,
    'log.retention.check.interval.ms': settings.retentionCheckIntervalMs,
    'max.connections': settings.maxConnections,
    'max.connections.per.ip': settings.maxConnectionsPerIp,
    'node.id': settings.brokerId,
    'num.partitions': settings.autoCreatePartitions,
    'offsets.retention.check.interval.ms': settings.retentionCheckIntervalMs,
    'offsets.retention.minutes': settings.offsetsRetentionMinutes,
    'process.roles': 'broker',
    'socket.request.max.bytes': settings.maxRequestBytes,
  }
  return new Map(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}

const EVERY_ADDRESS: ReadonlySet<string | undefined> = new Set([undefined, '0.0.0.0', '::'])

function advertisedHost({
  advertisedHost: host,
  listen: { host: listened },
}: {
  advertisedHost?: string | undefined
  listen: Address
}): string {
  if (host !== undefined) return host
  return listened === undefined || EVERY_ADDRESS.has(listened) ? 'localhost' : listened
}

const systemRandom: RandomSource = {
  uuid: () => {
    for (;;) {
      const bytes = randomBytes(16)
      const id = bytes.toString('base64url')
      // Kafka reserves ids that begin with a dash (they look like options), and the first hundred of all.
      if (!id.startsWith('-') && bytes.readUInt32BE(0) !== 0) return id
    }
  },
  int: max => randomInt(1, max + 1),
}

function nameOf(failure: unknown): string {
  return failure instanceof Error ? failure.name : 'unknown'
}
