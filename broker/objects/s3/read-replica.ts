// A second place to read from, near by or less loaded. It is never trusted alone: whatever it does not have or cannot do is
// asked from the primary, and after several failures in a row it is left alone for a while.

import { ObjectNotFound } from '../object-store.ts'
import type { S3Client } from './client.ts'
import { queryString } from './sigv4.ts'

const toleratedFailures = 3
const pauseMs = 30_000
const checkMs = 3_000

export class ReadReplica {
  readonly #client: S3Client
  readonly #onWarning: (line: string) => void
  #failures = 0
  #leftAloneUntil = Number.NEGATIVE_INFINITY

  constructor(client: S3Client, onWarning: (line: string) => void) {
    this.#client = client
    this.#onWarning = onWarning
  }

  /** Warns when it does not answer: the primary serves all reads then. */
  async begin(): Promise<void> {
    this.#client.followServerTime()
    const query = queryString({ 'list-type': '2', 'max-keys': '1' })
    const request = { operation: 'list', method: 'GET', key: '', query, hedged: false, mostBytes: 1024 * 1024 } as const
    await this.#client
      .call(request, this.#client.clock.monotonic() + checkMs)
      .catch((error: unknown) => this.#failed(error, toleratedFailures))
  }

  /** What `work` gives; undefined when the primary has to be asked. */
  async try(work: (client: S3Client) => Promise<Buffer>): Promise<Buffer | undefined> {
    if (this.#client.clock.monotonic() < this.#leftAloneUntil) return undefined
    try {
      const bytes = await work(this.#client)
      this.#failures = 0
      return bytes
    } catch (error) {
      // Replication takes its time, so what is not there yet is no failure; nor is a range that nobody can give.
      if (!(error instanceof ObjectNotFound) && !(error instanceof RangeError)) this.#failed(error, 1)
      return undefined
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  #failed(error: unknown, weight: number): void {
    this.#failures += weight
    if (this.#failures < toleratedFailures) return
    this.#failures = 0
    this.#leftAloneUntil = this.#client.clock.monotonic() + pauseMs
    const why = error instanceof Error ? error.message : String(error)
    this.#onWarning(`reads leave out KAFSCALE_S3_READ_ENDPOINT for ${pauseMs / 1000} s: ${why}`)
  }
}
