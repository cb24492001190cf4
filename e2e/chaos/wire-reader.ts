// A reader of one partition, from its first offset on. It goes from broker to broker, after some answers and whenever one
// fails, so that what one broker says is compared with what the others say.

import { setTimeout as sleep } from 'node:timers/promises'
import { recordsOf } from '../../broker/wire/batch-builder.ts'
import { errorCode, errorName, isRetriable } from '../../broker/wire/errors.ts'
import { newFetchRequest, newFetchRequestPartition, newFetchRequestTopic } from '../../broker/wire/messages.gen.ts'
import { eachBatch } from '../../broker/wire/record-batch.ts'
import { Link } from './link.ts'
import { digestOf } from './operations.ts'
import { Progress } from './progress.ts'
import { type ChaosClient, type ClientError, now, type Place } from './workload.ts'

const POLLS_PER_BROKER = 20
const PAUSE_MS = 80
const LARGEST_BATCH = 10_000_000

export interface Fetched {
  readonly records: readonly { readonly offset: number; readonly key: string; readonly digest: number }[]
  readonly highWatermark: number
}

/** One Fetch of one partition; records before `offset` are left out. Rejects with FetchRefused, or when the link breaks. */
export async function fetchFrom(
  link: Link,
  { topic }: Pick<Place, 'topic'>,
  partition: number,
  offset: number,
): Promise<Fetched> {
  const partitions = [newFetchRequestPartition({ partition, fetchOffset: offset, partitionMaxBytes: 400_000 })]
  const topics = [newFetchRequestTopic({ topic, partitions })]
  const answer = await link.call('Fetch', 12, newFetchRequest({ maxWaitMs: 500, minBytes: 1, topics }))
  const { errorCode: code = -1, records = null, highWatermark = -1 } = answer.responses[0]?.partitions[0] ?? {}
  if (answer.errorCode !== errorCode.NONE) throw new FetchRefused(answer.errorCode)
  if (code !== errorCode.NONE) throw new FetchRefused(code)
  const found: { offset: number; key: string; digest: number }[] = []
  for (const slice of records ?? []) {
    eachBatch(slice, at => {
      for (const { offset: stands, key, value } of recordsOf(slice, at, LARGEST_BATCH)) {
        if (stands < offset) continue
        found.push({ offset: stands, key: String(key), digest: digestOf(value ?? Buffer.alloc(0)) })
      }
    })
  }
  return { records: found, highWatermark }
}

export class FetchRefused extends Error {
  override readonly name = 'FetchRefused'
  readonly code: number
  constructor(code: number) {
    super(errorName(code))
    this.code = code
  }
}

/** Reads every partition from its first offset to its end, from one broker, into the operation log. */
export async function readWhole(place: Place, broker: number): Promise<void> {
  const reader = `whole-${broker}`
  const link = new Link(place.ports[broker] ?? 0)
  for (const partition of place.partitions) {
    place.log({ kind: 'position', reader, partition, offset: 0 })
    let next = 0
    for (let end = Number.POSITIVE_INFINITY; next < end; ) {
      const { records, highWatermark } = await fetchFrom(link, place, partition, next)
      for (const { offset, key, digest } of records) {
        place.log({ kind: 'read', reader, partition, offset, key, digest })
        next = offset + 1
      }
      end = highWatermark
      if (records.length === 0 && next < end) throw new Error(`broker ${broker} gives nothing at ${partition}@${next}`)
    }
    place.log({ kind: 'whole', reader, partition, end: next })
  }
  link.close()
}

export class WireReader implements ChaosClient {
  readonly role = 'reader'
  readonly name: string
  readonly progress = new Progress()
  readonly errors: ClientError[] = []
  readonly #place: Place
  readonly #partition: number
  readonly #links: readonly Link[]
  #broker: number
  #next = 0
  #stopped = false
  readonly #running: Promise<void>

  constructor(place: Place, partition: number) {
    this.#place = place
    this.#partition = partition
    this.name = `reader-${partition}`
    this.#links = place.ports.map(port => new Link(port))
    this.#broker = partition % place.ports.length
    place.log({ kind: 'position', reader: this.name, partition, offset: 0 })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    for (const link of this.#links) link.close()
  }

  async #run(): Promise<void> {
    for (let polls = 1; !this.#stopped; polls++) {
      try {
        await this.#poll()
        if (polls % POLLS_PER_BROKER === 0) this.#goOn()
      } catch (cause) {
        this.#noteFailure(cause)
        this.#goOn()
      }
      await sleep(PAUSE_MS)
    }
  }

  async #poll(): Promise<void> {
    const link = this.#links[this.#broker]
    if (link === undefined) return
    const { records } = await fetchFrom(link, this.#place, this.#partition, this.#next)
    for (const { offset, key, digest } of records) {
      this.#place.log({ kind: 'read', reader: this.name, partition: this.#partition, offset, key, digest })
      this.#next = offset + 1
    }
    if (records.length > 0) this.progress.note(now())
  }

  #goOn(): void {
    this.#broker = (this.#broker + 1) % this.#links.length
  }

  #noteFailure(cause: unknown): void {
    // Nothing is ever trimmed here, and nothing is read beyond what was read before.
    if (cause instanceof FetchRefused && !isRetriable(cause.code)) {
      this.errors.push({ at: now(), message: `broker ${this.#broker}: ${cause.message} at ${this.#next}` })
    }
  }
}
