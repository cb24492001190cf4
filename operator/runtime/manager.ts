// Starts and stops the parts in the order in which they need each other.
//
// Start: watches; then, when every cache is filled, the election; the controllers work only while we lead. Who waits to lead
// keeps its caches filled, so that it takes over at once.
// Stop: no new keys; passes in progress are finished, for at most `graceMs`; then the farewell, then the lease is given back,
// then the watches end. A leader that loses the lease stops for good: `run` resolves with `lost`, and the process is to end.

import type { Clock } from '../../broker/clock.ts'
import { deadline, pause } from './deadline.ts'
import type { LeaseElector } from './lease-elector.ts'

/** What the manager needs of a reflector. */
export interface Source {
  readonly synced: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

/** What the manager needs of a controller. */
export interface Worker {
  readonly queue: { shutDown(): void }
  run(signal: AbortSignal): Promise<void>
}

/** Something that runs while we lead, such as the event recorder. */
export interface Background {
  run(signal: AbortSignal): Promise<void>
}

export interface ManagerOptions {
  readonly clock: Clock
  readonly sources: readonly Source[]
  readonly workers: readonly Worker[]
  readonly background?: readonly Background[]
  readonly elector: LeaseElector
  /** Done last of all, while we still lead and may write. It does not reject. */
  readonly farewell?: (signal: AbortSignal) => Promise<void>
  /** How long passes in progress have to finish. */
  readonly graceMs?: number
}

const GRACE_MS = 20_000
const FAREWELL_MS = 4000
/** Between looks whether we still lead. */
const LOOK_MS = 100

export type Ending = 'stopped' | 'lost'

/** Runs until the signal aborts, or until the lead that we had is lost. */
export async function runManager(options: ManagerOptions, signal: AbortSignal): Promise<Ending> {
  const { clock, sources, workers, background = [], elector, graceMs = GRACE_MS } = options
  const watching = new AbortController()
  const electing = new AbortController()
  const working = new AbortController()
  const running: Promise<void>[] = sources.map(source => source.run(watching.signal))
  let election: Promise<void> | undefined
  let ending: Ending = 'stopped'
  if (await beforeAbort(Promise.all(sources.map(({ synced }) => synced)), signal)) {
    election = elector.run(electing.signal)
    while (!signal.aborted && !elector.stillLeader()) await pause(clock, LOOK_MS, signal)
    if (!signal.aborted) {
      const work = [...workers, ...background].map(part => part.run(working.signal))
      while (!signal.aborted && elector.stillLeader()) await pause(clock, LOOK_MS, signal)
      if (!signal.aborted) ending = 'lost'
      for (const worker of workers) worker.queue.shutDown()
      const cut = clock.setTimeout(() => working.abort(), ending === 'lost' ? 0 : graceMs)
      await Promise.all(work.slice(0, workers.length))
      clock.clearTimeout(cut)
      working.abort()
      await Promise.all(work)
      if (ending === 'stopped') await bidFarewell(options)
    }
  }
  electing.abort()
  await election
  await elector.release()
  watching.abort()
  await Promise.all(running)
  return ending
}

async function bidFarewell({ clock, farewell }: ManagerOptions): Promise<void> {
  using limit = deadline(clock, FAREWELL_MS)
  await farewell?.(limit.signal)
}

/** Whether the promise was kept before the signal aborted. */
function beforeAbort(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve(false)
    signal.addEventListener('abort', () => resolve(false), { once: true })
    promise.then(() => resolve(true), reject)
  })
}
