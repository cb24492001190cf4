/**
 * The lives of a broker in its cluster. A Core that is lost (its session ran out, events are missing, its state went wrong)
 * is given up and a new one begins from the newest checkpoint, under a new session; the sockets stay, and requests wait.
 *
 * States: living -> between lives -> living | over. Over means: the ledger does not outlive the broker, or the cluster
 * does not take this broker any more; then `onOver` is called once and the process has to end.
 */
import { Dispatcher, type DispatcherOptions } from './api/dispatcher.ts'
import { sleep } from './clock.ts'
import { Core, type CoreOptions, WrongPrefix } from './core.ts'
import { Gaps } from './data/gaps.ts'
import { BrokerIdTaken } from './ledger/broker-id.ts'
import { LedgerWentBack } from './ledger/restorable.ts'
import type { BrokerService } from './service.ts'
import { TooNew } from './state/commands.ts'
import { ForeignObjects } from './upkeep/cluster-marker.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

export interface LivesOptions {
  readonly core: Omit<CoreOptions, 'onLost' | 'gaps'>
  readonly service: BrokerService
  readonly onRequest: NonNullable<DispatcherOptions['onRequest']>
  /** False: the first loss is the end. */
  readonly mayBeginAnew: boolean
  readonly onOver: (cause: Error) => void
}

export class Lives {
  readonly #options: LivesOptions
  readonly #gaps: Gaps
  #core: Core | undefined
  #stopped = false
  #beginning: Promise<void> | undefined

  /** Rejects with why the first life cannot begin. */
  static async begin(options: LivesOptions): Promise<Lives> {
    const lives = new Lives(options)
    await lives.#live()
    return lives
  }

  private constructor(options: LivesOptions) {
    this.#options = options
    this.#gaps = new Gaps(options.core.clock)
  }

  /** Undefined between two lives. */
  get core(): Core | undefined {
    return this.#core
  }

  /** No life begins after this one. */
  async end(): Promise<Core | undefined> {
    this.#stopped = true
    await this.#beginning
    return this.#core
  }

  async #live(): Promise<void> {
    const { core: options, service, onRequest } = this.#options
    let begun: Core | undefined
    let isLost: Error | undefined
    const core = await Core.start({
      ...options,
      gaps: this.#gaps,
      onLost: cause => {
        // It may come before the start is over.
        isLost = cause
        if (begun !== undefined && this.#core === begun) this.#lose(begun, cause)
      },
    })
    begun = core
    this.#core = core
    service.open(new Dispatcher({ handlers: core.handlers, clock: options.clock, quotas: core.quotas, onRequest }))
    if (isLost !== undefined) this.#lose(core, isLost)
  }

  #lose(core: Core, cause: Error): void {
    const { core: options, service, mayBeginAnew, onOver } = this.#options
    this.#core = undefined
    service.suspend()
    if (!mayBeginAnew) {
      onOver(cause)
      return
    }
    options.log.warn({ error: String(cause) }, 'this broker lost its place in the cluster and begins anew')
    void core.abandon()
    this.#beginning = this.#beginAnew(core)
  }

  async #beginAnew(lost: Core): Promise<void> {
    const { clock, log } = this.#options.core
    await lost.replica.leave()
    for (let pause = FIRST_PAUSE_MS; !this.#stopped; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.#live()
        log.info({ brokerId: this.#core?.replica.brokerId }, 'back in the cluster')
        return
      } catch (cause) {
        if (isRefusal(cause)) {
          this.#options.onOver(cause)
          return
        }
        log.warn({ error: String(cause), retryInMs: pause }, 'the broker cannot begin anew yet')
        await sleep(clock, pause)
      }
    }
  }
}

/** Trying again would not help: the cluster does not want this broker as it is. */
function isRefusal(cause: unknown): cause is Error {
  return (
    cause instanceof TooNew ||
    cause instanceof BrokerIdTaken ||
    cause instanceof WrongPrefix ||
    cause instanceof ForeignObjects ||
    cause instanceof LedgerWentBack ||
    // Another etcd answers, as after a restore: only a new process has forgotten the one before. By its name, because its
    // module is only loaded for a cluster.
    (cause instanceof Error && cause.name === 'OtherCluster')
  )
}
