// Starts and stops the parts in the order in which they need each other.
//
// Start: watches; then, when every cache is filled, the election; the controllers work only while we lead. Who waits to lead
// keeps its caches filled, so that it takes over at once.
// Stop: no new keys; passes in progress may finish for `graceMs` and are cut then: whoever leads next goes on from wherever they
// came to, as after a crash. Then the farewell; then no more writes, and as soon as none is on its way, the lease is given back.
// A pass that still waits for something that it reads holds up nobody but this process: last of all its end is waited for, and
// that of the watches. A leader that loses the lease stops for good: `run` resolves with `lost`, and the process is to end.

import type { Clock } from '../../broker/clock.ts'
import { deadline, pause } from './deadline.ts'
import type { Fence } from './fence.ts'
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
  /** Everything but the lease is written through it. */
  readonly fence: Fence
  /** Done last of all, while we still lead and may write. It does not reject. */
  readonly farewell?: (signal: AbortSignal) => Promise<void>
  /** How long passes in progress may take to finish by themselves. */
  readonly graceMs?: number
}

const GRACE_MS = 500
/** Those that were cut end at once, but for the write that they are in. */
const CUT_MS = 500
const FAREWELL_MS = 4000
/** Between looks whether we still lead. */
const LOOK_MS = 100

export type Ending = 'stopped' | 'lost'

/** Runs until the signal aborts, or until the lead that we had is lost. */
export async function runManager(options: ManagerOptions, signal: AbortSignal): Promise<Ending> {
  const { clock, sources, workers, background = [], elector, fence, graceMs = GRACE_MS } = options
  const watching = new AbortController()
  const electing = new AbortController()
  const working = new AbortController()
  const running: Promise<void>[] = sources.map(source => source.run(watching.signal))
  let work: Promise<void>[] = []
  let election: Promise<void> | undefined
  let ending: Ending = 'stopped'
  if (await beforeAbort(Promise.all(sources.map(({ synced }) => synced)), signal)) {
    election = elector.run(electing.signal)
    while (!signal.aborted && !elector.stillLeader()) await pause(clock, LOOK_MS, signal)
    if (!signal.aborted) {
      work = [...workers, ...background].map(part => part.run(working.signal))
      while (!signal.aborted && elector.stillLeader()) await pause(clock, LOOK_MS, signal)
      if (!signal.aborted) ending = 'lost'
      for (const worker of workers) worker.queue.shutDown()
      if (ending === 'stopped') await within(clock, graceMs, Promise.all(work.slice(0, workers.length)))
      working.abort()
      await within(clock, CUT_MS, Promise.all(work))
      if (ending === 'stopped') await bidFarewell(options)
    }
  }
  await fence.close()
  electing.abort()
  await election
  await elector.release()
  watching.abort()
  await Promise.all([...work, ...running])
  return ending
}

async function bidFarewell({ clock, farewell }: ManagerOptions): Promise<void> {
  using limit = deadline(clock, FAREWELL_MS)
  await farewell?.(limit.signal)
}

/** Waits for the work, but no longer than `ms`. Rejects as the work does. */
async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController()
  await Promise.race([work.finally(() => ended.abort()), pause(clock, ms, ended.signal)])
}

/** Whether the promise was kept before the signal aborted. */
function beforeAbort(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve(false)
    signal.addEventListener('abort', () => resolve(false), { once: true })
    promise.then(() => resolve(true), reject)
  })
}
