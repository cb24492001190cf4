// What every client of a chaos run has: a name, progress, errors that it would show its user, and an end.

import type { Operation } from './operations.ts'
import type { Progress } from './progress.ts'

export interface ChaosClient {
  readonly name: string
  readonly role: 'producer' | 'reader' | 'committer'
  readonly progress: Progress
  /** The broker that it stays with, by index; undefined for one that goes where its library sends it. */
  readonly pinnedTo?: number
  /** What it could not do in spite of its retries. */
  readonly errors: readonly ClientError[]
  /** What held it up last, in a few words; for reports. */
  readonly trouble?: string
  /** Resolves when what it has begun is over. */
  stop(): Promise<void>
}

export interface ClientError {
  readonly at: number
  readonly message: string
}

export interface Place {
  /** Addresses of all brokers on loopback, as clients know them. */
  readonly ports: readonly number[]
  readonly topic: string
  readonly partitions: readonly number[]
  /** Adds to the operation log. */
  readonly log: (operation: Operation) => void
}

/** Milliseconds of the monotonic clock. */
export const now = (): number => performance.now()
