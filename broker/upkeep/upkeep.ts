/**
 * Runs the jobs that keep a cluster small: checkpoint, retention, roll-up, sweep, expiry of offsets.
 *
 * Any broker may run any job at any time; what a job decides is checked again where it is applied. A job that fails is
 * logged and tried again at its next turn. One job runs at a time, so upkeep never takes more than one job's memory.
 */
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../observe/logger.ts'

/** What a job resolves with that has done a part of its work: its next turn comes when other jobs had theirs. */
export const MORE_TO_DO = Symbol('more to do')

export interface Job {
  readonly name: string
  readonly everyMs: number
  readonly run: () => Promise<unknown>
}

/** One turn of a job. */
export interface JobReport {
  readonly job: string
  readonly ms: number
  readonly failed: boolean
}

export class Upkeep {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #onJob: (report: JobReport) => void
  readonly #timers = new Map<string, Timer>()
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(clock: Clock, log: Logger, onJob: (report: JobReport) => void = () => {}) {
    this.#clock = clock
    this.#log = log
    this.#onJob = onJob
  }

  start(jobs: readonly Job[]): void {
    for (const job of jobs) this.#schedule(job, job.everyMs)
  }

  /** Resolves when the job in progress, if any, is done. No other begins. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer)
    await this.#running
  }

  #schedule(job: Job, afterMs: number): void {
    if (this.#stopped) return
    const timer = this.#clock.setTimeout(() => {
      this.#running = this.#running.then(() => this.#run(job))
    }, afterMs)
    this.#timers.set(job.name, timer)
  }

  async #run(job: Job): Promise<void> {
    if (this.#stopped) return
    const began = this.#clock.monotonic()
    let result: unknown
    let failed = false
    try {
      result = await job.run()
    } catch (cause) {
      failed = true
      this.#log.warn({ job: job.name, error: cause }, 'upkeep failed and will be tried again')
    }
    this.#onJob({ job: job.name, ms: this.#clock.monotonic() - began, failed })
    this.#schedule(job, result === MORE_TO_DO ? 0 : job.everyMs)
  }
}
