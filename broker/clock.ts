// Time, as broker code may see it. A simulation runs many brokers on one virtual clock, so everything outside this file
// takes a `Clock` and never reads the process clock or sets a timer of its own.

/** A pending timer; only the clock that made it knows what it is. Disposing of it cancels it. */
export type Timer = Disposable

export interface Clock {
  /** Wall time, milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds since an unnamed moment. Never goes back; use it for time limits and durations. */
  monotonic(): number
  /** Calls back once after at least `ms` milliseconds; as in Node, less than 1 counts as 1 and 24.8 days is the most. */
  setTimeout(callback: () => void, ms: number): Timer
  /** Cancels a timer; one that has fired or was cancelled is left alone. */
  clearTimeout(timer: Timer): void
}

/** Node fires timers above this at once, with a warning. */
const longestTimer = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, longestTimer)),
  clearTimeout: timer => timer[Symbol.dispose](),
}

/** Resolves after `ms` milliseconds of the clock's time. */
export const sleep = (clock: Clock, ms: number): Promise<void> =>
  new Promise(resolve => {
    clock.setTimeout(resolve, ms)
  })
