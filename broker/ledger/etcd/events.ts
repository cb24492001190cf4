/**
 * What etcd says, as events of the ledger: pure. `decode` names what one change means to a follower, `Sequence` checks
 * that changes come in order and nothing is missing between them.
 */
import type { IEvent, IKeyValue } from 'etcd3'
import { type Epoch, type LedgerEvent, LedgerFailed, type Position } from '../ledger.ts'
import type { Keys } from './keys.ts'

export type Change =
  | { readonly kind: 'event'; readonly event: LedgerEvent }
  /** The key of a session went without a `close`: its lease ran out, and somebody has to write that down. */
  | { readonly kind: 'session-key-gone'; readonly position: Position }
  | { readonly kind: 'mark'; readonly position: Position }
  /** Of no meaning to followers. */
  | { readonly kind: 'nothing'; readonly position: Position }

/** Throws LedgerFailed when a key was changed that is only ever created. */
export function decode(keys: Keys, { type, kv }: Pick<IEvent, 'type' | 'kv'>): Change {
  const key = keys.parse(kv.key)
  const position = Number(kv.mod_revision)
  if (type === 'Delete') return { kind: key.kind === 'session' ? 'session-key-gone' : 'nothing', position }
  if (key.kind === 'mark') return { kind: 'mark', position }
  if (key.kind === 'session') return { kind: 'nothing', position }
  if (kv.create_revision !== kv.mod_revision) throw new LedgerFailed(`an event was overwritten: ${kv.key.toString()}`)
  return { kind: 'event', event: decodeEvent(keys, kv) ?? unreachable(kv) }
}

/** The event that the creation of this key was; undefined for a key that tells of none. */
export function decodeEvent(keys: Keys, kv: IKeyValue): LedgerEvent | undefined {
  const key = keys.parse(kv.key)
  const position = Number(kv.mod_revision)
  if (key.kind === 'entry') {
    return { kind: 'entry', position, epoch: key.epoch, number: key.number, payload: kv.value }
  }
  if (key.kind === 'open') return { kind: 'session-opened', position, epoch: position, info: kv.value }
  if (key.kind === 'close') return { kind: 'session-closed', position, epoch: key.epoch }
  return undefined
}

function unreachable(kv: IKeyValue): never {
  throw new Error(`no event is told by ${kv.key.toString()}`)
}

/** An event is missing, or is there twice at one revision: what was received cannot be trusted. */
export class OutOfSequence extends Error {
  override readonly name = 'OutOfSequence'
}

/** Follows the numbers of each session (etcd has had watches that lost events: etcd-io/etcd#17247, #18089). */
export class Sequence {
  readonly #numbers = new Map<Epoch, number>()
  #position: Position

  constructor(from: Position) {
    this.#position = from
  }

  get position(): Position {
    return this.#position
  }

  /** Whether the event is new. Throws OutOfSequence when one before it is missing. */
  accept(event: LedgerEvent): boolean {
    if (event.position <= this.#position) {
      throw new OutOfSequence(`an event at ${event.position} came after ${this.#position}`)
    }
    if (event.kind === 'entry' && !this.#acceptNumber(event.epoch, event.number)) return false
    if (event.kind === 'session-opened') this.#numbers.set(event.epoch, 0)
    if (event.kind === 'session-closed') this.#numbers.delete(event.epoch)
    this.#position = event.position
    return true
  }

  /** Nothing is missing up to `position`, though no event stands there. */
  passed(position: Position): void {
    this.#position = Math.max(this.#position, position)
  }

  #acceptNumber(epoch: Epoch, number: number): boolean {
    const last = this.#numbers.get(epoch)
    // Of a session that was open before, the numbers begin anywhere.
    if (last !== undefined && number <= last) return false
    if (last !== undefined && number !== last + 1) {
      throw new OutOfSequence(`entry ${number} of session ${epoch} came after entry ${last}`)
    }
    this.#numbers.set(epoch, number)
    return true
  }
}
