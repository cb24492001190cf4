/**
 * The ledger of a cluster, in etcd (docs/formats.md, "Ledger in etcd").
 *
 * What this file promises is in ../ledger.ts; how: keys.ts names things, append.ts writes entries, sessions.ts and
 * lease.ts keep sessions, watch.ts follows, checkpoint.ts keeps etcd small, client.ts finds a member that answers.
 */
import type { Clock } from '../../clock.ts'
import {
  type Checkpoint,
  type Epoch,
  type Following,
  type Ledger,
  type LedgerEvent,
  type LedgerFollower,
  NotAppended,
  type Position,
} from '../ledger.ts'
import type { Restorable } from '../restorable.ts'
import { appendEntry } from './append.ts'
import { type Checkpoints, moveCheckpoint, readCheckpoint } from './checkpoint.ts'
import type { EtcdClient } from './client.ts'
import { Keys } from './keys.ts'
import { EtcdStartProblem } from './problems.ts'
import { noteLoss, readRecovered, recover } from './recovery.ts'
import { retrying, Trouble } from './retry.ts'
import { exists, put, Sessions } from './sessions.ts'
import { checkStart } from './start.ts'
import { EtcdFollowing } from './watch.ts'

export { EtcdStartProblem }

/**
 * A session ends at the latest this long after its broker was last heard of: below the 9 s of Kafka's brokers
 * (broker.session.timeout.ms) and the 10 s after which clients' requests begin to run out, above two elections of etcd.
 */
const TTL_SECONDS = 6
/** How long a read is tried before the client that waits for it is told to come again. */
const READ_LIMIT_MS = 10_000
const PROGRESS_LIMIT_MS = 5000

export interface EtcdLedgerOptions {
  /** `http://host:port`, or all `https://host:port`. */
  readonly endpoints: readonly string[]
  readonly prefix: string
  readonly ttlSeconds?: number
  readonly username?: string
  readonly password?: string
  /** PEM texts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Milliseconds in which etcd must have answered at the start. */
  readonly startLimitMs?: number
  readonly clock: Clock
  /** One line that an operator should read; the same trouble is told once. */
  readonly onWarning?: (message: string) => void
}

export class EtcdLedger implements Ledger {
  readonly #client: EtcdClient
  readonly #clock: Clock
  readonly #keys: Keys
  readonly #sessions: Sessions
  readonly #warn: (message: string) => void
  readonly #following = new Set<EtcdFollowing>()
  readonly #appendTrouble: Trouble
  readonly #checkpoints: Checkpoints

  /** Rejects with EtcdStartProblem. */
  static async open(options: EtcdLedgerOptions): Promise<EtcdLedger> {
    const warn = options.onWarning ?? (() => {})
    const keys = new Keys(options.prefix)
    const client = await checkStart({ ...options, keys, warn })
    return new EtcdLedger(client, keys, options, warn)
  }

  private constructor(client: EtcdClient, keys: Keys, options: EtcdLedgerOptions, warn: (message: string) => void) {
    const { clock, ttlSeconds = TTL_SECONDS } = options
    this.#client = client
    this.#clock = clock
    this.#keys = keys
    this.#warn = warn
    this.#sessions = new Sessions({ client, clock, keys, ttlSeconds, warn })
    const compaction = new Trouble(
      'etcd does not let us compact its history, so it must compact by itself (--auto-compaction-retention)',
      warn,
    )
    this.#checkpoints = { client, clock, keys, sessions: this.#sessions, warn, compaction }
    this.#appendTrouble = new Trouble('an entry cannot be appended to the ledger in etcd', warn)
  }

  async checkpoint(): Promise<Checkpoint | null> {
    const { checkpoint } = await this.#read(() => readCheckpoint(this.#client, this.#keys))
    return checkpoint
  }

  async follow(from: Position, follower: LedgerFollower): Promise<Following> {
    const following = new EtcdFollowing({
      client: this.#client,
      clock: this.#clock,
      keys: this.#keys,
      from,
      follower: {
        onEvent: event => {
          this.#noteClosed(event)
          follower.onEvent(event)
        },
        onBroken: cause => {
          this.#following.delete(following)
          follower.onBroken(cause)
        },
      },
      onSessionKeyGone: () => this.#sessions.closeDeadSoon(),
      warn: this.#warn,
    })
    this.#following.add(following)
    try {
      await following.start()
    } catch (cause) {
      this.#following.delete(following)
      throw cause
    }
    return {
      stop: () => {
        following.stop()
        this.#following.delete(following)
      },
    }
  }

  openSession(name: string, info: Buffer): Promise<Epoch> {
    return this.#sessions.open(name, info)
  }

  closeSession(epoch: Epoch): Promise<void> {
    return this.#sessions.close(epoch)
  }

  async append(epoch: Epoch, number: number, payload: Buffer): Promise<'appended' | 'session-gone'> {
    const session = this.#sessions.get(epoch)
    if (session === undefined) return 'session-gone'
    const before = session.appending
    const append = async (): Promise<'appended' | 'session-gone'> => {
      await before
      if (number > session.lastNumber + 1) {
        throw new NotAppended(`entry ${number} would come after entry ${session.lastNumber}`, { full: false })
      }
      const parts = { client: this.#client, clock: this.#clock, keys: this.#keys, trouble: this.#appendTrouble }
      const verdict = await appendEntry(parts, session, number, payload)
      if (verdict === 'appended') session.lastNumber = Math.max(session.lastNumber, number)
      else this.#sessions.forget(epoch)
      return verdict
    }
    const appending = append()
    session.appending = appending.catch(() => {})
    return appending
  }

  async barrier(): Promise<Position> {
    const { kvs } = await this.#read(() => this.#client.call(etcd => etcd.kv.range({ key: this.#keys.head })))
    return Number(kvs[0]?.mod_revision ?? 0)
  }

  moveCheckpoint(from: Checkpoint | null, to: Checkpoint): Promise<boolean> {
    return moveCheckpoint(this.#checkpoints, from, to)
  }

  async publishProgress(epoch: Epoch, progress: Buffer): Promise<void> {
    const session = this.#sessions.get(epoch)
    if (session === undefined) return
    const { name, lease } = session
    await retrying({ client: this.#client, clock: this.#clock, limitMs: PROGRESS_LIMIT_MS }, () =>
      this.#client.call(etcd =>
        etcd.kv.txn({
          compare: [exists(this.#keys.session(name), epoch)],
          success: [put(this.#keys.progress(epoch), progress, lease.id)],
        }),
      ),
    )
  }

  async progress(): Promise<ReadonlyMap<Epoch, Buffer>> {
    const { kvs } = await this.#read(() => this.#client.call(etcd => etcd.kv.range(this.#keys.progresses)))
    return new Map(kvs.map(({ key, value }) => [this.#keys.progressEpoch(key), value]))
  }

  /** See ../restorable.ts. */
  get restorable(): Restorable {
    const parts = { client: this.#client, clock: this.#clock, keys: this.#keys }
    return {
      recover: newest => recover(parts, newest),
      recovered: () => this.#read(() => readRecovered(parts)),
      noteLoss: (recovered, loss) => this.#read(() => noteLoss(parts, recovered, loss)),
    }
  }

  /** Other certificates, PEM, while the ledger goes on. Throws for what is none. */
  renewTls(tls: NonNullable<EtcdLedgerOptions['tls']>): void {
    this.#client.renewTls(tls)
  }

  get isCutOff(): boolean {
    return this.#sessions.isCutOff
  }

  /** Sessions that are still open end with their leases, as those of a broker that died. */
  async close(): Promise<void> {
    this.#client.close()
    this.#sessions.stop()
    for (const following of this.#following) following.stop()
    this.#following.clear()
  }

  #read<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying({ client: this.#client, clock: this.#clock, limitMs: READ_LIMIT_MS }, attempt)
  }

  #noteClosed(event: LedgerEvent): void {
    if (event.kind === 'session-closed') this.#sessions.forget(event.epoch)
  }
}
