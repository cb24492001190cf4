/**
 * The key space of a ledger in etcd (docs/formats.md, "Ledger in etcd"): pure functions between keys and what they name.
 *
 * Everything that followers must see, and see in one order, lies under `log/`, so that one watch tells all of it. An event
 * of the ledger is the creation of one key of kind `open`, `close` or `entry`; its position is the revision. None of
 * these is bound to a lease, so the events after a position can be read from the keys as well as from etcd's history,
 * which others may have compacted.
 */
import { type Epoch, LedgerFailed } from '../ledger.ts'

/** Wide enough for any number that is safe in JavaScript, so that keys sort as their numbers do. */
const DIGITS = 16

export type LogKey =
  /** Exists while the session does: bound to the lease of its owner. Its create revision is the epoch. */
  | { readonly kind: 'session'; readonly name: string }
  /** A session was opened; its revision is the epoch. */
  | { readonly kind: 'open'; readonly name: string }
  /** A session has ended. */
  | { readonly kind: 'close'; readonly epoch: Epoch }
  | { readonly kind: 'entry'; readonly epoch: Epoch; readonly number: number }
  /** Written to find out how far a watch has come. */
  | { readonly kind: 'mark' }

export interface KeyRange {
  readonly key: Buffer
  readonly range_end: Buffer
}

export class Keys {
  readonly prefix: string
  readonly head: Buffer
  readonly checkpoint: Buffer
  readonly mark: Buffer
  /** Says that the ledger was put back to an older copy. */
  readonly recovered: Buffer
  /** Everything that followers watch. */
  readonly log: KeyRange
  readonly sessions: KeyRange
  readonly opens: KeyRange
  readonly closes: KeyRange
  readonly entries: KeyRange
  readonly progresses: KeyRange
  readonly #logStart: Buffer

  /** `prefix` separates the ledgers of one etcd; slashes around it do not count. */
  constructor(prefix: string) {
    this.prefix = prefix.replace(/^\/+|\/+$/g, '')
    this.head = this.#key('head')
    this.checkpoint = this.#key('checkpoint')
    this.mark = this.#key('log/mark')
    this.recovered = this.#key('recovered')
    this.log = this.#range('log/')
    this.sessions = this.#range('log/session/')
    this.opens = this.#range('log/open/')
    this.closes = this.#range('log/close/')
    this.entries = this.#range('log/entry/')
    this.progresses = this.#range('progress/')
    this.#logStart = this.log.key
  }

  session(name: string): Buffer {
    return this.#key(`log/session/${encodeURIComponent(name)}`)
  }

  /** `lease` tells the sessions of one name apart. */
  open(name: string, lease: string): Buffer {
    return this.#key(`log/open/${encodeURIComponent(name)}/${lease}`)
  }

  opensOf(name: string): KeyRange {
    return this.#range(`log/open/${encodeURIComponent(name)}/`)
  }

  close(epoch: Epoch): Buffer {
    return this.#key(`log/close/${padded(epoch)}`)
  }

  entry(epoch: Epoch, number: number): Buffer {
    return this.#key(`log/entry/${padded(epoch)}/${padded(number)}`)
  }

  progress(epoch: Epoch): Buffer {
    return this.#key(`progress/${padded(epoch)}`)
  }

  /** The epoch that a progress key belongs to. */
  progressEpoch(key: Buffer): Epoch {
    return wholeNumber(key.subarray(this.progresses.key.length).toString(), key)
  }

  /** Throws LedgerFailed for a key under `log/` of a kind that is not known: a newer broker writes what this one cannot follow. */
  parse(key: Buffer): LogKey {
    const [kind, ...rest] = key.subarray(this.#logStart.length).toString().split('/')
    if (kind === 'session' && rest.length === 1) return { kind, name: decodeURIComponent(rest[0] ?? '') }
    if (kind === 'open' && rest.length === 2) return { kind, name: decodeURIComponent(rest[0] ?? '') }
    if (kind === 'close' && rest.length === 1) return { kind, epoch: wholeNumber(rest[0], key) }
    if (kind === 'entry' && rest.length === 2) {
      return { kind, epoch: wholeNumber(rest[0], key), number: wholeNumber(rest[1], key) }
    }
    if (kind === 'mark' && rest.length === 0) return { kind }
    throw new LedgerFailed(`the ledger has a key that this version does not know: ${key.toString()}`)
  }

  #key(name: string): Buffer {
    return Buffer.from(`${this.prefix}/${name}`)
  }

  #range(start: string): KeyRange {
    const key = this.#key(start)
    return { key, range_end: afterPrefix(key) }
  }
}

/** The first key after all those that begin with `prefix`, which ends in a slash. */
function afterPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix)
  end[end.length - 1] = '/'.charCodeAt(0) + 1
  return end
}

/** The first key after this one. */
export const afterKey = (key: Buffer): Buffer => Buffer.concat([key, Buffer.of(0)])

const padded = (number: number): string => String(number).padStart(DIGITS, '0')

function wholeNumber(text: string | undefined, key: Buffer): number {
  if (text === undefined || !/^\d{16}$/.test(text))
    throw new LedgerFailed(`the ledger has a damaged key: ${key.toString()}`)
  return Number(text)
}
