/**
 * The ledger: the one totally ordered log of metadata entries. Every decision about records is an entry in it.
 *
 * What an implementation promises (ledger.contract.ts checks each of them):
 *   1. Every follower sees the same events in the same order, each exactly once, positions strictly ascending.
 *   2. `append` resolves with `appended` only when the entry is durable.
 *   3. An entry of a session is only ever appended while that session is open.
 *   4. Appending the same (epoch, number) again appends nothing and answers as the first time did.
 *   5. `barrier` resolves with the position of an event at or after every entry whose append was acknowledged, anywhere,
 *      before the call; 0 while there is none.
 *   6. `moveCheckpoint` is a compare-and-swap; events up to the checkpoint may be gone afterwards.
 *   7. When an append rejects with NotAppended the entry is not in the ledger and never will be by that call.
 *   8. Of the open sessions no two have the same name.
 */

import type { Restorable } from './restorable.ts'

/** Where an event stands. In etcd its revision, in a file its ordinal. Whole numbers from 1 on; 0 is before everything. */
export type Position = number

/** The position at which a session was opened; names the session for ever. */
export type Epoch = number

export type LedgerEvent =
  | {
      readonly kind: 'entry'
      readonly position: Position
      readonly epoch: Epoch
      readonly number: number
      readonly payload: Buffer
    }
  | { readonly kind: 'session-opened'; readonly position: Position; readonly epoch: Epoch; readonly info: Buffer }
  | { readonly kind: 'session-closed'; readonly position: Position; readonly epoch: Epoch }

/** What a broker needs to start without the events up to `position`. */
export interface Checkpoint {
  readonly position: Position
  /** Key of the snapshot object. */
  readonly snapshot: string
}

export interface LedgerFollower {
  /** Called once per event, in order, never while another call is running. */
  onEvent(event: LedgerEvent): void
  /** The stream ended for a reason other than `stop`: follow again from the last position seen, or from a checkpoint. */
  onBroken(cause: Error): void
}

export interface Following {
  stop(): void
}

export interface Ledger {
  checkpoint(): Promise<Checkpoint | null>
  /**
   * Delivers all events after `from` and goes on delivering. Resolves when everything that was in the ledger at the
   * time of the call has been delivered. Rejects with EventsGone when events after `from` are no longer kept.
   */
  follow(from: Position, follower: LedgerFollower): Promise<Following>
  /** Opens a session; its event carries `info` as given. Rejects with NameTaken while another one has the name. */
  openSession(name: string, info: Buffer): Promise<Epoch>
  /** Ends a session: nothing can be appended in its name afterwards. */
  closeSession(epoch: Epoch): Promise<void>
  /** `number` counts from 1 within a session, without gaps. */
  append(epoch: Epoch, number: number, payload: Buffer): Promise<'appended' | 'session-gone'>
  barrier(): Promise<Position>
  moveCheckpoint(from: Checkpoint | null, to: Checkpoint): Promise<boolean>
  /** Tells the others how far this broker is; forgotten when the session ends. */
  publishProgress(epoch: Epoch, progress: Buffer): Promise<void>
  /** What the open sessions have published last, a linearizable read. */
  progress(): Promise<ReadonlyMap<Epoch, Buffer>>
  /**
   * True while a session of ours may have ended without our knowledge: nothing was heard of the ledger for the time that
   * a session outlives its last sign of life. What this broker knows may be old, and others may have taken over.
   */
  readonly isCutOff: boolean
  /** Of a ledger that may be put back to an older copy of itself. */
  readonly restorable?: Restorable
  close(): Promise<void>
}

/** The entry was not written and will not be: the same number may carry another entry. `full`: there is no space left. */
export class NotAppended extends Error {
  readonly full: boolean
  constructor(message: string, options: { full: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'NotAppended'
    this.full = options.full
  }
}

/** The ledger can no longer say what is durable. The broker must stop and start again from what is on disk. */
export class LedgerFailed extends Error {
  override readonly name = 'LedgerFailed'
}

/** Events after the wanted position were dropped by a checkpoint. */
export class EventsGone extends Error {
  override readonly name = 'EventsGone'
}

/** An open session has the name. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken'
  constructor(name: string) {
    super(`an open session has the name ${name}`)
  }
}
