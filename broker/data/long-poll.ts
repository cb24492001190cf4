/**
 * Waiting for records: a fetch that found less than `min.bytes` sleeps until enough was appended to any of its
 * partitions, its time is up, or its client is gone. One wait costs one entry per partition and one timer; nothing polls.
 */
import type { Clock } from '../clock.ts'
import type { Applied } from '../state/outcome.ts'
import type { PartitionLog } from '../state/partition-log.ts'

interface Sleeper {
  missing: number
  readonly wake: () => void
}

export class LongPolls {
  readonly #clock: Clock
  readonly #sleepers = new Map<PartitionLog, Set<Sleeper>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Resolves when `missingBytes` more were appended to `logs`, or one of them was trimmed or deleted, or after `ms`, or
   * when `signal` aborts. The caller must not have given up control between its look at the logs and this call.
   */
  wait(logs: readonly PartitionLog[], missingBytes: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const wake = (): void => {
        this.#clock.clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        for (const log of logs) this.#remove(log, sleeper)
        resolve()
      }
      const sleeper: Sleeper = { missing: missingBytes, wake }
      const timer = this.#clock.setTimeout(wake, ms)
      signal.addEventListener('abort', wake)
      for (const log of logs) this.#add(log, sleeper)
    })
  }

  /** Told of everything that is applied. */
  onApplied({ advanced, trimmed }: Applied): void {
    for (const [log, bytes] of advanced) {
      for (const sleeper of this.#sleepers.get(log) ?? []) {
        sleeper.missing -= bytes
        if (sleeper.missing <= 0) sleeper.wake()
      }
    }
    for (const log of trimmed) for (const sleeper of this.#sleepers.get(log) ?? []) sleeper.wake()
  }

  /** Fetches that sleep on at least one partition. */
  get size(): number {
    const all = new Set<Sleeper>()
    for (const sleepers of this.#sleepers.values()) for (const sleeper of sleepers) all.add(sleeper)
    return all.size
  }

  #add(log: PartitionLog, sleeper: Sleeper): void {
    const sleepers = this.#sleepers.get(log)
    if (sleepers === undefined) this.#sleepers.set(log, new Set([sleeper]))
    else sleepers.add(sleeper)
  }

  #remove(log: PartitionLog, sleeper: Sleeper): void {
    const sleepers = this.#sleepers.get(log)
    sleepers?.delete(sleeper)
    if (sleepers?.size === 0) this.#sleepers.delete(log)
  }
}
