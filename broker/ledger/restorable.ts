/**
 * A ledger that may be put back to an older copy of itself, as an etcd is when it is restored from a snapshot. Then the store
 * knows of positions that the ledger has forgotten, and revisions might be given out a second time, and with them the keys
 * of objects. What brokers do about it, before they follow:
 *
 *   the ledger ends before the newest state in the store, and its revisions are behind it too   -> refused (LedgerWentBack)
 *   as before, but the revisions were moved on beyond all that were ever used                     -> the newest state counts
 *   the ledger ends behind the newest state, and the revisions were moved on                      -> the ledger counts
 *
 * In the last two cases `recovered` is written: what sessions from before it have left in the store is kept, because
 * among it are the records that were acknowledged and that nothing names any more.
 */
import type { Checkpoint, Epoch, Position } from './ledger.ts'

/** What the store has newest. */
export interface StoredState {
  readonly checkpoint: Checkpoint
  /** Sessions that are open in it, none of which is any more; and its time, ms since 1970. */
  readonly read: () => Promise<{ readonly openSessions: readonly Epoch[]; readonly time: number }>
  /** Whether the store still has the snapshot that the ledger's own checkpoint names. */
  readonly has: (snapshot: string) => boolean
}

export interface Loss {
  /** Timestamp of the newest record that nothing names, ms since 1970; absent when there is none. */
  readonly lostUntil?: number | undefined
  /** Objects that nothing names, and the records in them. Some may never have been acknowledged. */
  readonly objects: number
  readonly records: number
  /** Key of the list of them in the store. */
  readonly report: string
}

export interface Recovered {
  /** Sessions up to here are of a life that is over. */
  readonly position: Position
  /** When it was noticed, ms since 1970. */
  readonly time: number
  /** State time that the ledger came back to, or somewhat before it, ms since 1970; 0 when it is not known. */
  readonly lostFrom: number
  /** Undefined until somebody has looked. */
  readonly loss: Loss | undefined
}

export interface Restorable {
  /** Before following. Rejects with LedgerWentBack. */
  recover(newest: StoredState | undefined): Promise<void>
  /** Undefined for a ledger that was never put back. */
  recovered(): Promise<Recovered | undefined>
  /** Writes down what was lost, unless somebody else has. */
  noteLoss(recovered: Recovered, loss: Loss): Promise<void>
}

/** The store knows of positions that this ledger has yet to reach: it was put back to an older copy. */
export class LedgerWentBack extends Error {
  override readonly name = 'LedgerWentBack'
  constructor(ledger: Position, store: Position) {
    super(
      `the ledger ends at revision ${ledger}, but the bucket knows of revision ${store}: it was restored from an older ` +
        'copy. Stop all brokers and restore it again with etcdutl snapshot restore --bump-revision 1000000000 --mark-compacted',
    )
  }
}
