/**
 * The composition root: builds a broker from its settings, starts it, stops it.
 *
 * Start, in order, each step refusing to go on when it fails: ledger and object store, addresses, state, session,
 * readiness. Stop is the reverse: clients are answered and let go first, then what was taken is made durable, then the
 * session ends.
 */
import type { RequestReport } from './api/dispatcher.ts'
import { type Backing, openBacking } from './backing.ts'
import { type Clock, systemClock } from './clock.ts'
import { coreSettings } from './core-settings.ts'
import { groupLag, groupMembers } from './groups/lag.ts'
import { internalListener, type OpenListener, openListeners } from './listeners.ts'
import { Lives } from './lives.ts'
import { ByteBudget } from './net/byte-budget.ts'
import { Health } from './observe/health.ts'
import { HttpServer } from './observe/http-server.ts'
import type { Logger } from './observe/logger.ts'
import { MeasuredStore } from './observe/measured-store.ts'
import { Metrics } from './observe/metrics.ts'
import { BrokerPeers } from './peers.ts'
import { Authorizer } from './security/authorizer.ts'
import type { Credentials } from './security/credentials.ts'
import { Quotas } from './security/quotas.ts'
import { SCRAM_NUMBERS } from './security/scram.ts'
import { certificateTerm } from './security/tls.ts'
import { BrokerService } from './service.ts'
import type { Settings } from './settings.ts'
import type { Security } from './state/security.ts'
import { systemRandom } from './system-random.ts'
import { VERSION } from './version.ts'
import { errorName } from './wire/errors.ts'

export interface BrokerOptions {
  readonly settings: Settings
  readonly log: Logger
  /** The broker can no longer serve, and has to be started anew. Called once. */
  readonly onLost: (cause: Error) => void
  readonly clock?: Clock
}

interface BrokerParts {
  readonly log: Logger
  readonly settings: Settings
  readonly listeners: readonly OpenListener[]
  readonly http: HttpServer
  readonly lives: Lives
  readonly backing: Backing
  readonly health: Health
  readonly peers: BrokerPeers
  readonly clock: Clock
}

export class Broker {
  readonly #parts: BrokerParts
  #stopping: Promise<void> | undefined

  static async start(options: BrokerOptions): Promise<Broker> {
    const opened: (() => Promise<void>)[] = []
    try {
      return new Broker(await assemble(options, close => opened.push(close)))
    } catch (cause) {
      for (const close of opened.reverse()) await close().catch(() => {})
      throw cause
    }
  }

  private constructor(parts: BrokerParts) {
    this.#parts = parts
  }

  /** Port for Kafka clients, of the first listener. */
  get port(): number {
    return this.#parts.listeners[0]?.listener.port ?? 0
  }

  get metricsPort(): number {
    return this.#parts.http.port
  }

  /** Answers what is in progress, makes durable what was taken, ends the session. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const { health, lives, listeners, settings, backing, http, peers, log, clock } = this.#parts
    const limitMs = settings.drainTimeoutMs + LAST_STEPS_MS
    health.check('broker', () => 'stopping')
    const core = await within(clock, limitMs, lives.end())
    core?.beginStop()
    const drained = listeners.map(({ listener }) => listener.drain(settings.drainTimeoutMs))
    // What etcd or the bucket does not take now is left: it was not acknowledged.
    await within(clock, limitMs, Promise.all([...drained, core?.flush()]))
    for (const { gate } of listeners) gate.close()
    peers.close()
    await within(clock, limitMs, core?.stop() ?? Promise.resolve())
    await backing.ledger.close()
    await backing.store.close()
    await http.close()
    log.info('stopped')
  }
}

async function assemble(options: BrokerOptions, opened: (close: () => Promise<void>) => void): Promise<BrokerParts> {
  const { settings, log, onLost } = options
  const clock = options.clock ?? systemClock
  const metrics = new Metrics(VERSION)
  metrics.setPrices({ put: settings.s3PutPrice, get: settings.s3GetPrice })
  const health = new Health()
  health.check('broker', () => 'starting')
  const backing = await openBacking(settings, { clock, log, metrics, opened })
  const http = await HttpServer.open(settings.metrics, { metrics, health, log })
  opened(() => http.close())
  const service = new BrokerService(clock)
  const budget = new ByteBudget(settings.produceMemoryBytes)
  // The listeners are open before there is a state, whose users may come in by them.
  let known: Lives | undefined
  const credentials: Credentials = {
    scram: (mechanism, user) => known?.core?.replica.state.security.scram.get(user)?.get(SCRAM_NUMBERS[mechanism]),
    newNonce: () => systemRandom.uuid(),
  }
  const security = (): Security | undefined => known?.core?.replica.state.security
  const authorizer = authorizerOf(settings, { log, metrics, security })
  const connectionQuotas = new Quotas({
    clock,
    quotas: () => {
      const current = security()
      return current && { version: current.quotasVersion, all: current.quotas }
    },
  })
  const listeners = await openListeners(settings, {
    clock,
    log,
    service,
    budget,
    credentials,
    authorizer,
    connectionQuotas,
    onAuthenticationFailed: listener => metrics.authenticationFailed(listener),
    opened,
  })
  const internal = listeners.find(({ listener }) => listener.name === internalListener(settings))
  const peers = new BrokerPeers(clock, internalListener(settings), internal?.gate.tls?.material)
  opened(async () => peers.close())
  const lives = await Lives.begin({
    core: {
      clock,
      ledger: backing.ledger,
      store: new MeasuredStore(backing.store, metrics, clock),
      random: systemRandom,
      log,
      ...coreSettings(settings, listeners, backing),
      peers,
      traffic: metrics,
      ...(backing.diskSpace === undefined ? {} : { diskSpace: backing.diskSpace }),
      onAppend: (ms, bytes) => metrics.ledgerAppended(ms / 1000, bytes),
      onAppendFailed: () => metrics.ledgerFailed(),
      onUpkeep: ({ job, ms, failed }) => metrics.upkeepDone(job, ms / 1000, failed),
      onAudit: agree => metrics.audited(agree),
      onThrottled: (kind, ms) => metrics.throttled(kind, ms / 1000),
    },
    service,
    onRequest: report => count(metrics, report),
    mayBeginAnew: backing.outlivesBroker,
    onOver: onLost,
  })
  known = lives
  readMetrics(metrics, { lives, listeners, budget, clock })
  health.check('broker', () => unready(lives))
  const { state, brokerId } = lives.core?.replica ?? {}
  const ports = listeners.map(({ listener }) => listener.port)
  log.info({ clusterId: state?.clusterId, brokerId, port: ports[0], ports, metricsPort: http.port }, 'ready')
  return { log, settings, listeners, http, lives, backing, health, peers, clock }
}

function authorizerOf(
  { authorizer, superUsers = [], allowEveryoneIfNoAclFound }: Settings,
  { log, metrics, security }: { log: Logger; metrics: Metrics; security: () => Security | undefined },
): Authorizer | undefined {
  if (authorizer === 'none') return undefined
  return new Authorizer({
    acls: () => {
      const known = security()
      return known && { version: known.aclsVersion, all: known.acls.values() }
    },
    superUsers: new Set(superUsers),
    allowsUnnamed: allowEveryoneIfNoAclFound,
    onDenied: denial => {
      metrics.denied(denial.operation, denial.resourceType)
      log.info({ audit: 'authorization', ...denial }, 'denied')
    },
  })
}

/** For making durable what was taken and ending the session, beyond the time for requests in progress. */
const LAST_STEPS_MS = 5000

/** The value, or undefined when it did not come in time. */
async function within<Value>(clock: Clock, ms: number, promise: Promise<Value>): Promise<Value | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = clock.setTimeout(() => late.resolve(undefined), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clock.clearTimeout(timer)
  }
}

function unready({ core }: Lives): string | null {
  if (core === undefined) return 'looking for its place in the cluster'
  return core.replica.isCutOff ? 'cut off from the ledger' : null
}

function count(metrics: Metrics, { api, ms, failure, errorCodes }: RequestReport): void {
  metrics.requestAnswered(api, ms / 1000)
  for (const code of errorCodes) metrics.requestFailed(api, errorName(code) ?? String(code))
  if (failure !== undefined) metrics.requestFailed(api, failure instanceof Error ? failure.name : 'unknown')
}

function readMetrics(
  metrics: Metrics,
  { lives, listeners, budget, clock }: Pick<BrokerParts, 'lives' | 'listeners' | 'clock'> & { budget: ByteBudget },
): void {
  metrics.readFrom({
    groupLag: () => (lives.core === undefined ? [] : groupLag(lives.core.replica.state, clock.now())),
    groupMembers: () => groupMembers(lives.core?.replica.state),
    fetchBudget: () => lives.core?.fetchBytes ?? 0,
    isCutOff: () => lives.core?.replica.isCutOff ?? true,
    certificates: () =>
      listeners.flatMap(({ listener, gate: { tls } }) =>
        tls === undefined ? [] : [{ listener: listener.name, ...certificateTerm(tls.material().cert) }],
      ),
    connections: () => listeners.map(({ listener }) => ({ listener: listener.name, count: listener.connections })),
    produceBudget: () => ({ used: budget.used, waiting: budget.waiting }),
    cache: () => lives.core?.cache ?? { bytes: 0, hits: 0, misses: 0 },
    state: () => {
      const state = lives.core?.replica.state
      return {
        topics: state?.catalog.byId.size ?? 0,
        partitions: state?.catalog.partitionCount ?? 0,
        groups: state?.groups.byId.size ?? 0,
        position: state?.position ?? 0,
        brokers: state?.sessions.size ?? 0,
        objects: state?.objects.live.size ?? 0,
        deadObjects: state?.objects.dead.size ?? 0,
        liveBytes: state?.objects.storedBytes ?? 0,
      }
    },
  })
}
