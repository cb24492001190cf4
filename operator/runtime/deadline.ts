// A signal that aborts when time is up or when another one does.

import type { Clock } from '../../broker/clock.ts'

export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  /** Whether it was the time, and not the other signal. */
  readonly hasPassed: boolean
  /** Gives the full time again. */
  restart(): void
}

export function deadline(clock: Clock, ms: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  let hasPassed = false
  const expire = (): void => {
    hasPassed = true
    controller.abort()
  }
  const follow = (): void => controller.abort(outer?.reason)
  let timer = clock.setTimeout(expire, ms)
  if (outer?.aborted === true) follow()
  outer?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    get hasPassed() {
      return hasPassed
    },
    restart() {
      clock.clearTimeout(timer)
      timer = clock.setTimeout(expire, ms)
    },
    [Symbol.dispose]() {
      clock.clearTimeout(timer)
      outer?.removeEventListener('abort', follow)
    },
  }
}

/** What the promise comes to, or the signal's reason as soon as it aborts: for what cannot be told to stop. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
