/** Trying again: what was asked is tried until it is answered, refused for good, or out of time. */
import type { Clock } from '../../clock.ts'
import { LedgerFailed } from '../ledger.ts'
import type { EtcdClient } from './client.ts'
import { messageOf, type Problem, problemOf } from './problems.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/** What may be different the next time. A login may be mended while the broker runs. */
const passing: ReadonlySet<Problem> = new Set(['unclear', 'busy', 'stale-login', 'refused-login', 'denied'])

export interface Retrying {
  readonly client: EtcdClient
  readonly clock: Clock
  /** Milliseconds after which no new try is made; without it there is no end while the client is open. */
  readonly limitMs?: number
}

/** `attempt` learns how many tries went before it. Rejects as the last try did, with LedgerFailed once the client is closed. */
export async function retrying<T>(
  { client, clock, limitMs = Number.POSITIVE_INFINITY }: Retrying,
  attempt: (before: number) => Promise<T>,
): Promise<T> {
  const end = clock.monotonic() + limitMs
  for (let tries = 0; ; tries++) {
    if (client.isClosed) throw new LedgerFailed('the ledger is closed')
    try {
      return await attempt(tries)
    } catch (cause) {
      if (client.isClosed) throw new LedgerFailed('the ledger is closed', { cause })
      const pause = pauseAfter(tries)
      if (!passing.has(problemOf(cause)) || clock.monotonic() + pause > end) throw cause
      await client.pause(pause)
    }
  }
}

export const pauseAfter = (tries: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries)

/** Says once that something does not work, and once that it works again, however often it was tried. */
export class Trouble {
  readonly #what: string
  readonly #warn: (message: string) => void
  #since: Problem | undefined

  constructor(what: string, warn: (message: string) => void) {
    this.#what = what
    this.#warn = warn
  }

  note(cause: unknown): void {
    const problem = problemOf(cause)
    if (this.#since === problem) return
    this.#since = problem
    this.#warn(`${this.#what}: ${messageOf(cause)}`)
  }

  over(): void {
    if (this.#since !== undefined) this.#warn(`${this.#what}: works again`)
    this.#since = undefined
  }
}
