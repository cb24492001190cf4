// Runs a reconciler over keys: takes a key from the queue, gathers what is known, runs the steps, and decides by their
// outcome when to look again. A pass has a deadline; what a pass throws never ends the process.
//
//   next                 all is as wanted           -> again after `resyncMs`
//   wait                 something has to happen    -> again after `afterMs`
//   fail                 it went wrong              -> again with growing waits
//   fail, terminal       only a change helps        -> again after `resyncMs`
//   NotLeader            another operator leads     -> not again

import type { Clock } from '../../broker/clock.ts'
import type { Logger } from '../../broker/observe/logger.ts'
import { backoffDelay, type Random } from './backoff.ts'
import { deadline } from './deadline.ts'
import { isKubeError, KubeError, NotLeader } from './errors.ts'
import { fail, next, type Outcome, type Step } from './step.ts'
import type { Priority, WorkQueue } from './work-queue.ts'

/** What a pass may use. */
export interface Pass {
  /** Aborts when the pass took too long or the operator stops. */
  readonly signal: AbortSignal
  readonly log: Logger
}

export interface Reconciler<Context> {
  readonly name: string
  /** Gathers what the steps need. Undefined when there is nothing to do, as when the object is gone. */
  begin(key: string, pass: Pass): Context | undefined | Promise<Context | undefined>
  readonly steps: readonly Step<Context>[]
  /** After the steps, however far they came: here the status is written. Not called when we do not lead any more. */
  end?(context: Context, outcome: Outcome): Promise<void>
}

type Failure = Extract<Outcome, { kind: 'fail' }>

/** The words of controller-runtime. */
export type PassResult = 'success' | 'requeue' | 'requeue_after' | 'error'

export interface PassReport {
  readonly result: PassResult
  readonly seconds: number
  readonly isTerminal: boolean
  readonly hasTimedOut: boolean
  /** An exception that is no KubeError: a fault of ours. */
  readonly isPanic: boolean
}

export interface ControllerOptions<Context> {
  readonly reconciler: Reconciler<Context>
  readonly queue: WorkQueue
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Keys that are worked on at the same time. */
  readonly workers?: number
  readonly passTimeoutMs?: number
  readonly resyncMs?: number
  readonly onPass?: (report: PassReport) => void
}

const PASS_TIMEOUT_MS = 60_000
const RESYNC_MS = 600_000

export class Controller<Context> {
  readonly queue: WorkQueue
  readonly #options: ControllerOptions<Context>
  readonly #reconciler: Reconciler<Context>
  readonly #workers: number
  readonly #passTimeoutMs: number
  readonly #resyncMs: number

  constructor(options: ControllerOptions<Context>) {
    this.#options = options
    this.queue = options.queue
    this.#reconciler = options.reconciler
    this.#workers = options.workers ?? 1
    this.#passTimeoutMs = options.passTimeoutMs ?? PASS_TIMEOUT_MS
    this.#resyncMs = options.resyncMs ?? RESYNC_MS
  }

  get name(): string {
    return this.#reconciler.name
  }

  get workers(): number {
    return this.#workers
  }

  /** False when a pass has gone on for twice as long as it may: a worker hangs. */
  get isAlive(): boolean {
    return this.queue.busySeconds.every(seconds => seconds * 1000 < 2 * this.#passTimeoutMs)
  }

  /** Adds keys to the queue. */
  enqueue(keys: Iterable<string>, priority: Priority = 'edit'): void {
    for (const key of keys) this.queue.add(key, priority)
  }

  /** Works until the queue is shut down; passes in progress are finished. Aborting the signal cuts them short. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#workers }, () => this.#work(signal)))
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      const outcome = await this.#pass(key, signal)
      this.#schedule(key, outcome)
      this.queue.done(key)
    }
  }

  /** One pass over one key. */
  async #pass(key: string, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#options
    const log = this.#options.log.child({ controller: this.name, key })
    const started = clock.monotonic()
    using limit = deadline(clock, this.#passTimeoutMs, signal)
    const outcome = await this.#attempt(key, { signal: limit.signal, log })
    if (outcome.kind === 'fail') tell(log, outcome)
    this.#options.onPass?.({
      result: resultOf(outcome),
      seconds: (clock.monotonic() - started) / 1000,
      isTerminal: outcome.kind === 'fail' && outcome.isTerminal,
      hasTimedOut: limit.hasPassed,
      isPanic: outcome.kind === 'fail' && outcome.reason === 'Panic',
    })
    return outcome
  }

  async #attempt(key: string, pass: Pass): Promise<Outcome> {
    try {
      const context = await this.#reconciler.begin(key, pass)
      if (context === undefined) return next
      const outcome = await this.#steps(context)
      if (isNotLeader(outcome)) return outcome
      await this.#reconciler.end?.(context, outcome)
      return outcome
    } catch (error) {
      return failureOf(error)
    }
  }

  async #steps(context: Context): Promise<Outcome> {
    for (const step of this.#reconciler.steps) {
      const outcome = await step.run(context).catch(failureOf)
      if (outcome.kind !== 'next') return outcome
    }
    return next
  }

  #schedule(key: string, outcome: Outcome): void {
    if (outcome.kind === 'fail') this.#reschedule(key, outcome)
    else {
      this.queue.forget(key)
      this.queue.addAfter(key, outcome.kind === 'wait' ? outcome.afterMs : this.#resync())
    }
  }

  #reschedule(key: string, { cause, isTerminal }: Failure): void {
    if (cause instanceof NotLeader) return
    if (isTerminal) this.queue.addAfter(key, this.#resync())
    else this.queue.retry(key, cause instanceof KubeError ? cause.retryAfterMs : undefined)
  }

  /** Spread, so that objects that were made together are not looked at together for ever. */
  #resync(): number {
    return backoffDelay(1, { baseMs: this.#resyncMs, capMs: this.#resyncMs }, this.#options.random)
  }
}

/** What a thrown error comes to. A conflict only means that somebody else was quicker. */
export function failureOf(error: unknown): Outcome {
  if (error instanceof NotLeader) return fail('NotLeader', error)
  if (error instanceof KubeError) return fail(error.kind, error, error.isLasting)
  return fail(error instanceof Error && error.name !== 'Error' && !isBug(error) ? error.name : 'Panic', error)
}

const isBug = (error: Error): boolean => error instanceof TypeError || error instanceof ReferenceError

/** What AbortSignal.throwIfAborted throws. */
const isAbort = (cause: unknown): boolean => cause instanceof DOMException && cause.name === 'AbortError'

const isNotLeader = (outcome: Outcome): boolean => outcome.kind === 'fail' && outcome.cause instanceof NotLeader

function tell(log: Logger, { reason, cause, isTerminal }: Failure): void {
  const isQuiet = isKubeError(cause, 'Conflict', 'Aborted') || isAbort(cause) || cause instanceof NotLeader
  log[isQuiet ? 'debug' : 'warn']({ err: cause, reason, isTerminal }, 'reconcile failed')
}

function resultOf(outcome: Outcome): PassResult {
  if (outcome.kind === 'next') return 'success'
  if (outcome.kind === 'wait') return 'requeue_after'
  return isKubeError(outcome.cause, 'Conflict') ? 'requeue' : 'error'
}
