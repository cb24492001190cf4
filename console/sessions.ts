/**
 * Who is signed in. A session is a name that nobody can guess, known here and in a cookie of the browser; the password is
 * kept in memory alone, as the login of the session's connections, for as long as the session lasts.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../broker/clock.ts'
import type { Cluster } from './cluster/cluster.ts'
import { ClusterViews } from './cluster-views.ts'
import { TopicRates } from './topic-rates.ts'

export interface Session {
  /** Undefined where nobody has to sign in. */
  readonly user: string | undefined
  readonly cluster: Cluster
  /** What pages and browsers of the session share. */
  readonly views: ClusterViews
  readonly rates: TopicRates
}

export const newSession = (user: string | undefined, cluster: Cluster, clock: Clock): Session => ({
  user,
  cluster,
  views: new ClusterViews(cluster, clock),
  rates: new TopicRates(),
})

const IDLE_MS = 3_600_000
const LONGEST_MS = 12 * 3_600_000
const MOST_SESSIONS = 500
const MOST_OF_A_USER = 20

interface Kept {
  readonly session: Session
  readonly began: number
  used: number
}

export class Sessions {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The name of the new session. Who signs in again and again ends sessions of their own, the oldest first. */
  begin(user: string, cluster: Cluster): string {
    this.#endOld()
    const own = [...this.#kept].filter(([, { session }]) => session.user === user)
    const [oldest] = own.length >= MOST_OF_A_USER ? own : this.#kept
    if (own.length >= MOST_OF_A_USER || this.#kept.size >= MOST_SESSIONS) this.end(oldest?.[0])
    const id = randomBytes(32).toString('base64url')
    const now = this.#clock.now()
    const session = newSession(user, cluster, this.#clock)
    this.#kept.set(id, { session, began: now, used: now })
    return id
  }

  /** `isUse`: somebody did something; a page that looks again by itself does not keep the session alive. */
  find(id: string | undefined, isUse: boolean): Session | undefined {
    this.#endOld()
    const kept = this.#kept.get(id ?? '')
    if (kept === undefined) return undefined
    if (isUse) kept.used = this.#clock.now()
    return kept.session
  }

  end(id: string | undefined): void {
    this.#kept.get(id ?? '')?.session.cluster.close()
    this.#kept.delete(id ?? '')
  }

  close(): void {
    for (const id of [...this.#kept.keys()]) this.end(id)
  }

  #endOld(): void {
    const now = this.#clock.now()
    for (const [id, { began, used }] of this.#kept) {
      if (now - used > IDLE_MS || now - began > LONGEST_MS) this.end(id)
    }
  }
}
