/**
 * Following a ledger in etcd: one watch of everything under `log/`, resumed for as long as the ledger is open.
 *
 * States, each entered anew after a failure and a pause:
 *   checking   a linearizable read shows that the member serves, is of the same cluster and not behind what was seen
 *   reading    (when etcd's history is compacted, or the watch lost an event) the events are read from the keys
 *   watching   events come from the watch; an unanswered sign of life, another member or any error ends it
 *   broken     `onBroken` was called: the events are gone, or etcd contradicts itself
 *
 * Progress notifications say nothing here of how far the watch has come (before etcd 3.5.8 they may run ahead of events);
 * they are signs of life. A follower has caught up when it sees the mark that was put after it began.
 */
import type { IKeyValue, IWatchResponse } from 'etcd3'
import type { Clock, Timer } from '../../clock.ts'
import {
  EventsGone,
  type Following,
  type LedgerEvent,
  LedgerFailed,
  type LedgerFollower,
  type Position,
} from '../ledger.ts'
import { readCheckpoint } from './checkpoint.ts'
import { type EtcdClient, endStream } from './client.ts'
import { type Change, decode, decodeEvent, OutOfSequence, Sequence } from './events.ts'
import { afterKey, type Keys } from './keys.ts'
import { problemOf } from './problems.ts'
import { pauseAfter, retrying, Trouble } from './retry.ts'

/** After so long without a word from etcd, a sign of life is asked for; after the second time the stream is given up. */
const SILENCE_MS = 3000
const DEAD_MS = 8000
/** Keys that are read at a time; with entries of 512 KiB it is 50 MiB. */
const PAGE = 100

export interface FollowOptions {
  readonly client: EtcdClient
  readonly clock: Clock
  readonly keys: Keys
  readonly from: Position
  readonly follower: LedgerFollower
  /** Somebody's lease ran out, or that may have been missed. */
  readonly onSessionKeyGone: () => void
  readonly warn: (message: string) => void
}

export class EtcdFollowing implements Following {
  readonly #options: FollowOptions
  readonly #sequence: Sequence
  readonly #caughtUp = Promise.withResolvers<void>()
  readonly #trouble: Trouble
  /** Everything up to here was delivered; at a boundary between revisions. */
  #seen: Position
  /** The mark to be seen before the follower has caught up. */
  #mark = Number.POSITIVE_INFINITY
  #hasCaughtUp = false
  #mustReadKeys = false
  /** Seen at the last time that the watch could not be trusted. */
  #distrusted: Position | undefined
  #failures = 0
  #stopped = false
  #endWatch: ((cause: Error) => void) | undefined

  constructor(options: FollowOptions) {
    this.#options = options
    this.#sequence = new Sequence(options.from)
    this.#seen = options.from
    this.#trouble = new Trouble('the ledger cannot be followed in etcd', options.warn)
  }

  /** Resolves when everything that was there at the call has been delivered. */
  async start(): Promise<void> {
    const { client, clock } = this.#options
    void this.#run()
    retrying({ client, clock }, () => this.#putMark()).then(
      revision => {
        this.#mark = revision
        this.#noteSeen(this.#seen)
      },
      (cause: unknown) => this.#break(asError(cause)),
    )
    await this.#caughtUp.promise
  }

  /** In an etcd that is full nothing can be put, but the keys can be read and say as much. */
  async #putMark(): Promise<Position> {
    const { client, keys } = this.#options
    try {
      const { header } = await client.call(etcd => etcd.kv.put({ key: keys.mark }))
      return Number(header.revision)
    } catch (cause) {
      if (problemOf(cause) !== 'no-space') throw cause
      const { header } = await client.call(etcd => etcd.kv.range({ key: keys.head, keys_only: true }))
      this.#mustReadKeys = true
      this.#endWatch?.(new Moved())
      return Number(header.revision)
    }
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#endWatch?.(new Error('stopped'))
    this.#caughtUp.reject(new LedgerFailed('the ledger was not followed to the end'))
    // Who stops a follower that nobody waits for need not hear of it.
    this.#caughtUp.promise.catch(() => {})
  }

  async #run(): Promise<void> {
    const { client, onSessionKeyGone } = this.#options
    while (!this.#stopped && !client.isClosed) {
      try {
        await this.#check()
        if (this.#mustReadKeys) await this.#readKeys()
        onSessionKeyGone()
        await this.#watch()
      } catch (cause) {
        if (this.#stopped || client.isClosed) return
        await this.#recover(asError(cause))
      }
    }
  }

  async #recover(cause: Error): Promise<void> {
    const problem = problemOf(cause)
    if (problem === 'final') {
      this.#break(cause)
    } else if (problem === 'compacted') {
      this.#mustReadKeys = true
    } else if (cause instanceof OutOfSequence) {
      if (this.#distrusted === this.#seen) this.#break(new LedgerFailed(cause.message, { cause }))
      this.#distrusted = this.#seen
      this.#mustReadKeys = true
    } else if (!(cause instanceof Moved)) {
      this.#trouble.note(cause)
      await this.#options.client.pause(pauseAfter(this.#failures++))
    }
  }

  /** Also renews a login that has run out: streams cannot do that themselves. */
  async #check(): Promise<void> {
    const { client, keys } = this.#options
    const { header } = await client.call(etcd => etcd.kv.range({ key: keys.head, keys_only: true }))
    if (Number(header.revision) < this.#seen) {
      throw new LedgerFailed(
        `etcd is at revision ${header.revision}, but ${this.#seen} was there before: was it restored from a backup?`,
      )
    }
  }

  /** The events after `seen`, from the keys. Only those may be missing that a checkpoint has passed. */
  async #readKeys(): Promise<void> {
    const { client, keys } = this.#options
    let start = keys.log.key
    let revision: string | undefined
    const events: LedgerEvent[] = []
    for (let more = true; more; ) {
      const page = await client.call(etcd =>
        etcd.kv.range({ key: start, range_end: keys.log.range_end, limit: PAGE, revision: revision ?? '0' }),
      )
      revision ??= page.header.revision
      for (const kv of page.kvs) this.#addNew(kv, events)
      const last = page.kvs.at(-1)
      more = page.more && last !== undefined
      if (last !== undefined) start = afterKey(last.key)
    }
    const { floor } = await readCheckpoint(client, keys, revision)
    if (this.#seen < floor)
      throw new EventsGone(`events after ${this.#seen} are no longer kept: a checkpoint has passed ${floor}`)
    for (const event of events.sort((a, b) => a.position - b.position)) this.#deliver(event)
    this.#mustReadKeys = false
    this.#noteSeen(Number(revision))
  }

  #addNew(kv: IKeyValue, events: LedgerEvent[]): void {
    if (Number(kv.mod_revision) <= this.#seen) return
    const event = decodeEvent(this.#options.keys, kv)
    if (event !== undefined && event.position > this.#sequence.position) events.push(event)
  }

  /** Never resolves; rejects with what ended the watch. */
  async #watch(): Promise<never> {
    const { client, clock, keys } = this.#options
    const { stream, connection } = await client.openWatch()
    const ended = Promise.withResolvers<never>()
    const delivered = this.#sequence.position
    let heard = clock.monotonic()
    let timer: Timer | undefined
    const beat = (): void => {
      const silence = clock.monotonic() - heard
      if (silence >= DEAD_MS) {
        const cause = new Error(`the watch was silent for ${Math.round(silence)} ms`)
        client.failed(connection, cause)
        ended.reject(cause)
        return
      }
      if (silence >= SILENCE_MS) stream.write({ progress_request: {} })
      timer = clock.setTimeout(beat, SILENCE_MS)
    }
    stream.on('data', response => {
      heard = clock.monotonic()
      try {
        this.#onResponse(response, delivered)
      } catch (cause) {
        ended.reject(cause)
      }
    })
    stream.on('error', cause => {
      client.failed(connection, cause)
      ended.reject(cause)
    })
    stream.on('end', () => ended.reject(new Error('etcd ended the watch')))
    const unlisten = client.onMoved(() => ended.reject(new Moved()))
    this.#endWatch = ended.reject
    if (this.#stopped) ended.reject(new Error('stopped'))
    beat()
    stream.write({ create_request: { ...keys.log, start_revision: String(this.#seen + 1), fragment: true } })
    try {
      return await ended.promise
    } finally {
      this.#endWatch = undefined
      unlisten()
      if (timer !== undefined) clock.clearTimeout(timer)
      endStream(stream)
    }
  }

  /** `delivered`: the last event before this stream began; what is not after it was delivered by the stream before. */
  #onResponse(response: IWatchResponse, delivered: Position): void {
    if (this.#stopped) return
    this.#options.client.checkCluster(response.header)
    if (response.compact_revision !== '0') throw new Error(`mvcc: required revision has been compacted`)
    if (response.canceled) throw new Error(`etcd cancelled the watch: ${response.cancel_reason}`)
    for (const change of response.events) {
      this.#onChange(decode(this.#options.keys, change), delivered)
      if (this.#stopped) return
    }
    const last = response.events.at(-1)
    // The rest of a revision may be in the next fragment.
    if (last !== undefined && !response.fragment) this.#noteSeen(Number(last.kv.mod_revision))
    if (response.events.length > 0) this.#failures = 0
    this.#trouble.over()
  }

  #onChange(change: Change, delivered: Position): void {
    if (change.kind === 'session-key-gone') this.#options.onSessionKeyGone()
    if (change.kind === 'event' && change.event.position > delivered) this.#deliver(change.event)
  }

  #deliver(event: LedgerEvent): void {
    if (this.#stopped || !this.#sequence.accept(event)) return
    try {
      this.#options.follower.onEvent(event)
    } catch (cause) {
      throw new LedgerFailed('a follower of the ledger failed', { cause })
    }
  }

  #noteSeen(position: Position): void {
    this.#seen = Math.max(this.#seen, position)
    if (this.#seen < this.#mark || this.#hasCaughtUp) return
    this.#hasCaughtUp = true
    this.#caughtUp.resolve()
  }

  #break(cause: Error): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#endWatch?.(cause)
    if (this.#hasCaughtUp) this.#options.follower.onBroken(cause)
    else this.#caughtUp.reject(cause)
  }
}

/** The watch is begun anew at once: calls go to another member now, or the keys are to be read. */
class Moved extends Error {}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause))
}
