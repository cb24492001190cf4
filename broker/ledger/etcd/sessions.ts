/**
 * Sessions: opening and closing our own, and writing down the end of those whose lease ran out.
 *
 * A session ends the moment its key goes, for from then on no entry can be appended in its name. That is an event for
 * followers only when a `close` key says so; the owner writes both in one transaction, and for an owner that died whoever
 * notices does (`closeDead`). Two who notice at once write it once.
 */
import type { ICompare, IKeyValue, IRequestOp } from 'etcd3'
import type { Clock } from '../../clock.ts'
import { type Epoch, NameTaken, NotAppended, type Position } from '../ledger.ts'
import type { EtcdClient } from './client.ts'
import type { Keys } from './keys.ts'
import { Lease } from './lease.ts'
import { messageOf, problemOf } from './problems.ts'
import { retrying, Trouble } from './retry.ts'

const OPEN_LIMIT_MS = 30_000
const CLOSE_LIMIT_MS = 5000
/** Between two tries to write down the end of dead sessions. */
const CLOSE_DEAD_PAUSE_MS = 1000

export interface Session {
  readonly name: string
  readonly epoch: Epoch
  readonly lease: Lease
  /** Number of the last entry that was asked for and not refused. */
  lastNumber: number
  /** The append before the next one. */
  appending: Promise<unknown>
}

export interface SessionKeys {
  readonly revision: Position
  readonly sessions: readonly IKeyValue[]
  readonly opens: readonly IKeyValue[]
  readonly closes: readonly IKeyValue[]
}

export interface SessionsOptions {
  readonly client: EtcdClient
  readonly clock: Clock
  readonly keys: Keys
  readonly ttlSeconds: number
  readonly warn: (message: string) => void
}

export const exists = (key: Buffer, epoch: Epoch): ICompare => ({
  key,
  target: 'Create',
  result: 'Equal',
  create_revision: String(epoch),
})

export const isMissing = (key: Buffer): ICompare => ({ key, target: 'Create', result: 'Equal', create_revision: '0' })

export const put = (key: Buffer, value: Buffer, lease?: string): IRequestOp => ({
  request_put: lease === undefined ? { key, value } : { key, value, lease },
})

/** The position of a newest event is where `head` was last put. */
const NOTHING = Buffer.alloc(0)
export const putHead = (keys: Keys): IRequestOp => put(keys.head, NOTHING)

export class Sessions {
  readonly #options: SessionsOptions
  readonly #open = new Map<Epoch, Session>()
  readonly #trouble: Trouble
  #closing: Promise<void> | undefined
  #closeAgain = false

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#trouble = new Trouble('the end of a session cannot be written to etcd', options.warn)
  }

  get(epoch: Epoch): Session | undefined {
    return this.#open.get(epoch)
  }

  /** True while one of ours may have ended without our knowledge. */
  get isCutOff(): boolean {
    for (const { lease } of this.#open.values()) if (lease.mayBeOver) return true
    return false
  }

  /** Rejects with NameTaken, with NotAppended when etcd is full, with etcd's error when it cannot be reached for long. */
  open(name: string, info: Buffer): Promise<Epoch> {
    let lease: Lease | undefined
    const { client, clock, keys } = this.#options
    return retrying({ client, clock, limitMs: OPEN_LIMIT_MS }, async () => {
      for (;;) {
        // The end of whoever had the name before must come first.
        const { revision, sessions } = await this.closeDead()
        const holder = sessions.find(({ key }) => key.equals(keys.session(name)))
        if (holder !== undefined) return this.#heldBy(holder, lease, name)
        if (lease === undefined || lease.mayBeOver) {
          lease?.stop()
          lease = await this.#grant(name)
        }
        const epoch = await this.#tryToOpen(lease, name, info, revision)
        if (epoch !== undefined) return epoch
      }
    }).catch(async (cause: unknown) => {
      await lease?.revoke().catch(() => {})
      if (problemOf(cause) !== 'no-space') throw cause
      throw new NotAppended('etcd has no space left (NOSPACE) for a session', { full: true, cause })
    })
  }

  /** Resolves when the session has ended, or when etcd gave no answer for so long that its lease will see to that. */
  async close(epoch: Epoch): Promise<void> {
    const session = this.#open.get(epoch)
    if (session === undefined) return
    const { client, clock, warn } = this.#options
    try {
      await retrying({ client, clock, limitMs: CLOSE_LIMIT_MS }, () => this.#closeOwn(session))
    } catch (cause) {
      warn(`session ${epoch} could not be closed in etcd and ends with its lease: ${messageOf(cause)}`)
    }
    this.forget(epoch)
    await session.lease.revoke().catch(() => {})
  }

  /** It has ended, as a follower or an append was told. */
  forget(epoch: Epoch): void {
    this.#open.get(epoch)?.lease.stop()
    this.#open.delete(epoch)
  }

  /** Writes down the end of sessions whose key is gone, in the background and until it worked. */
  closeDeadSoon(): void {
    if (this.#closing !== undefined) {
      this.#closeAgain = true
      return
    }
    this.#closing = this.#closeDeadUntilDone().finally(() => {
      this.#closing = undefined
    })
  }

  /** Writes down the end of sessions whose key is gone: one try. Answers what it found. */
  async closeDead(): Promise<SessionKeys> {
    const { client, keys } = this.#options
    const found = await this.list()
    const alive = new Set(found.sessions.map(({ create_revision }) => Number(create_revision)))
    const closed = new Set(found.closes.map(({ key }) => closedEpoch(keys, key)))
    for (const { key, mod_revision } of found.opens) {
      const epoch = Number(mod_revision)
      const parsed = keys.parse(key)
      if (parsed.kind !== 'open' || alive.has(epoch) || closed.has(epoch)) continue
      const sessionKey = keys.session(parsed.name)
      await client.call(etcd =>
        etcd.kv.txn({
          compare: [{ ...exists(sessionKey, epoch), result: 'NotEqual' }, isMissing(keys.close(epoch))],
          success: [put(keys.close(epoch), NOTHING), putHead(keys)],
        }),
      )
    }
    return found
  }

  /** Session, open and close keys, all of one moment. */
  async list(): Promise<SessionKeys> {
    const { client, keys } = this.#options
    const { header, responses } = await client.call(etcd =>
      etcd.kv.txn({
        success: [keys.sessions, keys.opens, keys.closes].map(range => ({
          request_range: { ...range, keys_only: true },
        })),
      }),
    )
    const [sessions = [], opens = [], closes = []] = responses.map(({ response_range }) => response_range.kvs)
    return { revision: Number(header.revision), sessions, opens, closes }
  }

  stop(): void {
    for (const { lease } of this.#open.values()) lease.stop()
    this.#open.clear()
  }

  async #closeDeadUntilDone(): Promise<void> {
    const { client } = this.#options
    while (!client.isClosed) {
      this.#closeAgain = false
      try {
        await this.closeDead()
        this.#trouble.over()
        if (!this.#closeAgain) return
      } catch (cause) {
        if (client.isClosed) return
        if (problemOf(cause) !== 'unclear') this.#trouble.note(cause)
        await client.pause(CLOSE_DEAD_PAUSE_MS)
      }
    }
  }

  #grant(name: string): Promise<Lease> {
    const { client, clock, keys, ttlSeconds, warn } = this.#options
    const lease: Promise<Lease> = Lease.grant({
      client,
      clock,
      ttlSeconds,
      warn,
      onGone: async () => {
        const { id } = await lease
        const { kvs } = await client.call(etcd => etcd.kv.range({ key: keys.session(name) }))
        return kvs[0]?.lease !== id
      },
    })
    return lease
  }

  /** Undefined when somebody had the name meanwhile: look again who has it now. */
  async #tryToOpen(lease: Lease, name: string, info: Buffer, revision: Position): Promise<Epoch | undefined> {
    const { client, keys } = this.#options
    const { header, succeeded } = await client.call(etcd =>
      etcd.kv.txn({
        compare: [
          isMissing(keys.session(name)),
          // Of this name nobody was opened, and perhaps died, after the dead were written down.
          { ...keys.opensOf(name), target: 'Mod', result: 'Less', mod_revision: String(revision + 1) },
        ],
        success: [put(keys.session(name), NOTHING, lease.id), put(keys.open(name, lease.id), info), putHead(keys)],
      }),
    )
    return succeeded ? this.#opened(lease, name, Number(header.revision)) : undefined
  }

  /** An earlier try may have opened it, and only its answer was lost. */
  #heldBy(holder: IKeyValue, lease: Lease | undefined, name: string): Epoch {
    if (lease === undefined || holder.lease !== lease.id) throw new NameTaken(name)
    return this.#opened(lease, name, Number(holder.create_revision))
  }

  #opened(lease: Lease, name: string, epoch: Epoch): Epoch {
    this.#open.set(epoch, { name, epoch, lease, lastNumber: 0, appending: Promise.resolve() })
    return epoch
  }

  async #closeOwn({ name, epoch }: Session): Promise<void> {
    const { client, keys } = this.#options
    const answer = await client.call(etcd =>
      etcd.kv.txn({
        compare: [exists(keys.session(name), epoch), isMissing(keys.close(epoch))],
        success: [
          { request_delete_range: { key: keys.session(name) } },
          { request_delete_range: { key: keys.progress(epoch) } },
          put(keys.close(epoch), NOTHING),
          putHead(keys),
        ],
      }),
    )
    if (!answer.succeeded) await this.closeDead()
  }
}

export function closedEpoch(keys: Keys, key: Buffer): Epoch {
  const parsed = keys.parse(key)
  return parsed.kind === 'close' ? parsed.epoch : 0
}
